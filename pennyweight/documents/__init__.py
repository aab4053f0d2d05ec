"""Floor 3: what the source documents say, and whether it is true."""
