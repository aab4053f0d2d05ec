"""What a page carries comes back as it was, and nothing damaged, changed or oversized is believed."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import mutants

from pennyweight.base.errors import MismatchError
from pennyweight.pages.blocks import Block, from_json, make_block, to_json

BLOCKS = {
    "words": make_block("Größe < 1 & </script> done"),
    "empty": make_block(""),
    "bytes": make_block(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)),
    "floats": make_block(np.array([[1.5, -0.0], [1e-30, 3.0]], dtype=np.float32)),
    "none": make_block(np.zeros((0, 3), dtype=np.int32)),
}


def test_blocks_come_back_as_they_were() -> None:
    found, versions = from_json(to_json(BLOCKS, {"numpy": "9"}), "page.html")
    assert versions == {"numpy": "9"}
    assert list(found) == list(BLOCKS)
    for name, block in BLOCKS.items():
        content = found[name].content
        assert found[name].sha256 == block.sha256
        if isinstance(block.content, str):
            assert content == block.content
        else:
            assert isinstance(content, np.ndarray)
            assert (content.dtype, content.shape) == (block.content.dtype, block.content.shape)
            assert content.tobytes() == block.content.tobytes()


def test_no_content_can_end_the_element_that_holds_it() -> None:
    blocks = {"</script><b>": make_block("</script>"), "<!--": make_block("<!-- <script>")}
    assert "<" not in to_json(blocks, {"<": "</script>"})


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    held = json.loads(to_json(BLOCKS, {}))
    change(held)
    return json.dumps(held)


def repacked(content: bytes, size: int | None = None) -> Callable[[dict[str, Any]], object]:
    packed = base64.b64encode(zlib.compress(content)).decode()
    return lambda held: held["blocks"][0].update(zlib=packed, bytes=len(content) if size is None else size)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (repacked(b"Another text"), "'words' in page.html has SHA-256"),
        (repacked(b"x" * 10, 9), "states 9 bytes and holds more"),
        (repacked(b"x" * 10, 11), "states 11 bytes and holds 10"),
        (repacked(b"x", 10**12), "a page holds at most"),
        (repacked(b"x", -1), "states -1 bytes"),
        (lambda held: held["blocks"][0].update(zlib="!"), "is damaged"),
        (lambda held: held["blocks"][0].update(zlib="AAAA"), "is damaged"),
        (lambda held: held["blocks"][2].update(shape=[2, 3, 5]), "states the shape (2, 3, 5)"),
        (lambda held: held["blocks"][2].update(shape=[-2, -12]), "states the shape"),
        (lambda held: held["blocks"][2].update(dtype="object"), "is of type object"),
        (lambda held: held.update(schema=2), "holds pennyweight-page 2"),
        (lambda held: held.pop("blocks"), "cannot be read"),
        (lambda held: held["blocks"].append(7), "cannot be read"),
    ],
)
def test_what_was_changed_is_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(MismatchError, match=r"page\.html") as refused:
        from_json(changed(change), "page.html")
    assert words in str(refused.value)


def test_a_small_file_cannot_ask_for_much_memory() -> None:
    bomb = zlib.compress(bytes(200 << 20), 9)
    text = changed(lambda held: held["blocks"][0].update(zlib=base64.b64encode(bomb).decode(), bytes=100))
    with pytest.raises(MismatchError, match="holds more"):
        from_json(text, "page.html")


def test_damage_of_any_kind_is_refused_in_a_sentence_or_changes_nothing() -> None:
    whole = to_json(BLOCKS, {"numpy": "9"})
    refused = 0
    for mutant in mutants(whole.encode(), 500, seed=3):
        try:
            found, _ = from_json(mutant.decode(errors="replace"), "page.html")
        except MismatchError:
            refused += 1
            continue
        assert all(_same(found[name], BLOCKS[name]) for name in found if name in BLOCKS)
    assert refused > 300


def _same(found: Block, block: Block) -> bool:
    return found.sha256 == block.sha256


def test_an_array_of_another_type_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not float64"):
        make_block(np.zeros(3))
