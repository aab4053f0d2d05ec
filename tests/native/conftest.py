"""Every test begins as a new process does: no private folder for compiled networks is taken yet."""

from collections.abc import Iterator

import pytest

from pennyweight.native import cache


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    cache._private.cache_clear()
    yield
    cache._private.cache_clear()
