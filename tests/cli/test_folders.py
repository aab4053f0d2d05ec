"""Folders are named by what differs; runs under the names of version 0.1 are found, resumed, judged and compared."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support import TINY, run_record

from pennyweight.api import plan_run
from pennyweight.base.record_text import sealed, to_json
from pennyweight.runs.find import records_in
from pennyweight.runs.folder import RECORD, read_record
from pennyweight.settings.keys import as_in_early_versions
from pennyweight.settings.recipe_text import recipe_to_text

EARLY = "runs/skip-3+epochs=1+layers=changed+dataset=digits/seed-0"
ON_DIGITS = ("--dataset", "digits", "--engine", "torch")
LAYERS = """
from dataclasses import replace
import pennyweight as pw
_BASE, _HEAD = pw.recipe("skip-3"), (pw.Conv(pw.CLASSES), pw.GlobalAvgPool())
ONE, OTHER = (replace(_BASE, layers=(pw.Conv(n, stride=3), *_HEAD), epochs=1) for n in (2, 3))
"""


@pytest.fixture
def tiny(here: Path) -> str:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    return "tiny.toml"


@pytest.fixture
def layers(here: Path) -> str:
    (here / "v.py").write_text(LAYERS)
    return "v.py"


def as_version_0_1_named_it(folder: Path, early: str = EARLY) -> Path:
    """Move a run to where version 0.1 would have kept it, with the record that it would have written."""
    record = read_record(folder)
    record = replace(record, changes=tuple(as_in_early_versions(record.changes)))
    (folder / RECORD).write_text(to_json(sealed(record)))
    Path(early).parent.mkdir(parents=True)
    return folder.rename(early)


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_two_runs_that_differ_in_one_layer_have_folders_of_their_own(command, layers: str) -> None:
    folders = [last_line(command("train", f"{layers}:{name}", *ON_DIGITS).out) for name in ("ONE", "OTHER")]
    for folder in folders:
        assert re.fullmatch(r"runs/skip-3\+epochs=1\+layers=[0-9a-f]{8}\+dataset=digits\+engine=torch/seed-0", folder)
    assert folders[0] != folders[1]
    judged = command("judge", "runs", "--accuracy", 1).out
    assert all(Path(folder).parts[1].partition("+dataset")[0] in judged for folder in folders)
    assert command("verify", folders[0]).code == 0


def test_two_engines_of_one_seed_have_folders_of_their_own_and_are_compared(command, tiny: str) -> None:
    words = ("train", tiny, "--dataset", "digits", "--epochs", 1)
    for seed in (0, 1):
        native, torch = (
            last_line(command(*words, "--seed", seed, "--engine", name).out) for name in ("native", "torch")
        )
        assert (native, torch) == (
            f"runs/tiny+epochs=1+dataset=digits/seed-{seed}",
            f"runs/tiny+epochs=1+dataset=digits+engine=torch/seed-{seed}",
        )
    compared = command("compare", str(Path(native).parent), str(Path(torch).parent))
    assert (compared.code, "2 " in compared.out) == (0, True), compared.err


def test_a_run_of_another_engine_under_an_early_name_is_neither_in_the_way_nor_lost(command, tiny: str) -> None:
    plain = Path("runs/tiny+epochs=1+dataset=digits/seed-0")
    words = ("train", tiny, "--dataset", "digits", "--epochs", 1)
    command(*words, "--engine", "torch", "--out", plain)
    found = command(*words, "--engine", "torch")
    assert (last_line(found.out), "already complete" in found.err) == (str(plain), True)
    for seed in (0, 1):
        native = last_line(command(*words, "--engine", "native", "--seed", seed).out)
        assert native == f"{plain.parent}+engine=native/seed-{seed}"


def test_an_early_folder_is_found_resumed_judged_compared_and_verified(command, layers: str) -> None:
    """The early name said `layers=changed` of any layers and named no engine."""
    one = ("train", f"{layers}:ONE", *ON_DIGITS)
    early = as_version_0_1_named_it(Path(last_line(command(*one).out)))
    assert "layers=changed" in (early / RECORD).read_text()
    found = command(*one)
    assert (found.code, last_line(found.out), "already complete" in found.err) == (0, str(early), True)
    (early / RECORD).unlink()
    assert last_line(command(*one).out) == str(early)  # completed from its checkpoint
    early = as_version_0_1_named_it(early, "early/seed-0")
    assert command("verify", early).code == 0
    assert command("judge", early, "--accuracy", 1).code == 0

    other, second = (
        last_line(command("train", f"{layers}:{name}", *ON_DIGITS, "--seed", 1).out) for name in ("OTHER", "ONE")
    )
    assert command("compare", early, second).code == 0
    Path(second).rename("early/seed-1")
    assert len({record.changes for record in records_in(Path("early"))}) == 1
    assert command("compare", "early", other).code == 0
    Path(other).rename("early/seed-2")
    assert "differ in more than their seed" in command("compare", "early", "early/seed-1").err


def test_another_run_under_an_early_name_is_left_alone(command, layers: str) -> None:
    early = as_version_0_1_named_it(Path(last_line(command("train", f"{layers}:ONE", *ON_DIGITS).out)))
    before = (early / RECORD).read_bytes()
    other = last_line(command("train", f"{layers}:OTHER", *ON_DIGITS).out)
    assert other != str(early)
    assert (early / RECORD).read_bytes() == before


def test_an_interrupted_run_under_an_early_name_goes_on_there(here: Path, layers: str, command) -> None:
    from pennyweight.api import train
    from pennyweight.base.errors import Interrupted

    def stop_after_an_epoch() -> bool:
        return any(Path(EARLY.replace("epochs=1", "epochs=2")).glob("checkpoint-0001*"))

    early = Path(EARLY.replace("epochs=1", "epochs=2"))
    asked = {"dataset": "digits", "engine": "torch", "epochs": 2}
    with pytest.raises(Interrupted):
        train(f"{layers}:ONE", **asked, out=early, stop=stop_after_an_epoch)
    assert plan_run(f"{layers}:ONE", **asked).folder == early
    assert len(train(f"{layers}:ONE", **asked).epochs) == 2
    assert (early / RECORD).exists()


def test_records_alone_that_say_layers_changed_are_read_and_grouped(command, here: Path) -> None:
    for seed in range(3):
        made = replace(run_record([9_900, 9_950], seed=seed), recipe="skip-3", changes=("layers=changed",))
        (here / f"seed-{seed}.json").write_text(to_json(sealed(made)))
    judged = command("judge", here, "--accuracy", 99)
    assert (judged.code, "skip-3+layers=changed on mnist, 3 seeds" in judged.out) == (1, True), judged.out
    assert command("compare", here, "skip-3").code == 0


@pytest.mark.slow
def test_out_with_seeds_holds_a_folder_for_each(command, tiny: str, here: Path) -> None:
    ended = command("train", tiny, *ON_DIGITS, "--epochs", 1, "--seeds", "0-1", "--out", "mine")
    assert (ended.code, last_line(ended.out)) == (0, "mine"), ended.err
    assert [record.seed for record in records_in(here / "mine")] == [0, 1]
    assert sorted(path.name for path in (here / "mine").iterdir()) == ["seed-0", "seed-1"]


def test_out_with_seeds_is_no_folder_of_one_run(command, tiny: str) -> None:
    words = ("train", tiny, *ON_DIGITS, "--epochs", 1, "--out", "run")
    command(*words)
    ended = command(*words, "--seeds", "0-1")
    assert (ended.code, ended.err) == (
        2,
        "Error: run is the folder of one run; with --seeds, --out names a folder that holds one for each.\n",
    )


def of_many_settings(settings: Sequence[str]) -> Path:
    return plan_run("progressive-3", dataset="digits", engine="torch", settings=settings, use_test=False).folder


def test_a_name_of_many_settings_stays_short_and_differs_with_each(here: Path) -> None:
    settings = [f"augmentation.{name}=0.0123456789" for name in ("shift_fraction", "shear_degrees", "rotation_degrees")]
    settings += ["label_smoothing=0.0123456789", "optimizer=SGD", "optimizer.momentum=0.9", "schedule=Cosine"]
    full, fewer = of_many_settings(settings), of_many_settings(settings[1:])
    assert full != fewer
    for folder in (full, fewer):
        assert all(len(part.encode()) < 255 for part in folder.parts)
        assert folder.parts[1].startswith("progressive-3+")
