"""A run that is killed, moved or meets other conditions goes on to the same bytes, or says what is different."""

import random
import shutil
from pathlib import Path

import pytest
from crashing import (
    Ended,
    check_resumed,
    engine,
    finish,
    outcome,
    run,
    start,
    train_words,
    uninterrupted,
)

pytestmark = pytest.mark.usefixtures(engine.__name__)

EPOCH_STEPS, EPOCHS = 25, 5
KILLED = -9
OTHER_SURROUNDINGS = {"PYTHONHASHSEED": "123", "TZ": "Pacific/Apia", "LC_ALL": "C", "COLUMNS": "1"}


def cases(fast: int, every: int) -> list[object]:
    return [case if case < fast else pytest.param(case, marks=pytest.mark.slow) for case in range(every)]


def epochs_in_place(folder: Path) -> int:
    return max((int(path.stem.split("-")[1]) for path in folder.glob("checkpoint-*.safetensors")), default=0)


def run_with_kills(recipe: str, folder: Path, kills: int, chance: random.Random, *prepare: tuple[str, object]) -> None:
    """Train, killed at random steps of what is left, then to the end; check that nothing shows."""
    words, processes = train_words(recipe, folder), list[Ended]()
    for _ in range(kills):
        left = EPOCH_STEPS * (EPOCHS - epochs_in_place(folder))
        processes.append(run(words, None, *prepare, ("kill_at_step", chance.randint(1, left))))
        assert processes[-1].code == KILLED
    processes.append(run(words, None, *prepare))
    check_resumed(recipe, folder, processes, prepare=prepare)


@pytest.mark.parametrize("case", cases(fast=8, every=40))
def test_killed_at_random_steps_a_run_resumes_to_the_same_bytes(tmp_path: Path, case: int) -> None:
    chance = random.Random(case)
    run_with_kills("SMALL", tmp_path / "run", 1 + case % 3, chance)


@pytest.mark.parametrize("case", cases(fast=1, every=5))
def test_momentum_and_a_plateau_schedule_resume_to_the_same_bytes(tmp_path: Path, case: int) -> None:
    run_with_kills("PLATEAU", tmp_path / "run", 2, random.Random(100 + case))


MISTAKES = ["forget_slots", "forget_buffers", "forget_average", "global_order"]
OF_PYTORCH = ["forget_steps", "global_dropout"]
"""The native engine holds neither: both follow from the number of the step."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_control_a_resume_that_forgets_something_is_seen(tmp_path: Path, mistake: str) -> None:
    with pytest.raises(AssertionError, match="another result"):
        run_with_kills("SMALL", tmp_path / "run", 1, random.Random(5), (mistake, None))


@pytest.mark.parametrize("engine", ["torch"], indirect=True)
@pytest.mark.parametrize("mistake", OF_PYTORCH)
def test_control_a_resume_that_forgets_what_pytorch_holds_is_seen(tmp_path: Path, mistake: str) -> None:
    with pytest.raises(AssertionError, match="another result"):
        run_with_kills("SMALL", tmp_path / "run", 1, random.Random(5), (mistake, None))


def test_control_two_successive_epochs_hold_different_states(tmp_path: Path) -> None:
    from pennyweight.nets.weights import read_sealed

    assert run(train_words("SMALL", tmp_path)).code == 0
    (earlier, _), (later, _) = (read_sealed(path) for path in sorted(tmp_path.glob("checkpoint-*.safetensors")))
    assert earlier.keys() == later.keys()
    same = [name for name in earlier if earlier[name].tobytes() == later[name].tobytes()]
    assert not same


def test_a_killed_epoch_is_acknowledged_by_its_checkpoint_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = run(train_words("SMALL", folder), None, ("kill_at_step", 2 * EPOCH_STEPS + 1))
    assert first.epochs == [1, 2]
    assert epochs_in_place(folder) == 2
    for name in ("metrics.csv", "recipe.toml"):
        (folder / name).unlink()
    check_resumed("SMALL", folder, [first, run(train_words("SMALL", folder))])


@pytest.mark.parametrize("case", cases(fast=1, every=3))
def test_a_real_process_killed_from_outside_resumes_to_the_same_bytes(tmp_path: Path, case: int) -> None:
    killed = start(train_words("SMALL", "run"), tmp_path)
    assert killed.stderr
    lines = []
    while len(lines) < 2 + case:  # so many lines said, not so many seconds gone by
        lines.append(killed.stderr.readline())
    killed.kill()
    out, err = killed.communicate()
    first = Ended(killed.returncode, out, "".join(lines) + err)
    assert first.code == KILLED
    resumed = finish(start(train_words("SMALL", "run"), tmp_path, **OTHER_SURROUNDINGS))
    check_resumed("SMALL", tmp_path / "run", [first, resumed], images=0)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_folder_time_zone_and_language(tmp_path: Path) -> None:
    (tmp_path / "here" / "there").mkdir(parents=True)
    words = train_words("SMALL", "a folder, with 'odd' name")
    ended = finish(start(words, tmp_path / "here" / "there", **OTHER_SURROUNDINGS))
    assert ended.code == 0, ended.err
    assert outcome(tmp_path / "here" / "there" / words[-1]) == uninterrupted("SMALL", images=0)


def test_the_same_seed_twice_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert run(train_words("SMALL", tmp_path / name, "--seed", seed)).code == 0
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")
    assert outcome(tmp_path / "a").weights != outcome(tmp_path / "c").weights


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A run folder with two epochs of five."""
    folder = tmp_path / "run"
    assert run(train_words("SMALL", folder), None, ("kill_at_step", 2 * EPOCH_STEPS + 7)).code == KILLED
    return folder


