"""Commands that write files of their own from a finished run, an export or a page, and a misfortune on the way.

Whatever happened, the same command then writes the same files, nothing else is left, and the run stays as it was.
"""

from collections.abc import Callable
from random import Random

from campaign.place import Place
from campaign.state import state_of

COMMANDS = (
    ("export", "run", "--to", "c", "--out", "made"),
    ("export", "run", "--to", "onnx", "--out", "made"),
    ("report", "run", "--out", "made/page.html"),
)


def longest(place: Place, words: list[str], *names: str) -> float:
    """Until when a misfortune may come: a little longer than the command takes."""
    return 1.1 * place.usual(words, *names).seconds


def write(chance: Random, place: Place, allowed: set[int], misfortune: Callable[[float], tuple[str, object]]) -> str:
    """Let a misfortune happen to one of the commands, which ends in an allowed code; then run it again.

    `misfortune` is given until when it may come.
    """
    words = list(chance.choice(COMMANDS))
    before = state_of(place.copy("run"))
    code = place.run(words, misfortune(longest(place, words, "run"))).code
    assert code in allowed, f"{words} ended in {code}"
    again, usual = place.run(words), place.usual(words, "run")
    assert (again.code, usual.ended.code) == (0, 0), again
    made = state_of(place.folder / "made")
    assert made == state_of(usual.folder / "made"), f"{sorted(made)} after exit code {code}"
    assert state_of(place.folder / "run") == before, f"{words[0]} changed the run"
    return f"{words[0]}: exit {code}"
