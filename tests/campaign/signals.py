"""SIGINT, SIGTERM or SIGHUP comes at a random moment of a command, once or several times.

It ends in exit code 130 within a minute (the goal of two seconds is for a machine that does nothing else), or in its
usual result where it was done before. The same command then goes on to the same bytes.
"""

import signal
import subprocess
from functools import partial
from random import Random
from time import sleep

import mirrors
from crashing import Ended, check_resumed, has_handlers, send_signals, start

from campaign.place import IMAGES, RECIPE, Place, end, idx_files
from campaign.state import fetched, fetching
from campaign.writing import longest, write

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def drawn(chance: Random) -> tuple[str, int]:
    return chance.choice(NAMES), chance.choice([1, 1, 1, 2, 5])


def signalled(chance: Random, longest_seconds: float) -> tuple[str, object]:
    name, times = drawn(chance)
    return "signal_after", [name, chance.uniform(0, longest_seconds), times]


def train(chance: Random, place: Place) -> str:
    ended = [place.run(place.train_words(), signalled(chance, longest(place, place.train_words())))]
    assert ended[0].code in (0, 130), ended
    if ended[0].code == 130:
        ended.append(place.run(place.train_words()))
    check_resumed(RECIPE, place.folder / "run", ended, IMAGES)
    return f"train, {place.engine}: exit {ended[0].code}"


def export_or_report(chance: Random, place: Place) -> str:
    return write(chance, place, {0, 130}, partial(signalled, chance))


def from_the_start(chance: Random, place: Place) -> str:
    """A process of its own, from Python's start on, where Python itself may die of a signal before our code can act."""
    process = start(place.train_words(), place.folder)
    name, times = drawn(chance)
    sleep(chance.uniform(0, 4))
    handled = has_handlers(process.pid)
    send_signals(process, name, times)
    stopped = place.noted(end(process, ["train"]) if handled else ending(process, name))
    assert stopped.code in (0, 130) or not handled, stopped
    resumed = place.start(place.train_words())
    check_resumed(RECIPE, place.folder / "run", [stopped, resumed], images=0)
    return f"{times} {name}, {'handled' if handled else 'before handlers'}: exit {stopped.code}"


def ending(process: "subprocess.Popen[str]", name: str) -> Ended:
    try:
        return end(process, ["train"])
    except AssertionError:
        if process.returncode == -signal.Signals[name]:
            return Ended(process.returncode, "", "")
        raise


def fetch(chance: Random, place: Place) -> str:
    contents = idx_files()
    with mirrors.mirror("dripping", contents) as slow:
        words, source = fetching(place.folder, slow.url, contents)
        code = place.run(words, source, signalled(chance, 2)).code
    assert code == 130, code
    with mirrors.mirror("good", contents) as good:
        words, source = fetching(place.folder, good.url, contents)
        assert place.run(words, source).code == 0
    fetched(place.folder / "data" / "mnist", contents)
    return f"fetch: exit {code}"


def look(chance: Random, place: Place) -> str:
    place.copy("run")
    words = chance.choice([["judge", "run"], ["verify", "run"], ["list"], ["claims"], ["doctor"]])
    usual = place.usual(words, "run").ended
    ended = place.run(words, signalled(chance, longest(place, words, "run")))
    assert ended.code in (130, usual.code), ended
    return f"{words[0]}: exit {ended.code}"


WAYS = (train, train, from_the_start, fetch, look, export_or_report)
