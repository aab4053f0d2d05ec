"""A pipe, device, folder, link, socket or sparse file stands where a file of ours should, or a strange name is given.

Commands refuse it in a sentence or do without it, as where a file was changed; they never wait for it, read it to its
end or write through it. Of several records one that is gone was never there: nothing else lists them.
"""

from random import Random

from odd_files import ODD, missing

from campaign.place import Place
from campaign.readers import READERS

NAMES = [
    *(
        "",
        " ",
        ".",
        "..",
        "/dev",
        "/dev/null",
        "/dev/full",
        "/proc/self/run",
        "/proc/1/mem",
        "x" * 256,
        "a\nb",
        "-x",
        "~",
    ),
    *("a/" * 3_000, "é" * 100, "\u202ea", "%s{}", "run/record.json", "run/", "nothing/../run", "records/seed-0.json"),
]
WORDS: list[list[str]] = [
    *(["judge"], ["verify"], ["show"], ["audit"], ["compare", "run"]),
    *(["fetch", "mnist", "--data"], ["doctor", "--data"], ["judge", "run", "--budget"]),
    ["train", "progressive-3", "--dataset", "digits", "--epochs", "1", "--initial-weights", "run", "--out"],
]


def in_place(chance: Random, place: Place) -> str:
    reader = chance.choice(READERS)
    for name in reader.names:
        place.copy(name)
    path = chance.choice(sorted(place.folder.glob(reader.path)))
    content = path.read_bytes()
    odd = chance.choice([one for one in ODD if one is not missing or "records" not in reader.names])
    odd(path)
    words = reader.case(place, path)
    elsewhere = path.parent.parent / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == content, "a link was written through"
    return f"{path.name} as {odd.__name__}; {words}"


def strange_name(chance: Random, place: Place) -> str:
    place.copy("run")
    place.copy("records")
    words = [*chance.choice(WORDS), chance.choice(NAMES)]
    return f"{words!r:.200}: exit {place.run(words).code}"


WAYS = (in_place, in_place, strange_name)
