"""Several processes want the same at once: one run folder, one network to compile, one dataset to download.

One trains and the others name it (exit code 3) or find the run complete; all use one library, each file is downloaded
once, and exports wait for each other. The result is that of a single process, and nothing temporary is left.
"""

from random import Random

import mirrors
from crashing import outcome, run_at_once, uninterrupted

from campaign.place import IMAGES, MOST_BYTES, RECIPE, Place, clean, idx_files
from campaign.state import fetched, fetching, state_of
from campaign.writing import COMMANDS

LONGEST_COMPILING_SECONDS = 300
"""Several compilers at once, on a machine that others use as well."""

MOST_APART_SECONDS = 0.02
"""Between two operations on files of one process, so that those of the others come in between."""


def case(chance: Random, place: Place) -> str:
    return chance.choice([train, again, judge, write, compile_once, fetch])(chance.randint(2, 6), place)


def at_once(copies: int, place: Place, words: list[str], allowed: set[int], *prepare: tuple[str, object]) -> list[int]:
    """Run copies of a command; return their exit codes, all of them allowed and one of them the smallest allowed."""
    apart = ("dawdle", MOST_APART_SECONDS)
    ended = run_at_once(copies, words, place.folder, apart, *prepare, images=IMAGES)
    ended = [place.noted(clean(one, words)) for one in ended]
    codes = [one.code for one in ended]
    others = [one for one in ended if one.code not in allowed]
    assert not others, f"exit {codes}, allowed {sorted(allowed)}: {others}"
    assert min(allowed) in codes, f"exit {codes}, none {min(allowed)}: {ended[0]}"
    return codes


def train(copies: int, place: Place) -> str:
    codes = at_once(copies, place, place.train_words(), {0, 3})
    assert outcome(place.folder / "run") == uninterrupted(RECIPE, IMAGES)
    return f"{copies} train in one folder, {place.engine}: exit {codes}"


def again(copies: int, place: Place) -> str:
    """Every run that was moved aside is a whole one."""
    place.copy("run")
    codes = at_once(copies, place, place.train_words("run", "--again"), {0, 3})
    aside = sorted(place.folder.glob("old-*"))
    assert 1 <= len(aside) <= copies, aside
    assert all(outcome(one) == uninterrupted(RECIPE, IMAGES) for one in (place.folder / "run", *aside))
    return f"{copies} train --again in one folder, {place.engine}: exit {codes}"


def judge(copies: int, place: Place) -> str:
    """Looking takes no lock, and changes nothing."""
    before = state_of(place.copy("run"))
    codes = at_once(copies, place, ["judge", "run"], {place.usual(["judge", "run"], "run").ended.code})
    assert state_of(place.folder / "run") == before
    return f"{copies} judge one run: exit {codes}"


def write(copies: int, place: Place) -> str:
    """Exports or pages of one run: each is written by all of them, one after the other."""
    words = list(COMMANDS[copies % len(COMMANDS)])
    before = state_of(place.copy("run"))
    codes = at_once(copies, place, words, {0})
    assert state_of(place.folder / "made") == state_of(place.usual(words, "run").folder / "made")
    assert state_of(place.folder / "run") == before
    return f"{copies} {words[0]} one run: exit {codes}"


def compile_once(copies: int, place: Place) -> str:
    cache = place.folder / "cache"
    cache.mkdir(0o700)
    words = [*place.train_words(), "--engine", "native"]
    variables = ("surroundings", {"PENNYWEIGHT_CACHE": str(cache)})
    patience = ("at_most", [LONGEST_COMPILING_SECONDS, MOST_BYTES])
    codes = at_once(copies, place, words, {0, 3}, variables, patience)
    names = [path.suffix for path in cache.iterdir() if path.suffix in (".so", ".sha256", ".tmp", ".o")]
    assert sorted(names) == [".sha256", ".so"], names
    return f"{copies} compile one network: exit {codes}"


def fetch(copies: int, place: Place) -> str:
    contents = idx_files()
    with mirrors.mirror("late", contents) as mirror:
        words, source = fetching(place.folder, mirror.url, contents)
        codes = at_once(copies, place, words, {0}, source)
        gets = sorted(mirror.gets)
    assert gets == sorted(f"/data/{name}" for name in contents), gets
    fetched(place.folder / "data" / "mnist", contents)
    return f"{copies} download one dataset: exit {codes}"
