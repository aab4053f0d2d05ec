"""The disk is full, the quota used up or the device broken at any write, or a file may not grow beyond some bytes.

Exit code 3 names the file and the bytes; what was complete before is kept, nothing temporary is left, and with room
again the same command ends in the same bytes. What cannot be printed ends in a sentence too.
"""

import errno
import os
import subprocess
from random import Random

import mirrors
from crashing import check_resumed

from campaign.place import IMAGES, RECIPE, Place, idx_files
from campaign.state import fetched, fetching
from campaign.writing import write

MOST_OPERATIONS = 110
BROKEN = (errno.ENOSPC, errno.ENOSPC, errno.EDQUOT, errno.EIO)


def refused(chance: Random, place: Place) -> str:
    operation, code = chance.randint(1, MOST_OPERATIONS), chance.choice(BROKEN)
    what = f"operation {operation} refused with {errno.errorcode[code]}"
    return resumed(place, what, ("at_operation", [operation, code, None]))


def cut_off(chance: Random, place: Place) -> str:
    size_bytes = chance.choice([0, 1, chance.randint(2, 20_000)])
    return resumed(place, f"no file above {size_bytes} bytes", ("largest_file", size_bytes))


def resumed(place: Place, what: str, *hindrance: tuple[str, object]) -> str:
    first = place.run(place.train_words(), *hindrance)
    assert first.code in (0, 3), first
    assert first.code == 0 or "Error: Cannot write " in first.err, first
    check_resumed(RECIPE, place.folder / "run", [first, place.run(place.train_words())], IMAGES)
    return f"train, {place.engine}, {what}: exit {first.code}"


def export_or_report(chance: Random, place: Place) -> str:
    size_bytes = chance.choice([0, 1, chance.randint(2, 60_000)])
    return f"{write(chance, place, {0, 3}, lambda _: ('largest_file', size_bytes))}, no file above {size_bytes} bytes"


def no_room_to_print(chance: Random, place: Place) -> str:
    place.copy("run")
    words = chance.choice([["list"], ["show", "skip-3"], ["judge", "run"], ["verify", "run"], ["doctor"], ["claims"]])
    words += chance.choice([[], ["--json"]])
    ended = place.run(words, ("printed_to", "/dev/full"))
    assert ended.code == 3, ended
    return f"{words[0]} > /dev/full: exit {ended.code}"


def no_room_for_libraries(chance: Random, place: Place) -> str:
    cache = place.folder / "cache"
    cache.mkdir(0o700)
    size_bytes = chance.choice([0, chance.randint(1, 60_000)])
    variables = {"PENNYWEIGHT_CACHE": str(cache)}
    words = [*place.train_words(), "--engine", "native"]
    ended = place.run(words, ("surroundings", variables), ("largest_file", size_bytes))
    assert ended.code in (0, 3), ended
    left = [path.name for path in cache.iterdir() if path.suffix in (".tmp", ".o")]
    assert not left, f"left in the cache: {left}"
    return f"compile, no file above {size_bytes} bytes: exit {ended.code}"


def fetch(chance: Random, place: Place) -> str:
    contents = idx_files()
    size_bytes = chance.choice([0, 10, chance.randint(100, 50_000)])
    with mirrors.mirror("good", contents) as mirror:
        words, source = fetching(place.folder, mirror.url, contents)
        code = place.run(words, source, ("largest_file", size_bytes)).code
        assert code in (0, 3), code
        assert place.run(words, source).code == 0
    fetched(place.folder / "data" / "mnist", contents)
    return f"fetch, no file above {size_bytes} bytes: exit {code}"


def small_disk(chance: Random, place: Place) -> str:
    """A file system of a few pages, which then grows; only root can mount one, and not in every container."""
    disk, size_kib = place.folder / "disk", 4 * chance.randint(1, 24)
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "none", disk], capture_output=True
    ).returncode:
        return refused(chance, place)
    try:
        first = place.run(place.train_words("disk/run"))
        assert first.code in (0, 3), first
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True, capture_output=True)
        check_resumed(RECIPE, disk / "run", [first, place.run(place.train_words("disk/run"))], IMAGES)
    finally:
        subprocess.run(["umount", disk], check=True, capture_output=True)
    return f"train, {place.engine}, a disk of {size_kib} KiB: exit {first.code}"


WAYS = (
    *(refused, refused, cut_off, export_or_report, no_room_to_print, no_room_for_libraries, fetch),
    *([small_disk] if os.geteuid() == 0 and os.uname().sysname == "Linux" else []),
)
