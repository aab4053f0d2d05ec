"""Evidence goes into a page and comes out of it equal, wherever the runs lie."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from pennyweight.base.errors import MismatchError
from pennyweight.pages.blocks import from_json, make_block, to_json
from pennyweight.pages.embedding import ARRAYS, from_blocks, to_blocks
from pennyweight.pages.evidence import Evidence, Inspection
from pennyweight.pages.gather import gather


def test_evidence_comes_back_equal(evidence: Evidence) -> None:
    blocks, _ = from_json(to_json(to_blocks(evidence), {}), "page.html")
    found = from_blocks(blocks, "page.html")
    assert (found.title, found.document, found.problems, found.others) == (evidence.title, "", (), evidence.others)
    (chapter,), (before,) = found.chapters, evidence.chapters
    assert chapter.step.recipe == before.step.recipe
    assert chapter.step.records == tuple(replace(one, folder="") for one in before.step.records)
    assert (chapter.label, chapter.source, chapter.missing, chapter.ongoing) == (before.label, before.source, "", ())
    one, other = chapter.inspection, before.inspection
    assert one is not None
    assert other is not None
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)
    for map, same in zip(one.maps, other.maps, strict=True):
        assert np.array_equal(map.array, same.array)
    assert to_json(to_blocks(found), {}) == to_json(to_blocks(evidence), {})


def test_every_array_of_an_inspection_is_a_block_of_its_own() -> None:
    arrays = {item.name for item in fields(Inspection)} - {"run", "seed", "weights_sha256", "maps"}
    assert arrays == set(ARRAYS)


def test_a_document_carries_the_runs_that_its_claims_and_its_ablation_speak_of() -> None:
    found = gather(["progressive"], Path("no-data"))
    assert [one.label for one in found.chapters] == ["progressive-1", "progressive-2", "progressive-3"]
    assert len(found.records("progressive-1")) == 10
    assert len(found.records("progressive-1-blocks")) == 5
    assert found.document.startswith("000 ")
    assert found.records("skip-1") == ()


@pytest.mark.parametrize("name", ["page", "recipe of tiny", "records of tiny", "labels of tiny"])
def test_a_block_that_is_missing_is_named(evidence: Evidence, name: str) -> None:
    blocks = to_blocks(evidence)
    del blocks[name]
    with pytest.raises(MismatchError, match=name):
        from_blocks(blocks, "page.html")


def test_a_record_that_was_edited_is_refused(evidence: Evidence) -> None:
    blocks = to_blocks(evidence)
    text = blocks["records of tiny"].content
    assert isinstance(text, str)
    blocks["records of tiny"] = make_block(text.replace('"seed": 1', '"seed": 7'))
    with pytest.raises(MismatchError, match=r"records of tiny, line 2, in page\.html"):
        from_blocks(blocks, "page.html")
