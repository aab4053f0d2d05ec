"""Is this process the kernel of a notebook? Its stderr is no terminal, yet it shows a line that is written over."""

import sys


def in_notebook() -> bool:
    """Return whether a notebook runs this process, whether or not IPython's packages were merely imported."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
