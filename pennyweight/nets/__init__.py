"""Floor 1: what a network is (rows), how it runs (plan), what it costs (measure) and its weights."""
