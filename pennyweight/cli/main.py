"""The door: every verb, every exit code, and no traceback for a user."""

import os
import sys

from pennyweight.base.errors import PennyweightError

TRACEBACK = "PENNYWEIGHT_TRACEBACK"


def run() -> None:
    """Run the command line and end the process with the promised exit code."""
    try:
        from pennyweight.cli.app import app

        app(prog_name="pennyweight")
    except PennyweightError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        _end("Interrupted; what was complete before is kept, the same command goes on.", 130)
    except BrokenPipeError:
        # whoever read our output has gone; what is complete is kept, and there is nobody left to tell
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        _end(f"Something unforeseen: {type(error).__name__}: {error}. Set {TRACEBACK}=1 to see where.", 1)


def _end(sentence: str, exit_code: int) -> None:
    print(f"Error: {sentence}", file=sys.stderr, flush=True)
    raise SystemExit(exit_code)


if __name__ == "__main__":
    run()
