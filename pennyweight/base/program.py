"""How this program was started, for commands that the user can paste."""

import os
import shutil
import sys


def program_words() -> list[str]:
    """Return the words that start this program again, as it was started."""
    program = sys.argv[0]
    name = os.path.basename(program)
    if name == "__main__.py":
        return [sys.executable, "-m", "pennyweight"]
    if name in ("", "-c"):  # an interpreter without a program
        return ["pennyweight"]
    if name.endswith(".py"):
        return [sys.executable, program]
    on_path = shutil.which(name)
    is_on_path = on_path and (not os.path.exists(program) or os.path.samefile(on_path, program))
    return [name if is_on_path else program]


def command_line_words() -> list[str]:
    """Return the words that start the command line: as it was started, and in any other program its name."""
    is_command_line = os.path.basename(sys.argv[0]) in ("pennyweight", "__main__.py")
    return program_words() if is_command_line else ["pennyweight"]
