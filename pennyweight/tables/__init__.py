"""Floor 5: tables as values, rendered as text for a terminal, as Markdown and as HTML."""
