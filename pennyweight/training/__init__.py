"""Floor 5: the loop that trains."""
