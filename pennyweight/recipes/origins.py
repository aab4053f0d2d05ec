"""Which settings a source document states, and which are our suggestion."""

from pennyweight.training.recipe import Recipe


def says(recipe: Recipe, key: str) -> str:
    """Return `document` or `suggested` for a setting's key; the longest key that covers it decides."""
    covering = [
        (len(name), word)
        for names, word in ((recipe.origin.stated, "document"), (recipe.origin.suggested, "suggested"))
        for name in names
        if key == name or key.startswith(f"{name}.")
    ]
    return max(covering)[1] if covering else ""
