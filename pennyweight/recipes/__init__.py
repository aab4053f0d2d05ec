"""Floor 4: the published networks, one file for each source document."""
