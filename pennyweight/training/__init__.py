"""Floor 3: recipes, optimizers, schedules, engines, checkpoints and the loop that trains."""
