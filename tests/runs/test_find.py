"""Which runs are found below a folder, none of them silently left out, and which records count as runs of one kind."""

import errno
import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support import run_record

from pennyweight.base.errors import UnavailableError
from pennyweight.base.record_text import to_json
from pennyweight.base.records import RunRecord
from pennyweight.runs.find import find_runs, records_in, run_key
from pennyweight.runs.record_tree import full_runs, read_tree


def on_other_images(record: RunRecord) -> RunRecord:
    """Return the record as version 0.1 wrote it when other images lay under mnist/: it still says mnist."""
    return replace(record, provenance=replace(record.provenance, dataset_digest="e" * 64))


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Return a folder of the run folders of two seeds."""
    for seed in (0, 1):
        folder = tmp_path / "seeds" / f"seed-{seed}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(to_json(run_record([9_000], seed=seed)))
    return tmp_path / "seeds"


@pytest.mark.parametrize("name", ["seed-1/record.json", "seed-2.json"])
def test_a_folder_in_place_of_a_record_is_refused_and_not_left_out(seeds: Path, name: str) -> None:
    (seeds / name).unlink(missing_ok=True)
    (seeds / name).mkdir()
    with pytest.raises(UnavailableError, match=f"{name}: it is a folder where a file was expected"):
        records_in(seeds)


def test_a_folder_that_cannot_be_read_is_refused_and_not_left_out(seeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(folder: str) -> object:
        if Path(folder).name == "elsewhere":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return scandir(folder)

    (seeds / "elsewhere").mkdir()
    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UnavailableError, match="elsewhere: Permission denied"):
        records_in(seeds)


def test_a_run_that_is_linked_from_elsewhere_is_found_and_none_is_counted_twice(seeds: Path, tmp_path: Path) -> None:
    (seeds / "seed-1").rename(tmp_path / "moved")
    (seeds / "seed-1").symlink_to(tmp_path / "moved")
    (seeds / "latest").symlink_to("seed-0")
    assert find_runs(seeds) == [seeds / "seed-0", seeds / "seed-1"]


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