def test_a_run_resumes_after_its_folder_was_moved_or_copied_and_through_a_symlink(unfinished: Path) -> None:
    home = unfinished.parent
    copied, moved, link = home / "copied", home / "else" / "where" / "moved", home / "link"
    shutil.copytree(unfinished, copied)
    moved.parent.mkdir(parents=True)
    unfinished.rename(moved)
    link.symlink_to(moved)
    for folder in (copied, link):
        ended = run(train_words("SMALL", folder.name), home)
        assert ended.epochs == [3, 4, 5]
        assert outcome(folder) == uninterrupted("SMALL")
        assert run(train_words("SMALL", folder.name), home).epochs == []


CHANGED = [
    ("seed was 0, now 1", "SMALL", ["--seed", "1"], []),
    ("optimizer.learning_rate was 0.02, now 0.03", "SMALL", ["-s", "optimizer.learning_rate=0.03"], []),
    ("batch_images was 16, now 32", "SMALL", ["-s", "batch_images=32"], []),
    ("epochs was 5, now 6", "SMALL", ["--epochs", "6"], []),
    ("optimizer was Adam, now AdamW", "SMALL", ["-s", "optimizer=AdamW"], []),
    ("schedule was OneCycle, now Cosine", "SMALL", ["-s", "schedule=Cosine"], []),
    ("augmentation.rotation_degrees was 10, now 11", "SMALL", ["-s", "augmentation.rotation_degrees=11"], []),
    ("its layers differ", "OTHER_LAYERS", [], []),
    ("recipe was small, now plateau", "PLATEAU", [], []),
    ("its dataset digest differs", "SMALL", [], [("one_pixel", None)]),
    ("test measured was True, now False", "SMALL", ["--no-test"], []),
    ("engine version was", "SMALL", [], [("other_version", "9.9")]),
]


THREADS = ("threads was 1, now 2 (OMP_NUM_THREADS=1 goes on with it)", "SMALL", [], [("other_threads", 2)])


def test_a_run_under_any_other_condition_is_refused_with_the_key_named(unfinished: Path, engine: str) -> None:
    before = {path.name: path.read_bytes() for path in unfinished.iterdir() if path.name != ".lock"}
    for message, recipe, more, prepare in [*CHANGED, *[THREADS] * (engine == "torch")]:
        ended = run(train_words(recipe, unfinished, *more), None, *prepare)
        assert ended.code == 2, (message, ended)
        assert ended.err.splitlines()[-1].startswith(f"Error: {unfinished} already contains a different run: ")
        assert message in ended.err
        assert "--again" in ended.err
        assert ended.epochs == []
    assert {path.name: path.read_bytes() for path in unfinished.iterdir() if path.name != ".lock"} == before
    ended = run(train_words("SMALL", unfinished))
    assert outcome(unfinished) == uninterrupted("SMALL"), ended.err


def test_again_moves_the_old_run_aside_and_trains_anew(unfinished: Path) -> None:
    ended = run(train_words("SMALL", unfinished, "--seed", "1", "--again"))
    assert ended.code == 0
    assert f"moved to {unfinished.with_name('old-1-run')}" in ended.err
    assert epochs_in_place(unfinished.with_name("old-1-run")) == 2
    assert ended.epochs == [1, 2, 3, 4, 5]


def test_the_recipe_file_in_a_run_folder_trains_the_same_run(unfinished: Path) -> None:
    words = train_words("SMALL", unfinished)[2:]
    ended = run(["train", str(unfinished / "recipe.toml"), *words])
    assert ended.code == 0, ended.err
    assert outcome(unfinished) == uninterrupted("SMALL")
