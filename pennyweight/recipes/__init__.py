"""Floor 3: the published networks, one file for each source document."""
