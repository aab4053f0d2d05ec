"""One file of a run, of a dataset or of the published records is changed, and one command reads it.

It gives the result of the unchanged file, or refuses in a sentence with exit code 2, 3 or 4 (`verify` may also disagree
with exit code 1), within 60 seconds and 768 MiB. Training that goes on ends in the same bytes. Images are those that an
independent reader finds in the changed file. A compiled library that was changed is compiled anew.
"""

from random import Random

from crashing import outcome, uninterrupted

from campaign.mutations import mutate
from campaign.place import IMAGES, RECIPE, Place, use_engine
from campaign.readers import READERS


def changed(chance: Random, place: Place) -> str:
    reader = chance.choice(READERS)
    for name in reader.names:
        place.copy(name)
    path = chance.choice(sorted(place.folder.glob(reader.path)))
    words, content = mutate(path.read_bytes(), path.suffix, chance)
    path.write_bytes(content)
    return f"{path.name}, {words}; {reader.case(place, path)}"


def compiled(chance: Random, place: Place) -> str:
    """Change a file of the cache of compiled networks."""
    cache = place.copy("cache")
    path = chance.choice(sorted(cache.iterdir()))
    words, content = mutate(path.read_bytes(), path.suffix, chance)
    path.write_bytes(content)
    use_engine("native")
    ended = place.run(place.train_words(), ("surroundings", {"PENNYWEIGHT_CACHE": str(cache)}))
    assert ended.code == 0, ended
    assert outcome(place.folder / "run") == uninterrupted(RECIPE, IMAGES), "another library was used"
    return f"{path.suffix} of the cache, {words}; train: exit 0"


WAYS = (*[changed] * 12, compiled)
