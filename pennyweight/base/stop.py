"""Being asked to stop: whatever waits, or works for long, looks at one callable."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias, TypeVar

from pennyweight.base.errors import Interrupted

Stop: TypeAlias = Callable[[], bool]
Result = TypeVar("Result")

POLL_SECONDS = 0.05
"""How often a wait looks whether it should go on."""


def never() -> bool:
    """Return that nobody asked to stop."""
    return False


def heed(stop: Stop, during: str) -> None:
    """Raise Interrupted where `stop` says so; `during` completes the sentence `Stopped while ...`."""
    if stop():
        raise Interrupted(f"Stopped while {during}.")


def attend(work: Callable[[], Result], stop: Stop, during: str) -> Result:
    """Return what `work` returns, or raise what it raises, or Interrupted as soon as `stop` says so.

    For work that cannot look itself, as a system call that takes as long as another machine takes: it is done in a
    daemon thread, which is left alone on an interruption.
    """
    ended: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:
            ended.put((None, error))

    Thread(target=run, daemon=True).start()
    while True:
        try:
            result, error = ended.get(timeout=POLL_SECONDS)
        except Empty:
            heed(stop, during)
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]
