"""What a child process of the pool runs: a request as JSON on stdin, its events as JSON lines on stdout.

python -m pennyweight.cli.worker PARENT_PROCESS [-v] [-p]
"""

import os
import sys


def work() -> None:
    """Carry out the request on stdin, and stop when the parent process is gone."""
    from pennyweight.cli.signals import CHILD_END_SECONDS, stop_on_signals

    signalled, parent = stop_on_signals(CHILD_END_SECONDS), int(sys.argv[1])
    from pennyweight.api import train
    from pennyweight.cli.main import describe
    from pennyweight.reporting.console import Console
    from pennyweight.runs.request import Request
    from pennyweight.training.events import Done, EventWriter, Failed

    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything else prints, a recipe file for one, is no event
    events = EventWriter(stdout, Console(verbose="-v" in sys.argv[2:], alone=False), steps="-p" in sys.argv[2:])
    try:
        request = Request.from_json(sys.stdin.read())
        record = train(request, observer=events, stop=lambda: signalled() or os.getppid() != parent)
        events.write(Done(record))
    except BrokenPipeError:
        raise
    except Exception as error:
        sentence, exit_code = describe(error)
        events.write(Failed(sentence, exit_code))
        raise SystemExit(exit_code) from None


if __name__ == "__main__":
    try:
        from pennyweight.cli.main import run

        run(work)
    except KeyboardInterrupt:  # so early that `run` could not yet take care of it: nothing was begun
        raise SystemExit(130) from None
