"""The door: every command, every exit code, and no traceback for a user."""

import atexit
import os
import sys
from collections.abc import Callable

TRACEBACK = "PENNYWEIGHT_TRACEBACK"


def run(command: Callable[[], None] | None = None) -> None:
    """Run `command`, by default the command line, and end the process with the promised exit code.

    Everything is imported in here, so that a signal finds us ready as early as Python allows.
    """
    try:
        _run(command or _command_line)
    except KeyboardInterrupt:
        _end_interrupted()


def _run(command: Callable[[], None]) -> None:
    try:
        from pennyweight.cli.signals import INTERRUPTED, ignore_signals, interrupt_on_signals

        interrupt_on_signals()
        _open_closed_streams()
        _prepare_streams()
        command()
        ignore_signals()
    except SystemExit as end:
        # typer turns both into an exit of its own
        if isinstance(end.__context__, BrokenPipeError):
            _end_unread()
        if end.__context__ and isinstance(end.__context__.__cause__, KeyboardInterrupt):
            _end_interrupted()
        if end.code == INTERRUPTED:
            _leave()
        ignore_signals()
        raise
    except BrokenPipeError:
        _end_unread()
    except Exception as error:
        _end(*describe(error), getattr(error, "command", ""))


def describe(error: Exception) -> tuple[str, int]:
    """Return an error as one sentence and the exit code it ends in; raises it again where a traceback is asked for."""
    from pennyweight.base.errors import PennyweightError
    from pennyweight.base.printable import printable

    if isinstance(error, PennyweightError):
        return str(error), error.exit_code
    sentence, exit_code = _describe_other(error)
    return printable(sentence), exit_code


def _describe_other(error: Exception) -> tuple[str, int]:
    from pennyweight.base.errors import UnavailableError

    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, MemoryError):
        return "There is not enough memory for this; free some, or allow this process more.", UnavailableError.exit_code
    if isinstance(error, ImportError):
        # the first of those it was raised from; NumPy wraps it in a page of advice
        first: BaseException = error
        while isinstance(below := first.__cause__ or first.__context__, ImportError):
            first = below
        words = f"A package cannot be loaded: {first}. Install it again, or allow this process more memory."
        return words, UnavailableError.exit_code
    if isinstance(error, OSError) and error.strerror:
        place = f" at {error.filename}" if error.filename else ""
        return f"The system refuses{place}: {error.strerror}.", UnavailableError.exit_code
    return f"Unexpected error: {type(error).__name__}: {error}. Set {TRACEBACK}=1 to see where.", 1


def _command_line() -> None:
    from pennyweight.cli.app import app

    app(prog_name="pennyweight")


def _end_interrupted() -> None:
    """End at once: after a KeyboardInterrupt in the middle of an import, Python itself might not exit with 130."""
    from pennyweight.cli.signals import INTERRUPTED, interrupted_sentence

    try:
        _end(interrupted_sentence(), INTERRUPTED)
    finally:
        os._exit(INTERRUPTED)


def _end_unread() -> None:
    """End where whoever read our output has gone: what is complete is kept, and there is nobody left to tell."""
    from pennyweight.cli.signals import INTERRUPTED

    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    raise SystemExit(INTERRUPTED) from None


def _end(sentence: str, exit_code: int, command: str = "") -> None:
    """Print why, and the command that goes on, which the sentence ends in; end with the exit code."""
    from pennyweight.cli.output import say_error
    from pennyweight.cli.signals import INTERRUPTED, ignore_signals

    try:
        say_error(sentence, command)
    except OSError:  # nobody reads it, or its disk is full as well
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if exit_code == INTERRUPTED:
        _leave()
    ignore_signals()
    raise SystemExit(exit_code) from None


def _leave() -> None:
    """End an interrupted process without Python's own end, which takes most of a second where PyTorch is loaded."""
    from pennyweight.cli.signals import INTERRUPTED

    try:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()
    finally:
        os._exit(INTERRUPTED)


def _prepare_streams() -> None:
    """Let what we print be read wherever it goes, on terminals that have ASCII alone too."""
    from pennyweight.base.terminal import write_readably

    write_readably(sys.stdout)
    write_readably(sys.stderr)


def _open_closed_streams() -> None:
    """Give streams that were closed before we started a place to go, so that no file of ours takes their number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115


if __name__ == "__main__":
    run()
