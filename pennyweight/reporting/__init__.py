"""Floor 5: what a person reads."""
