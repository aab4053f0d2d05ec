"""Counter-based random numbers: what is drawn depends on its key alone, never on what was drawn before.

The generator is Philox-4x64 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
Only its raw 64-bit words are used, because NumPy promises those to stay the same in every release.
"""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


def words(count: int, *key: int | str) -> NDArray[np.uint64]:
    """Return `count` random 64-bit words, shape `(count,)`, that depend on `key` alone."""
    digest = sha256(repr(key).encode()).digest()
    return np.random.Philox(key=int.from_bytes(digest[:16], "little")).random_raw(count)


def uniforms(count: int, *key: int | str) -> NDArray[np.float64]:
    """Return `count` numbers uniform in [0, 1), shape `(count,)`, that depend on `key` alone."""
    return (words(count, *key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(count: int, *key: int | str) -> NDArray[np.int64]:
    """Return a random order of `count` items, shape `(count,)`, that depends on `key` alone."""
    return np.argsort(words(count, *key), kind="stable")


def seed_word(*key: int | str) -> int:
    """Return one non-negative 63-bit integer that depends on `key` alone, for generators seeded by a number."""
    return int(words(1, *key)[0] >> np.uint64(1))
