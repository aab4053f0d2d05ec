"""Floor 6: searching among recipes: candidates, and selection by validation accuracy."""
