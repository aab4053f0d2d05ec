"""How Sphinx builds the documentation site; `make docs` says from what."""

import pennyweight as pw
from pennyweight.figures.style import DARK, LIGHT

project = "Pennyweight"
version = release = pw.__version__
project_copyright = "The Pennyweight authors"

extensions = ["myst_nb", "sphinx.ext.autodoc"]
# two hyphens are a flag, not a dash
smartquotes = False
# a block of commands is no Python
highlight_language = "none"
exclude_patterns = ["schemas", "pictures"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

# a notebook is executed as it is built, and one that fails fails the site
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

# docstrings write code in single quotes of this kind
default_role = "code"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "Pennyweight"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def _variables(colours: dict[str, str]) -> dict[str, str]:
    """Return the theme's variables for the colours that pages and figures share; the fonts are the reader's own."""
    return {
        "font-stack": "system-ui, sans-serif",
        "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
        "color-foreground-primary": colours["ink"],
        "color-background-primary": colours["paper"],
        "color-background-secondary": colours["paper"],
        "color-background-border": colours["rule"],
        "color-brand-primary": colours["ours"],
        "color-brand-content": colours["ours"],
        "color-brand-visited": colours["ours"],
    }


html_theme_options = {
    "light_css_variables": _variables(dict(LIGHT)),
    "dark_css_variables": _variables(dict(DARK)),
}
