"""Which records count as runs of one kind: a record on other images is none of the dataset it is filed under."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from support import run_record

from pennyweight.base.records import RunRecord, to_json
from pennyweight.runs.find import run_key
from pennyweight.runs.record_tree import full_runs, read_tree


def on_other_images(record: RunRecord) -> RunRecord:
    """Return the record as version 0.1 wrote it when other images lay under mnist/: it still says mnist."""
    return replace(record, provenance=replace(record.provenance, dataset_digest="e" * 64))


def test_a_run_on_other_images_is_no_published_run(tmp_path: Path) -> None:
    folder = tmp_path / "mnist" / "native" / "made-up"
    folder.mkdir(parents=True)
    records = [run_record([9_000], seed=0), on_other_images(run_record([9_999], seed=1))]
    for record in records:
        (folder / f"seed-{record.seed}.json").write_text(to_json(record))
    assert [record.seed for record in full_runs(read_tree(tmp_path), "made-up", epochs=1)] == [0]


def test_runs_on_different_images_are_not_seeds_of_one_kind() -> None:
    record = run_record([9_000])
    assert run_key(record) == run_key(replace(record, seed=7))
    assert run_key(record) != run_key(on_other_images(record))


def test_a_run_on_other_images_is_not_published_as_one_on_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(__file__).parents[2] / "tools" / "publish_records.py"
    spec = importlib.util.spec_from_file_location("publish_records", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(tool, "RECORDS", tmp_path / "records")
    for dataset, record in (("mnist", run_record([9_000])), ("other-mnist", on_other_images(run_record([9_000])))):
        (tmp_path / "record.json").write_text(to_json(record))
        assert tool.publish(tmp_path) == tmp_path / "records" / dataset / "torch" / "made-up" / "seed-0.json"
