"""Floor 2: recipes and what they are made of: optimizers, schedules, averaging, stopping; recipes as text."""
