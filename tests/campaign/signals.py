"""SIGINT, SIGTERM or SIGHUP comes at a random moment of a command, once or several times.

It ends in exit code 130 within a minute (the goal of two seconds is for a machine that does nothing else), or in its
usual result where it was done before. The same command then goes on to the same bytes.
"""

import signal
import subprocess
from random import Random
from time import sleep

import mirrors
from crashing import Ended, check_resumed, start

from campaign.place import IMAGES, RECIPE, Place, end, idx_files
from campaign.state import fetched, fetching
from campaign.writing import write

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def case(chance: Random, place: Place) -> str:
    what = chance.choice([train, train, from_the_start, fetch, look, export_or_report])
    name, times = chance.choice(NAMES), chance.choice([1, 1, 1, 2, 5])
    return f"{what.__name__}, {place.engine}, {times} {name}: {what(chance, place, name, times)}"


def signalled(chance: Random, longest_seconds: float, name: str, times: int) -> tuple[str, object]:
    return "signal_after", [name, chance.uniform(0, longest_seconds), times]


def train(chance: Random, place: Place, name: str, times: int) -> str:
    ended = [place.run(place.train_words(), signalled(chance, 1.5, name, times))]
    assert ended[0].code in (0, 130), ended
    if ended[0].code == 130:
        ended.append(place.run(place.train_words()))
    check_resumed(RECIPE, place.folder / "run", ended, IMAGES)
    return f"exit {ended[0].code}"


def export_or_report(chance: Random, place: Place, name: str, times: int) -> str:
    return write(chance, place, {0, 130}, signalled(chance, 2.5, name, times))


def from_the_start(chance: Random, place: Place, name: str, times: int) -> str:
    """A process of its own, from Python's start on, where Python itself may die of a signal before our code can act."""
    process = start(place.train_words(), place.folder)
    sleep(chance.uniform(0, 4))
    for _ in range(times):
        process.send_signal(signal.Signals[name])
    stopped = place.noted(ending(process, name))
    assert stopped.code in (0, 130, -signal.Signals[name]), stopped
    resumed = place.start(place.train_words())
    check_resumed(RECIPE, place.folder / "run", [stopped, resumed], images=0)
    return f"exit {stopped.code}"


def ending(process: "subprocess.Popen[str]", name: str) -> Ended:
    try:
        return end(process, ["train"])
    except AssertionError:
        if process.returncode == -signal.Signals[name]:
            return Ended(process.returncode, "", "")
        raise


def fetch(chance: Random, place: Place, name: str, times: int) -> str:
    contents = idx_files()
    with mirrors.mirror("dripping", contents) as slow:
        words, source = fetching(place.folder, slow.url, contents)
        code = place.run(words, source, signalled(chance, 2, name, times)).code
    assert code == 130, code
    with mirrors.mirror("good", contents) as good:
        words, source = fetching(place.folder, good.url, contents)
        assert place.run(words, source).code == 0
    fetched(place.folder / "data" / "mnist", contents)
    return f"exit {code}"


def look(chance: Random, place: Place, name: str, times: int) -> str:
    place.copy("run")
    words = chance.choice([["judge", "run"], ["verify", "run"], ["list"], ["claims"], ["doctor"]])
    ended = place.run(words, signalled(chance, 0.6, name, times))
    usual = place.usual(words, "run").ended
    assert ended.code in (130, usual.code), ended
    return f"{words[0]}: exit {ended.code}"
