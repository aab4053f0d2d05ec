"""Other images under a published name: they may train, and every verb calls them what they are."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import TINY

from pennyweight.api import plan_run
from pennyweight.base.budget import Budget
from pennyweight.data.dataset import load
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

EASY = Budget(dataset="mnist", max_params=1_000, max_epochs=5, accuracy=0.0)
"""Any run on MNIST keeps it."""
RECIPE = replace(TINY, budgets=(EASY,))
SENTENCE = "holds other images or labels than the published mnist (digest "
RUN = "runs/tiny+dataset=other-mnist/seed-0"


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


@pytest.fixture
def data(here: Path) -> Path:
    """A folder whose mnist/ holds 70 images of noise, ten of them for testing; a recipe file lies in `here`."""
    (here / "tiny.toml").write_text(recipe_to_text(RECIPE))
    home = here.parent / "data" / "mnist"
    home.mkdir(parents=True)
    draw = np.random.default_rng(5)
    for part, count in (("train", 60), ("t10k", 10)):
        images, labels = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(count, dtype=np.uint8) % 10
        (home / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (home / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return home.parent


@pytest.fixture
def as_published(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make what lies under mnist/ now the published content."""
    from pennyweight.data import sources

    def declare(data: Path) -> None:
        content = load("mnist", data, report=lambda line: None).digest
        monkeypatch.setitem(sources.SOURCES, "mnist", replace(sources.MNIST, content=content))

    return declare


def test_a_run_on_other_images_says_so_and_no_budget_of_the_name_applies(data: Path, command, here: Path) -> None:
    ended = command("train", "tiny.toml", "--data", data)
    assert ended.code == 0, ended.err
    lines = ended.err.splitlines()
    assert f"{data}/mnist {SENTENCE}" in lines[0]
    assert lines[0].endswith("they are called other-mnist, and no budget for mnist applies to them.")
    assert lines[1].startswith("tiny on other-mnist: 60 training images, ")
    results = ended.out.splitlines()
    assert results[0].startswith("tiny on other-mnist, seed 0: ")
    assert results[-4:] == [
        "verdict: not judged, tiny has no budget for other-mnist",
        "  Limits of your own judge it, as these:",
        f"    pennyweight judge {RUN} --accuracy 99.4 --hold 2",
        RUN,
    ]
    record = json.loads((here / RUN / "record.json").read_text())
    assert (record["dataset"], record["verdict"]["dataset"], record["verdict"]["met"]) == ("other-mnist",) * 2 + (None,)


def test_a_budget_of_ones_own_may_name_the_other_images(data: Path, command, here: Path) -> None:
    (here / "tiny.toml").write_text(recipe_to_text(replace(TINY, budgets=(replace(EASY, dataset="other-mnist"),))))
    assert "verdict: budget kept on other-mnist" in command("train", "tiny.toml", "--data", data).out


def test_a_run_on_other_images_is_verified_and_judged_as_one(data: Path, command) -> None:
    command("train", "tiny.toml", "--data", data)
    verified = command("verify", RUN, "--data", data, "--replay")
    assert verified.code == 0, verified.out
    assert "other-mnist" in verified.out
    judged = command("judge", RUN)
    assert "not judged" in judged.out
    assert "budget kept" not in judged.out


def test_asking_for_the_other_images_by_name_is_the_same_run(data: Path, command) -> None:
    first = command("train", "tiny.toml", "--data", data)
    again = command("train", "tiny.toml", "--data", data, "--dataset", "other-mnist")
    assert (again.code, again.out) == (0, first.out)
    assert SENTENCE in again.err
    assert "already complete" in again.err


@pytest.mark.slow
def test_seeds_on_other_images_are_summed_up_under_that_name(data: Path, command) -> None:
    ended = command("train", "tiny.toml", "--data", data, "--seeds", "0-1", "--jobs", 1, "--epochs", 1)
    assert ended.code == 0, ended.err
    assert [SENTENCE in line for line in ended.err.splitlines()].count(True) == 1 + 2  # before both, and by each
    for seed in (0, 1):
        run = f"runs/tiny+epochs=1+dataset=other-mnist/seed-{seed}"
        assert f"{run}  not judged  tiny has no budget for other-mnist" in ended.out
    assert "budget kept" not in ended.out


def test_other_images_never_go_into_the_folder_of_a_run_on_the_published_ones(
    data: Path, command, here: Path, as_published: Callable[[Path], None]
) -> None:
    as_published(data)
    ended = command("train", "tiny.toml", "--data", data)
    assert (ended.out.splitlines()[-1], "holds other" in ended.err) == ("runs/tiny/seed-0", False)
    assert "verdict: budget kept on mnist" in ended.out
    labels = data / "mnist" / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(np.arange(10, dtype=np.uint8)[::-1])))
    assert str(plan_run(RECIPE, data=data).folder) == RUN
    refused = command("train", "tiny.toml", "--data", data, "--out", "runs/tiny/seed-0")
    assert refused.code == 2
    assert "a different run: dataset was mnist, now other-mnist; its dataset digest differs" in refused.err
    verified = command("verify", "runs/tiny/seed-0", "--data", data)
    assert verified.code == 1
    assert "other-mnist" in verified.out


def test_an_older_run_whose_record_calls_other_images_mnist_is_not_verified(data: Path, command) -> None:
    run = plan_run(RECIPE, data=data, out="old")
    train(replace(run, dataset=replace(run.dataset, name="mnist")), Silent())
    verified = command("verify", "old", "--data", data, "--json")
    assert verified.code == 1
    disagreeing = {one["name"]: one for one in json.loads(verified.out)["checks"] if not one["agrees"]}
    assert (disagreeing["dataset"]["written"], disagreeing["dataset"]["found"]) == ("mnist", "other-mnist")


def test_fetch_calls_other_images_what_they_are(data: Path, command) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*.gz")}
    ended = command("fetch", "mnist", "--data", data)
    assert ended.code == 0
    assert SENTENCE in ended.err
    assert ended.out == f"other-mnist: 60 training and 10 test images, 10 classes, {data}/mnist\n"
    assert command("fetch", "other-mnist", "--data", data).out == ended.out
    assert json.loads(command("fetch", "mnist", "--data", data, "--json").out)["name"] == "other-mnist"
    assert {path: path.read_bytes() for path in data.rglob("*.gz")} == before


def doctor(command, data: Path) -> dict[str, object]:
    ended = command("doctor", "--data", data, "--json")
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, object] = json.loads(ended.out)["mnist"]
    return found


def test_doctor_says_yes_to_the_published_images_alone(
    data: Path, command, as_published: Callable[[Path], None]
) -> None:
    found = doctor(command, data)
    assert found["ok"] is False
    assert f"{data}/mnist {SENTENCE}" in str(found["what"])
    assert " fetch mnist --data " in str(found["what"]).split("Move them away, and ")[1]
    assert str(found["what"]).endswith(f"{data} gets the published ones.")
    as_published(data)
    assert doctor(command, data) == {"ok": True, "what": f"in {data}/mnist"}
    (data / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"<html>")
    found = doctor(command, data)
    assert found["ok"] is False
    assert "t10k-labels-idx1-ubyte.gz: it holds an HTML page" in str(found["what"])


def test_doctor_says_yes_to_the_real_mnist(command, mnist_folder: Path) -> None:
    data = mnist_folder.absolute()
    assert doctor(command, data) == {"ok": True, "what": f"in {data}/mnist"}
