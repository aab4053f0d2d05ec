"""Floor 6.5: pages and STEP.md, functions of values: recipes, records, and the arrays behind pictures."""
