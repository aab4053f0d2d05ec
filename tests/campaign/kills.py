"""Training, judging, fetching, exporting or reporting is killed (SIGKILL) at random moments, and then runs to its end.

A run loses no epoch it told of and ends in the bytes of an uninterrupted one; judging leaves its run as it was; a
dataset is complete afterwards, without a file that is half there; an export or a page is written anew; nothing
temporary is left.
"""

from functools import partial
from random import Random

import mirrors
from crashing import Ended, check_resumed

from campaign.place import IMAGES, RECIPE, Place, idx_files
from campaign.state import fetched, fetching, state_of
from campaign.writing import longest, write

KILLED = -9


def killed_after(chance: Random, longest_seconds: float) -> tuple[str, object]:
    return "signal_after", ["SIGKILL", chance.uniform(0, longest_seconds), 1]


def train(chance: Random, place: Place) -> str:
    ended: list[Ended] = []
    for _ in range(chance.randint(1, 4)):
        ended.append(place.run(place.train_words(), killed_after(chance, longest(place, place.train_words()))))
        if ended[-1].code == 0:
            break
    if ended[-1].code != 0:
        ended.append(place.run(place.train_words()))
    check_resumed(RECIPE, place.folder / "run", ended, IMAGES)
    return f"train, {place.engine}, killed {sum(one.code == KILLED for one in ended)} times"


def export_or_report(chance: Random, place: Place) -> str:
    return write(chance, place, {0, KILLED}, partial(killed_after, chance))


def judge(chance: Random, place: Place) -> str:
    before = state_of(place.copy("run"))
    words = chance.choice([["judge", "run"], ["verify", "run"]])
    code = place.run(words, killed_after(chance, longest(place, words, "run"))).code
    assert place.run(words) == place.usual(words, "run").ended, "judged otherwise after it was killed"
    assert state_of(place.folder / "run") == before, "judging changed the run"
    return f"{words[0]}, {'killed' if code == KILLED else 'done before'}"


def fetch(chance: Random, place: Place) -> str:
    contents = idx_files()
    with mirrors.mirror(chance.choice(["good", "late"]), contents) as mirror:
        words, source = fetching(place.folder, mirror.url, contents)
        codes = [place.run(words, source, killed_after(chance, 0.4)).code for _ in range(chance.randint(1, 3))]
        assert place.run(words, source).code == 0
    fetched(place.folder / "data" / "mnist", contents)
    return f"fetch, ended in {codes}"


WAYS = (train, train, train, judge, fetch, export_or_report)
