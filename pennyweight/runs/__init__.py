"""Floor 4: run folders: checkpoints, fingerprints, provenance, finding and loading finished runs."""
