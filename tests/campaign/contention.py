"""Several processes want the same at once: one run folder, one network to compile, one dataset to download.

One trains and the others name it (exit code 3) or find the run complete; all use one library, each file is downloaded
once, and exports wait for each other. The result is that of a single process, and nothing temporary is left.
"""

import json
from random import Random

import mirrors
from crashing import Ended, outcome, run_at_once, uninterrupted

from campaign.place import IMAGES, MOST_BYTES, RECIPE, Place, clean, idx_files
from campaign.state import fetched, fetching, state_of
from campaign.writing import COMMANDS

LONGEST_COMPILING_SECONDS = 300
"""Several compilers at once, on a machine that others use as well."""

MOST_APART_SECONDS = 0.02
"""Between two operations on files of one process, so that those of the others come in between."""


def at_once(
    chance: Random, place: Place, words: list[str], allowed: set[int], *prepare: tuple[str, object]
) -> list[Ended]:
    """Run copies of a command; return how they ended, all in an allowed code and one of them in the smallest."""
    copies = chance.randint(2, 6)
    apart = ("dawdle", MOST_APART_SECONDS)
    ended = run_at_once(copies, words, place.folder, apart, *prepare, images=IMAGES)
    ended = [place.noted(clean(one, words)) for one in ended]
    others = [one for one in ended if one.code not in allowed]
    assert not others, f"{codes(ended)}, allowed {sorted(allowed)}: {others}"
    assert min(allowed) in [one.code for one in ended], f"{codes(ended)}, none {min(allowed)}: {ended[0]}"
    return ended


def codes(ended: list[Ended]) -> str:
    return f"exit {[one.code for one in ended]}"


def train(chance: Random, place: Place) -> str:
    """Every epoch is trained once, whoever trains it."""
    ended = at_once(chance, place, place.train_words(), {0, 3})
    told = sorted(epoch for one in ended for epoch in one.epochs)
    assert outcome(place.folder / "run") == uninterrupted(RECIPE, IMAGES)
    assert told == list(range(1, len(uninterrupted(RECIPE, IMAGES).history) + 1)), f"epochs {told}: {codes(ended)}"
    return f"train in one folder, {place.engine}: {codes(ended)}"


def again(chance: Random, place: Place) -> str:
    """Every run that was moved aside is a whole one."""
    place.copy("run")
    ended = at_once(chance, place, place.train_words("run", "--again"), {0, 3})
    aside = sorted(place.folder.glob("old-*"))
    assert 1 <= len(aside) <= len(ended), aside
    assert all(outcome(one) == uninterrupted(RECIPE, IMAGES) for one in (place.folder / "run", *aside))
    return f"train --again in one folder, {place.engine}: {codes(ended)}"


def judge(chance: Random, place: Place) -> str:
    """Looking takes no lock, and changes nothing."""
    before = state_of(place.copy("run"))
    ended = at_once(chance, place, ["judge", "run"], {place.usual(["judge", "run"], "run").ended.code})
    assert state_of(place.folder / "run") == before
    return f"judge one run: {codes(ended)}"


def write(chance: Random, place: Place) -> str:
    """Exports or pages of one run: each is written by all of them, one after the other."""
    words = list(chance.choice(COMMANDS))
    before = state_of(place.copy("run"))
    ended = at_once(chance, place, words, {0})
    assert state_of(place.folder / "made") == state_of(place.usual(words, "run").folder / "made")
    assert state_of(place.folder / "run") == before
    return f"{words[0]} one run: {codes(ended)}"


def write_apart(chance: Random, place: Place) -> str:
    """Exports of one run under names of their own into one folder: the manifest lists them all."""
    words = list(chance.choice([one for one in COMMANDS if one[0] == "export"]))
    place.copy("run")
    ended = at_once(chance, place, words, {0}, ("own_prefix", None))
    made = state_of(place.folder / "made")
    held = json.loads((place.folder / "made" / "manifest.json").read_text())["exports"]
    assert len(held) == len(ended), f"{len(ended)} exports, {len(held)} in the manifest"
    listed = {file["name"]: file["sha256"] for one in held for file in one["files"]}
    assert {**made, "manifest.json": ""} == {**listed, "manifest.json": ""}
    return f"{words[3]} under names of their own: {codes(ended)}"


def compile_once(chance: Random, place: Place) -> str:
    cache = place.folder / "cache"
    cache.mkdir(0o700)
    words = [*place.train_words(), "--engine", "native"]
    variables = ("surroundings", {"PENNYWEIGHT_CACHE": str(cache)})
    patience = ("at_most", [LONGEST_COMPILING_SECONDS, MOST_BYTES])
    ended = at_once(chance, place, words, {0, 3}, variables, patience)
    said = [line for one in ended for line in one.err.splitlines() if "ompil" in line or "kept" in line]
    assert sum(line.startswith("Compiled the network") for line in said) == 1, said
    names = [path.suffix for path in cache.iterdir() if path.suffix in (".so", ".sha256", ".tmp", ".o")]
    assert sorted(names) == [".sha256", ".so"], names
    return f"compile one network: {codes(ended)}"


def fetch(chance: Random, place: Place) -> str:
    contents = idx_files()
    with mirrors.mirror("late", contents) as mirror:
        words, source = fetching(place.folder, mirror.url, contents)
        ended = at_once(chance, place, words, {0}, source)
        gets = sorted(mirror.gets)
    assert gets == sorted(f"/data/{name}" for name in contents), gets
    fetched(place.folder / "data" / "mnist", contents)
    return f"download one dataset: {codes(ended)}"


WAYS = (train, again, judge, write, write_apart, compile_once, fetch)
