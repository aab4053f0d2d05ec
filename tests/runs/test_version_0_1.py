"""What version 0.1 wrote is read, judged and resumed: folders it trained, with their recipe and record."""

import shutil
from pathlib import Path

import pytest
import torch

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.judging.compare import Comparison
from pennyweight.nets.layers import Residual
from pennyweight.nets.weights import read_sealed, seal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "version_0_1"
"""`mine.py`, trained on the digits by each engine of commit bc63986c0ab4: `train mine.py:MINE --dataset digits`."""
PLACES_OF_TRAINING = ("averaging", "optimizers", "recipe", "schedules")
OF_LAST_EPOCH = ("checkpoint-0003.safetensors", "metrics.csv", "record.json", "weights.safetensors")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.fixture(params=["native", "torch"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a finished run of version 0.1, by the name of its engine."""
    return Path(shutil.copytree(FIXTURES / request.param, tmp_path / request.param))


def test_a_run_of_0_1_predicts_what_its_record_says(folder: Path) -> None:
    model, digits = pw.load(folder), pw.dataset("digits")
    assert model.record.provenance.pennyweight == "0.1.0"
    right = int((model.predict(digits.test_images, engine="numpy") == digits.test_labels).sum())
    assert right == model.record.epochs[-1].test_correct


def test_a_run_of_0_1_is_judged_and_compared(folder: Path) -> None:
    (run,) = pw.judge(folder).runs
    assert run.verdict.met is True
    assert run.on_trust == "an early record: it does not say which budget the run had"
    record_alone = pw.judge(folder / "record.json", accuracy=60).runs[0]
    assert record_alone.record == run.record
    compared = pw.compare(FIXTURES / "native", FIXTURES / "torch")
    assert isinstance(compared, Comparison)
    assert compared.predictions is not None


def test_a_run_of_0_1_agrees_with_its_record() -> None:
    assert pw.verify(FIXTURES / "torch").agrees


def test_a_complete_run_of_0_1_is_returned_as_it_is(folder: Path) -> None:
    before = contents(folder)
    record = pw.train(str(folder / "recipe.toml"), dataset="digits", engine=folder.name, out=folder)
    assert (record.seed, len(record.epochs)) == (0, 3)
    assert contents(folder) == before


def test_an_unfinished_run_of_0_1_is_resumed(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FIXTURES / "torch", tmp_path / "run"))
    before = pw.load(folder).record
    for name in OF_LAST_EPOCH:
        (folder / name).unlink()
    tensors, facts = read_sealed(folder / "checkpoint-0002.safetensors")
    facts["identity"] |= {"engine version": str(torch.__version__), "threads": torch.get_num_threads()}
    (folder / "checkpoint-0002.safetensors").write_bytes(seal(tensors, facts))
    resumed = pw.train(str(folder / "recipe.toml"), dataset="digits", engine="torch", out=folder)
    assert resumed.epochs[:2] == before.epochs[:2]
    assert [row.epoch for row in resumed.epochs] == [1, 2, 3]
    assert resumed.verdict.met is True
    assert pw.load(folder).record.sha256


def test_a_recipe_of_0_1_is_read(folder: Path) -> None:
    recipe = pw.recipe(str(folder / "recipe.toml"))
    assert (recipe.name, recipe.epochs, recipe.averaging.decay) == ("mine", 3, 0.9)
    assert isinstance(recipe.layers[3], Residual)
    assert recipe.input == pw.Input()
    assert not recipe.stopping.patience_epochs


def test_a_recipe_file_that_imports_from_where_things_were_in_0_1_says_where_they_are_now(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        pw.recipe(f"{FIXTURES / 'mine.py'}:MINE")
    assert "No module named 'pennyweight.nets.rows'" in str(refused.value)
    assert str(refused.value).endswith("from pennyweight import Recipe, Conv.")
    moved = (FIXTURES / "mine.py").read_text()
    for place in ("base.budget", "data.augment", "nets.rows", *(f"training.{name}" for name in PLACES_OF_TRAINING)):
        moved = moved.replace(f"from pennyweight.{place} import", "from pennyweight import")
    (tmp_path / "mine.py").write_text(moved)
    assert pw.recipe(f"{tmp_path / 'mine.py'}:MINE").layers == pw.recipe(str(FIXTURES / "torch" / "recipe.toml")).layers
