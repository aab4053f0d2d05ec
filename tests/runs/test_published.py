"""What the package brings: weights and records that are those of `records/`, and are never taken for a user's."""

import gzip
import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np
import pytest

import pennyweight as pw
from pennyweight.api.verification import _other_seeds
from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.base.record_text import run_record_from_json
from pennyweight.nets.measure import measure
from pennyweight.nets.weights import content_digest
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs import published
from pennyweight.runs.folder import read_record
from pennyweight.runs.published import PUBLISHED, RECORDS, TIMES, WORDS, published_run_names, published_times
from pennyweight.settings.recipe_text import recipe_to_text

ROOT = Path(__file__).parents[2]
TREE = ROOT / "records"
WHAT_TO_RUN = "run: python tools/pack_published.py RUNS"
BROUGHT = published_run_names()
SEED = 0


@pytest.fixture(scope="session")
def packer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_published", ROOT / "tools" / "pack_published.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.fixture
def elsewhere(packer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the tool packs into."""
    monkeypatch.setattr(packer, "PUBLISHED", tmp_path / "published")
    return tmp_path / "published"


# ---------------------------------------------------------------------------------------------------- what is packed


def test_the_packed_records_are_those_of_the_checkout(packer: ModuleType) -> None:
    packed = (PUBLISHED / RECORDS).read_bytes()
    # unpacked, because not every zlib packs the same bytes alike
    assert gzip.decompress(packed) == gzip.decompress(packer.packed_records(TREE)), WHAT_TO_RUN
    assert packed[4:8] == bytes(4), "gzip writes the time there"
    assert len(packed) < 1_000_000


def test_the_training_times_are_those_of_the_checkout_and_of_every_recipe() -> None:
    assert (PUBLISHED / TIMES).read_bytes() == (TREE / TIMES).read_bytes(), WHAT_TO_RUN
    assert published_times().keys() == {recipe.name for recipe in pw.published_recipes()}


def test_every_small_recipe_comes_with_the_weights_of_its_published_first_seed(packer: ModuleType) -> None:
    """Of those whose record says by which recipe it was trained, as all but early ones do."""
    firsts = packer.published_firsts(TREE)
    assert sorted(firsts) == BROUGHT, WHAT_TO_RUN
    assert "pennyweight-8k" in BROUGHT
    for name, record in firsts.items():
        assert record.seed == SEED
        assert content_digest(pw.load(name).weights, {}) == record.weights_sha256, WHAT_TO_RUN


def test_no_large_recipe_comes_with_weights_and_all_together_is_small() -> None:
    assert all(measure(pw.recipe(name).plan()).params <= 20_000 for name in BROUGHT)
    assert sum(path.stat().st_size for path in PUBLISHED.rglob("*") if path.is_file()) < 2_000_000


@pytest.mark.parametrize("name", BROUGHT)
def test_a_published_run_is_of_the_recipe_as_it_is_listed(name: str) -> None:
    assert recipe_to_text(pw.load(name).recipe) == recipe_to_text(pw.recipe(name))


def test_packing_twice_gives_the_same_bytes(packer: ModuleType, tmp_path: Path) -> None:
    tree = tmp_path / "records"
    for number, name in enumerate(("b/x/r/seed-1.json", "a/x/r/seed-0.json", "b/x/r/seed-0.json")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"{number}\n")
    first = packer.packed_records(tree)
    copied = shutil.copytree(tree, tmp_path / "copied")
    (copied / "b" / "x" / "r" / "seed-0.json").touch()
    assert packer.packed_records(copied) == first


def test_the_tool_packs_the_run_of_the_published_record_and_no_other(
    packer: ModuleType, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    name = BROUGHT[0]
    runs = tmp_path / "runs"
    shutil.copytree(PUBLISHED / name, runs / name / f"seed-{SEED}")
    record = read_record(PUBLISHED / name)
    monkeypatch.setattr(packer, "published_firsts", lambda root: {name: record})
    monkeypatch.setattr("sys.argv", ["pack_published.py", str(runs)])
    assert packer.main() == 0
    assert sorted(path.name for path in (elsewhere / name).iterdir()) == sorted(published.RUN_FILES)
    monkeypatch.setattr(packer, "published_firsts", lambda root: {name: replace(record, sha256="0" * 64)})
    assert packer.main() == 1
    assert not (elsewhere / name).exists()
    assert name in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("name", BROUGHT)
def test_a_published_name_loads_a_model_with_the_facts_of_its_record(name: str) -> None:
    model = pw.load(name)
    assert (model.recipe.name, model.record.seed, model.record.dataset) == (name, SEED, "mnist")
    assert model.source == f"{name} seed 0, {WORDS}"
    assert f"published with pennyweight {pw.__version__}" == WORDS
    assert repr(model).endswith(f"from {name} seed 0, {WORDS}>")
    assert model.record.provenance.commit
    assert model.predict(np.zeros((2, 28, 28), np.uint8), engine="numpy").shape == (2,)


def test_published_weights_are_as_right_as_their_record_says(mnist_folder: Path) -> None:
    mnist = pw.dataset("mnist", mnist_folder)
    model = pw.load("pennyweight-8k")
    right = int((model.predict(mnist.test_images) == mnist.test_labels).sum())
    assert right == model.record.epochs[-1].test_correct


def test_a_folder_of_a_published_name_is_taken_first_and_never_said_to_be_published(
    digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(digits_run, "pennyweight-8k")
    mine = pw.load("pennyweight-8k")
    assert (mine.recipe.name, mine.source) == ("tiny", "pennyweight-8k")
    assert "published" not in repr(mine)
    assert pw.judge("pennyweight-8k", accuracy=1).runs[0].source == "pennyweight-8k"
    shutil.rmtree("pennyweight-8k")
    assert pw.load("pennyweight-8k").record.seed == SEED
    Path("pennyweight-8k").touch()
    with pytest.raises(UnavailableError, match="There is no run folder pennyweight-8k"):
        pw.load("pennyweight-8k")


def test_a_path_that_is_written_as_one_is_never_a_published_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("./pennyweight-8k", str(tmp_path / "pennyweight-8k")):
        for call in (pw.load, pw.judge, pw.verify):
            with pytest.raises(UnavailableError, match="There is no run folder"):
                call(path)


def test_a_run_outside_of_the_package_is_not_published_whatever_it_holds(tmp_path: Path) -> None:
    copied = shutil.copytree(PUBLISHED / "pennyweight-8k", tmp_path / "published" / "pennyweight-8k")
    assert pw.load(copied).source == str(copied)


def test_a_recipe_without_published_weights_says_how_to_get_them() -> None:
    with pytest.raises(UnavailableError, match=r"no weights of 'evolution-v1'.*'pennyweight train evolution-v1'"):
        pw.load("evolution-v1")


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    for call in (pw.load, pw.judge, lambda name: pw.compare(name, "skip-3")):
        with pytest.raises(UnavailableError, match=r"Did you mean 'pennyweight-8k'\?"):
            call("penyweight-8k")


def test_training_starts_from_published_weights(tmp_path: Path) -> None:
    from pennyweight.api import plan_run

    run = plan_run("pennyweight-8k", dataset="digits", initial_weights="pennyweight-8k")
    assert run.initial is not None
    np.testing.assert_array_equal(run.initial["1.weight"], pw.load("pennyweight-8k").weights["1.weight"])
    assert "+from=" in str(run.folder)


def test_a_published_run_is_verified_against_the_data(mnist_folder: Path) -> None:
    verified = pw.verify("pennyweight-8k", data=mnist_folder)
    assert verified.agrees
    assert verified.folder == f"pennyweight-8k seed 0, {WORDS}"
    assert {"test images right", "each mistake", "digest of recipe.toml"} <= {check.name for check in verified.checks}


# ---------------------------------------------------------------------------------------------------- records


def test_records_are_filtered_by_recipe_dataset_and_engine() -> None:
    assert len(pw.records()) == len([path for path in TREE.glob("*/*/*/seed-*.json") if "choices" not in path.parts])
    named = pw.records("progressive-3")
    assert {record.recipe for record in named} == {"progressive-3"}
    assert {(record.dataset, record.engine) for record in named} >= {("mnist", "native"), ("digits", "torch")}
    chosen = pw.records("progressive-3", dataset="mnist", engine="native")
    assert {(record.dataset, record.engine, record.changes) for record in chosen} == {("mnist", "native", ())}
    assert [record.seed for record in chosen] == list(range(len(chosen)))
    path = TREE / "mnist" / "native" / "progressive-3" / "seed-0.json"
    assert chosen[0] == run_record_from_json(path.read_text(), str(path))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"recipe": "progressive-4"}, "no published record of the recipe 'progressive-4'. Did you mean 'progressive-"),
        ({"dataset": "nmist"}, "no published record of the dataset 'nmist'. Did you mean 'mnist'?"),
        ({"engine": "jax"}, "no published record of the engine 'jax'. Known: native, torch."),
    ],
)
def test_a_name_that_no_record_is_of_is_refused(names: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        pw.records(**names)
    assert words in str(refused.value)


def test_every_listed_recipe_has_published_records_that_compare_and_judge_read() -> None:
    compared = pw.compare("progressive-3", "skip-3")
    assert compared == pw.compare(*(TREE / "mnist" / "native" / name for name in ("progressive-3", "skip-3")))
    judged = pw.judge("progressive-3")
    assert [run.record for run in judged.runs] == pw.records("progressive-3", dataset="mnist", engine="native")
    assert judged.runs[0].source == "published progressive-3 seed 0"
    assert WORDS in judged.runs[0].on_trust
    assert all(pw.records(recipe.name) for recipe in RECIPES)


def test_claims_are_checked_by_the_packed_records_as_by_the_folder() -> None:
    assert pw.claims("003") == pw.claims("003", records=TREE)


def test_records_that_lie_otherwise_than_in_a_tree_are_passed_over(tmp_path: Path) -> None:
    for name in ("seed-0.json", "runs/seed-0.json", "a/b/c/d/seed-0.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("no record")
    assert pw.claims("003", records=tmp_path)
    with pytest.raises(UnavailableError, match="There is no folder"):
        pw.claims("003", records=tmp_path / "nowhere")


def test_a_replay_of_a_published_run_is_held_against_the_seeds_published_with_it() -> None:
    record = pw.load("pennyweight-8k").record
    others = _other_seeds(PUBLISHED / record.recipe, record)
    assert {(one.recipe, one.engine, one.dataset) for one in others} == {(record.recipe, "native", "mnist")}
    assert SEED not in {one.seed for one in others}


def test_damaged_records_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (PUBLISHED / RECORDS).read_bytes()
    monkeypatch.setattr(published, "PUBLISHED", tmp_path)
    for content in (None, b"", b"no gzip", whole[: len(whole) // 2], whole[:1000] + b"\0" + whole[1001:]):
        if content is not None:
            (tmp_path / RECORDS).write_bytes(content)
        published.published_tree.cache_clear()
        with pytest.raises(UnavailableError, match=r"embedded file pennyweight/published/records.tar.gz is damaged"):
            published.published_tree()
    published.published_tree.cache_clear()


def test_what_lies_among_the_records_is_ordered_by_value() -> None:
    folders = published.published_tree().folders()
    assert folders == sorted(folders)
    assert PurePosixPath("mnist/native/pennyweight-8k") in folders
    assert not [folder for folder in folders if folder.parts[0] == "choices"]
