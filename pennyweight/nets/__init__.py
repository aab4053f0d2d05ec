"""Floor 1: what a network is (layers), how it runs (plan), what it costs (measure) and its weights."""
