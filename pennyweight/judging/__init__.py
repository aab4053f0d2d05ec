"""Floor 5: does a recipe keep its rules, does a run keep its budget."""
