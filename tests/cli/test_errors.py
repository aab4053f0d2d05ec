"""What a user does wrong ends in the promised exit code and one clear sentence, and writes nothing."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import TINY, mnist_plan

from pennyweight.nets.initial import initial_weights
from pennyweight.nets.weights import read_sealed, save_weights, seal
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.settings.recipe_text import recipe_to_text


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def assert_one_sentence(stderr: str) -> str:
    """One line that begins with `Error: `, under typer's two lines of usage where those are due; return it."""
    assert "Traceback" not in stderr
    assert "Unexpected" not in stderr
    lines = stderr.splitlines()
    if lines[0].startswith("Usage: "):
        assert lines[1].startswith("Try '")
        assert lines[2] == ""
        lines = lines[3:]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("Error: ")
    return lines[0].removeprefix("Error: ")


TRAIN = ["train", "progressive-3", "--dataset", "digits"]

USAGE: list[tuple[list[str], list[str]]] = [
    # recipes
    (["train", "progresive-3"], ["no recipe 'progresive-3'", "Did you mean 'progressive-3'?", "pennyweight list"]),
    (["show", "Skip3"], ["Did you mean 'skip-3'?"]),
    (["audit", "zebra"], ["no recipe 'zebra'", "recipe.toml, path.py or path.py:NAME"]),
    (["show", "runs"], ["no recipe 'runs'"]),
    # settings
    ([*TRAIN, "-s", "optimizer.learning_rat=1"], ["no setting", "Did you mean 'optimizer.learning_rate'?"]),
    ([*TRAIN, "-s", "optimizer=SDG"], ["no optimizer 'SDG'", "Did you mean 'SGD'?"]),
    ([*TRAIN, "-s", "schedule=OneCylce"], ["no schedule 'OneCylce'", "Did you mean 'OneCycle'?"]),
    ([*TRAIN, "-s", "epochs"], ["'epochs' is not key=value", "optimizer.learning_rate=0.05"]),
    ([*TRAIN, "-s", "optimizer.learning_rate=fast"], ["'fast'", "must be a number"]),
    ([*TRAIN, "-s", "optimizer.learning_rate=-1"], ["optimizer.learning_rate is -1", "above 0"]),
    ([*TRAIN, "-s", "optimizer.learning_rate=nan"], ["optimizer.learning_rate is nan"]),
    ([*TRAIN, "-s", "batch_images=0"], ["batch_images is 0", "from 1 to 65,536"]),
    ([*TRAIN, "-s", "augmentation.fill=300"], ["augmentation.fill is 300", "from 0 to 255"]),
    ([*TRAIN, "-s", "optimizer=SGD"], ["OneCycle changes the momentum", "schedule.cycle_momentum=false"]),
    (["show", "skip-3", "-s", "layers=x"], ["-s does not change layers", "write a recipe file"]),
    # flags and verbs
    ([*TRAIN, "--epoch", "1"], ["No such option: --epoch", "--epochs"]),
    ([*TRAIN, "--sed", "1"], ["No such option: --sed", "--seed"]),
    (["trian", "progressive-3"], ["No such command 'trian'", "'train'"]),
    (["show"], ["Missing argument 'RECIPE'"]),
    (["judge"], ["Missing argument 'RUN...'"]),
    (["list", "progressive-3"], ["unexpected extra argument"]),
    ([*TRAIN, "--epochs", "many"], ["Invalid value for '--epochs'"]),
    ([*TRAIN, "--epochs", "0"], ["epochs is 0; it must be from 1 to 100,000."]),
    ([*TRAIN, "--epochs", "-3"], ["epochs is -3"]),
    ([*TRAIN, "--seed", "-1"], ["The seed is -1; it must be 0 or more."]),
    ([*TRAIN, "--device", "tpu"], ["device 'tpu'", "cpu, cuda"]),
    ([*TRAIN, "--engine", "jax"], ["no engine 'jax'", "Known: auto, "]),
    (["train", "progressive-3", "--dataset", "digit"], ["no dataset 'digit'", "Did you mean 'digits'?"]),
    (["train", "progressive-3", "--engine", "jax"], ["no engine 'jax'"]),
    (["fetch", "mnits"], ["no dataset 'mnits'", "Did you mean 'mnist'?"]),
    ([*TRAIN, "--seeds", "4-1"], ["'4-1'", "a range goes upwards"]),
    ([*TRAIN, "--seeds", "one"], ["--seeds is 'one'", "0-4, or 0,2,5"]),
    ([*TRAIN, "--seeds", "-1"], ["--seeds is '-1'"]),
    ([*TRAIN, "--seeds", ""], ["One of the words of the command is empty"]),
    ([*TRAIN, "--seeds", "0-99999"], ["at most 10,000 seeds"]),
    ([*TRAIN, "--seeds", "0-1", "--jobs", "0"], ["--jobs is 0; it must be 1 or more."]),
    ([*TRAIN, "--seeds", "0-1", "--jobs", "-2"], ["--jobs is -2"]),
    (["train", "progresive-3", "--seeds", "0-1"], ["Did you mean 'progressive-3'?"]),
    # rules
    (["audit", "skip-3", "--require", "batchnrm"], ["no feature 'batchnrm'", "Did you mean 'batchnorm'?"]),
    (["audit", "skip-3", "--forbid", "lstm"], ["no feature 'lstm'", "batchnorm, dropout, gap"]),
    (["audit", "skip-3", "skip-2", "--require", "augment"], ["no feature 'augment'", "Did you mean 'augmentation'?"]),
    (["audit", "skip-3", "--csv", "--json"], ["--csv and --json are both given; use one of them."]),
    (["audit"], ["Missing argument 'RECIPE...'"]),
]


@pytest.mark.parametrize(("words", "parts"), USAGE, ids=[" ".join(words) for words, _ in USAGE])
def test_a_wrong_request_is_explained_and_ends_with_2(words: list[str], parts: list[str], command, here: Path) -> None:
    ended = command(*words)
    sentence = assert_one_sentence(ended.err)
    assert [part for part in parts if part not in sentence] == []
    assert (ended.code, ended.out) == (2, "")
    assert tree(here.parent) == {"here": None}


# ---------------------------------------------------------------------------------------------------- recipe files

TOML = recipe_to_text(TINY)
PY = "from support import mnist_plan, TINY\nfrom dataclasses import replace\n"

FILES: list[tuple[str, str, str, int, list[str]]] = [
    ("TOML with a syntax error", "r.toml", TOML + "\n[", 2, ["r.toml is not TOML"]),
    ("an empty TOML", "r.toml", "", 2, ["r.toml: [recipe] Recipe needs a value for 'name'."]),
    ("TOML with an unknown key", "r.toml", TOML.replace("epochs", "epoch"), 2, ["'epoch'", "Did you mean 'epochs'?"]),
    ("TOML with an unknown row", "r.toml", TOML.replace("Relu()", "Rellu()"), 2, ["line 3", "Did you mean 'Relu'?"]),
    ("TOML with an impossible layer", "r.toml", TOML.replace("stride=2", "kernel=30"), 2, ["layer 1 (Conv): a 30x30"]),
    ("TOML with a name that leaves the folder", "r.toml", TOML.replace('"tiny"', '"../x"'), 2, ["names a folder"]),
    ("TOML with a misspelt split", "r.toml", TOML.replace('"test"', '"tset"'), 2, ["Did you mean 'test'?"]),
    ("TOML with code for a row", "r.toml", TOML.replace("Relu()", "exec('x')"), 2, ["line 3", "'exec'"]),
    ("Python that raises", "r.py:TINY", "1 / 0", 2, ["r.py fails when it is run: ZeroDivisionError"]),
    ("Python that ends the process", "r.py:TINY", "raise SystemExit(0)", 2, ["r.py fails when it is run: SystemExit"]),
    ("Python that cannot be parsed", "r.py:TINY", "def", 2, ["r.py fails when it is run: SyntaxError"]),
    ("Python that misses a file of its own", "r.py:TINY", "open('nothing')", 2, ["r.py fails", "FileNotFoundError"]),
    (
        "Python without that name",
        "r.py:TINI",
        PY,
        2,
        ["no recipe 'TINI'", "Did you mean 'TINY'?", "Recipes in it: TINY."],
    ),
    ("Python without any recipe", "r.py:X", "", 2, ["no recipe 'X'", "Recipes in it: none."]),
    ("Python without any recipe and no name", "r.py", "X = 1", 2, ["r.py holds no recipe", "adding_a_recipe.md"]),
    (
        "Python with two recipes and no name",
        "r.py",
        PY + "OTHER = replace(TINY, name='other')",
        2,
        ["r.py holds 2 recipes: TINY, OTHER.", "Name one, as r.py:TINY."],
    ),
    ("Python with an empty name", "r.py:", PY, 2, ["r.py holds no recipe ''", "Recipes in it: TINY."]),
    (
        "Python with a class for a row",
        "r.py:BAD",
        PY + "from pennyweight.nets.layers import Relu\nBAD = replace(TINY, layers=(Relu, *TINY.layers))",
        2,
        ["layers holds <class", "each item must be Conv or"],
    ),
    (
        "Python with layers nested without end",
        "r.py:BAD",
        PY + "from pennyweight.nets.layers import Residual\nR = Residual(())\n"
        "for _ in range(3000): R = Residual((R,))\nBAD = replace(TINY, layers=(R, *TINY.layers))",
        2,
        ["The layers of r.py:BAD are nested too deep"],
    ),
    ("Python with text for a number", "r.py:BAD", PY + "BAD = replace(TINY, epochs='2')", 2, ["epochs is '2'"]),
]


@pytest.mark.parametrize("verb", ["show", "train"])
@pytest.mark.parametrize(
    ("target", "content", "code", "parts"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_a_wrong_recipe_file_is_explained(
    target: str, content: str, code: int, parts: list[str], verb: str, command, here: Path
) -> None:
    (here / target.partition(":")[0]).write_text(content)
    before = tree(here.parent)
    ended = command(verb, target)
    sentence = assert_one_sentence(ended.err)
    assert [part for part in parts if part not in sentence] == []
    assert (ended.code, ended.out) == (code, "")
    assert tree(here.parent) == before


UNREADABLE = [
    "nothing.toml",
    "nothing.py",
    "nothing.py:NAME",
    "folder.toml",
    "folder.py",
    "folder.py:NAME",
    "latin.toml",
]


@pytest.mark.parametrize("target", UNREADABLE)
def test_a_recipe_file_that_cannot_be_read_ends_with_3(target: str, command, here: Path) -> None:
    (here / "folder.toml").mkdir()
    (here / "folder.py").mkdir()
    (here / "latin.toml").write_bytes("name = 'ärger'".encode("latin-1"))
    ended = command("show", target)
    sentence = assert_one_sentence(ended.err)
    assert f"Cannot read the recipe {target.partition(':')[0]}: " in sentence
    assert ended.code == 3


# ---------------------------------------------------------------------------------------------------- data


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file of unsigned bytes."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
SMALL = {
    TRAIN_IMAGES: idx(np.arange(20 * 784, dtype=np.uint32).astype(np.uint8).reshape(20, 28, 28)),
    TRAIN_LABELS: idx(np.arange(20, dtype=np.uint8) % 10),
    TEST_IMAGES: idx(np.full((10, 28, 28), 7, dtype=np.uint8)),
    TEST_LABELS: idx(np.arange(10, dtype=np.uint8)),
}
HUGE = bytes([0, 0, 8, 3]) + (2**31).to_bytes(4, "big") + (28).to_bytes(4, "big") * 2
TEN = idx(np.array([*range(10), *range(1, 10), 10], dtype=np.uint8))

BROKEN: list[tuple[str, dict[str, bytes], list[str]]] = [
    (
        "a truncated gzip",
        {f"{TRAIN_IMAGES}.gz": gzip.compress(SMALL[TRAIN_IMAGES])[:-200], TRAIN_IMAGES: b""},
        [f"{TRAIN_IMAGES}.gz", "gzip data ended early", "Delete it to have it downloaded again"],
    ),
    ("images given as labels", {TRAIN_LABELS: SMALL[TRAIN_IMAGES]}, ["holds images where labels were expected"]),
    ("labels given as images", {TRAIN_IMAGES: SMALL[TRAIN_LABELS]}, ["holds labels where images were expected"]),
    ("a header that claims 2^31 images", {TRAIN_IMAGES: HUGE + bytes(784)}, ["2,147,483,648", "ever read"]),
    ("label 10 of 10 classes", {TRAIN_LABELS: TEN}, ["label 10 at index 19", "classes 0 to 9"]),
    ("fewer labels than images", {TRAIN_LABELS: idx(np.zeros(3, np.uint8))}, ["20 images", "3 labels"]),
    ("a class without an image", {TRAIN_LABELS: idx(np.zeros(20, np.uint8))}, ["no image of class 1 (1), 2 (2)"]),
    ("images of another size", {TEST_IMAGES: idx(np.zeros((10, 32, 32), np.uint8))}, ["32x32 pixels", "28x28"]),
    ("a web page", {TEST_LABELS: b"<!DOCTYPE html><html>"}, ["an HTML page"]),
    ("an empty file", {TEST_LABELS: b""}, ["it is empty (0 bytes)"]),
    ("the same images twice", {TEST_IMAGES: SMALL[TRAIN_IMAGES]}, ["the same 20 images"]),
]


@pytest.fixture
def data_folder(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write a small MNIST with some of its files exchanged; an empty one beside its gzip is left out."""

    def write(exchanged: dict[str, bytes]) -> Path:
        home = tmp_path / "data" / "mnist"
        home.mkdir(parents=True)
        for name, content in {**SMALL, **exchanged}.items():
            if f"{name}.gz" not in exchanged:
                (home / name).write_bytes(content)
        return home.parent

    return write


@pytest.mark.parametrize(("exchanged", "parts"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_doctor_names_broken_data_and_goes_on(
    exchanged: dict[str, bytes], parts: list[str], data_folder, command
) -> None:
    ended = command("doctor", "--json", "--data", data_folder(exchanged))
    assert (ended.code, ended.err) == (0, "")
    facts = json.loads(ended.out)
    assert facts["mnist"]["ok"] is False
    assert [part for part in parts if part not in facts["mnist"]["what"]] == []
    assert facts["digits"]["ok"] is True


@pytest.mark.parametrize(("exchanged", "parts"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.parametrize("verb", ["train", "fetch"])
def test_broken_data_is_named_and_ends_with_3(
    exchanged: dict[str, bytes], parts: list[str], verb: str, data_folder, command, here: Path
) -> None:
    data = data_folder(exchanged)
    before = tree(here.parent)
    ended = command(verb, "mnist" if verb == "fetch" else "progressive-3", "--data", data)
    sentence = assert_one_sentence(ended.err)
    assert [part for part in parts if part not in sentence] == []
    assert str(data / "mnist") in sentence
    assert (ended.code, ended.out) == (3, "")
    assert tree(here.parent) == before


def test_the_same_data_unbroken_is_used(data_folder, command, here: Path) -> None:
    ended = command("train", "progressive-1", "--data", data_folder({}), "--epochs", 1, "--out", "run")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "run"


# ---------------------------------------------------------------------------------------------------- run folders


@pytest.fixture
def run(digits_run: Path, here: Path) -> Path:
    (here / "tiny.toml").write_text(TOML)
    return Path(shutil.copytree(digits_run, here / "run"))


OTHER_RUNS = [
    (["tiny.toml", "--dataset", "digits", "--seed", "1"], "seed was 0, now 1"),
    (
        ["tiny.toml", "--dataset", "digits", "-s", "optimizer.learning_rate=0.2"],
        "optimizer.learning_rate was 0.1, now 0.2",
    ),
    (["tiny.toml", "--dataset", "digits", "--epochs", "5"], "epochs was 2, now 5"),
    (["tiny.toml", "--dataset", "digits", "--no-test"], "test measured was True, now False"),
    (["skip-3", "--dataset", "digits"], "recipe was tiny, now skip-3; its layers differ"),
]


@pytest.mark.parametrize(("words", "part"), OTHER_RUNS, ids=[part for _, part in OTHER_RUNS])
def test_a_folder_that_holds_another_run_is_refused_by_its_key(words: list[str], part: str, command, run: Path) -> None:
    before = tree(run.parent)
    ended = command("train", *words, "--engine", "torch", "--out", "run")
    sentence = assert_one_sentence(ended.err)  # no line announces a run that is refused
    assert sentence.startswith("run already contains a different run: ")
    assert part in sentence
    assert "--again" in sentence
    assert (ended.code, ended.out) == (2, "")
    assert tree(run.parent) == before


def test_a_run_folder_that_cannot_be_made_ends_with_3(command, here: Path) -> None:
    (here / "file").write_bytes(b"precious")
    before = tree(here.parent)
    ended = command(*TRAIN, "--out", "file/run")
    sentence = assert_one_sentence(ended.err)
    assert sentence.startswith("Cannot write file/run")
    assert "--out" in sentence
    assert (ended.code, ended.out) == (3, "")
    assert tree(here.parent) == before


def swap_weights(run: Path) -> None:
    plan = mnist_plan(find_recipe("progressive-3").layers)
    _, facts = read_sealed(run / "weights.safetensors")
    save_weights(run / "weights.safetensors", plan, initial_weights(plan, 0), facts)


def other_seed(run: Path) -> None:
    plan = mnist_plan(TINY.layers)
    _, facts = read_sealed(run / "weights.safetensors")
    save_weights(run / "weights.safetensors", plan, initial_weights(plan, 1), facts)


def flip_a_bit(run: Path) -> None:
    path = run / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def count_wrongly(run: Path) -> None:
    record = json.loads((run / "record.json").read_text())
    record["epochs"][0]["test_correct"] = 361
    (run / "record.json").write_text(json.dumps(record))


def spoil(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes(content) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


SPOILT: list[tuple[str, Callable[[Path], None], int, list[str]]] = [
    ("weights of another recipe", swap_weights, 4, ["does not fit recipe 'tiny'", "layer 1 (Conv)", "(8, 1, 3, 3)"]),
    ("weights of another seed", other_seed, 4, ["weights.safetensors holds weights", "the record beside it is of"]),
    ("a flipped bit", flip_a_bit, 4, ["weights.safetensors is damaged"]),
    ("no weights", remove("weights.safetensors"), 3, ["weights.safetensors is missing"]),
    ("a record cut off", spoil("record.json", b'{"schema": 1'), 4, ["record.json is not a run's record"]),
    ("a record of impossible counts", count_wrongly, 4, ["361 of 360 test images"]),
    (
        "no record",
        remove("record.json"),
        3,
        ["run holds no finished run: the one in run has no record.json", "report run"],
    ),
    ("a recipe with a syntax error", spoil("recipe.toml", b"name ="), 4, ["recipe.toml is not TOML"]),
    ("no recipe", remove("recipe.toml"), 3, ["Cannot read run/recipe.toml"]),
]


@pytest.mark.parametrize(("damage", "code", "parts"), [case[1:] for case in SPOILT], ids=[case[0] for case in SPOILT])
def test_a_spoilt_run_folder_is_not_judged(
    damage: Callable[[Path], None], code: int, parts: list[str], command, run: Path
) -> None:
    damage(run)
    before = tree(run)
    ended = command("judge", "run")
    sentence = assert_one_sentence(ended.err)
    assert [part for part in parts if part not in sentence] == []
    assert (ended.code, ended.out) == (code, "")
    assert tree(run) == before


def test_a_checkpoint_of_another_network_is_not_gone_on_with(command, run: Path) -> None:
    newest = run / "checkpoint-0002.safetensors"
    (run / "record.json").unlink()
    tensors, facts = read_sealed(newest)
    del tensors["2.running_mean"]
    newest.write_bytes(seal(tensors, facts))
    before = tree(run)
    ended = command("train", "tiny.toml", "--dataset", "digits", "--engine", "torch", "--out", "run")
    sentence = assert_one_sentence(ended.err)
    assert sentence == (
        "run/checkpoint-0002.safetensors does not fit recipe 'tiny': layer 2 (BatchNorm) holds nothing for "
        "'2.running_mean', the network needs float32 (4,). "
        "Remove that file to resume from the one before, or use --again."
    )
    assert (ended.code, ended.out) == (4, "")
    assert {**tree(run), ".lock": None} == {**before, ".lock": None}


def test_an_empty_folder_a_file_and_nothing_are_not_judged(command, here: Path) -> None:
    (here / "empty").mkdir()
    (here / "file").write_bytes(b"")
    for name, code, part in (
        ("empty", 3, "empty holds no finished run"),
        ("file", 4, "file is not a run's record"),
        ("nothing", 3, "There is no run folder nothing"),
    ):
        ended = command("judge", name)
        assert part in assert_one_sentence(ended.err)
        assert (ended.code, ended.out) == (code, "")


def test_a_folder_of_runs_is_not_verified_and_names_one_of_them(command, run: Path) -> None:
    ended = command("verify", ".")
    assert (ended.code, ended.out) == (3, "")
    assert assert_one_sentence(ended.err) == ". holds runs and is none itself; name one of them, as run."


def test_the_same_run_twice_is_not_two_seeds(command, run: Path) -> None:
    ended = command("judge", "run", "run")
    assert "a seed counts once" in assert_one_sentence(ended.err)
    assert ended.code == 2


def test_a_recipe_without_a_budget_has_nothing_to_be_audited_by(command, here: Path) -> None:
    from dataclasses import replace

    (here / "free.toml").write_text(recipe_to_text(replace(TINY, name="free", budgets=())))
    ended = command("audit", "free.toml")
    assert "free has no budget" in assert_one_sentence(ended.err)
    assert (ended.code, ended.out) == (2, "")


# ---------------------------------------------------------------------------------------------------- unexpected


def test_what_nobody_foresaw_is_one_sentence_that_says_how_to_see_more(command, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("pennyweight.nets.measure.measure", broken)
    ended = command("list")
    assert ended.code == 1
    assert ended.err == "Error: Unexpected error: ZeroDivisionError: a bug. Set PENNYWEIGHT_TRACEBACK=1 to see where.\n"


def test_a_traceback_is_shown_to_who_asks_for_it(here: Path, monkeypatch) -> None:
    from pennyweight.cli.main import run

    monkeypatch.setenv("PENNYWEIGHT_TRACEBACK", "1")
    monkeypatch.setattr("pennyweight.nets.measure.measure", lambda _: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["pennyweight", "list"])
    with pytest.raises(ZeroDivisionError):
        run()


REAL: list[tuple[list[str], int, str]] = [
    (["train", "progresive-3"], 2, "Did you mean 'progressive-3'?"),
    (["judge", "nothing"], 3, "There is no run folder nothing"),
    (["trian"], 2, "No such command 'trian'"),
]


@pytest.mark.parametrize(("words", "code", "part"), REAL, ids=[" ".join(words) for words, _, _ in REAL])
def test_a_real_process_ends_the_same_way(words: list[str], code: int, part: str, here: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pennyweight", *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (code, "")
    assert part in assert_one_sentence(done.stderr)
    assert tree(here) == {}


def test_one_side_is_nothing_to_compare(command, here: Path) -> None:
    ended = command("compare", "progressive-3")
    assert (ended.code, ended.out) == (2, "")
    assert "compare takes two or more sides and got progressive-3 alone" in assert_one_sentence(ended.err)


@pytest.mark.parametrize("more", [[], ["--again"]], ids=["", "--again"])
def test_a_folder_that_holds_something_else_is_neither_used_nor_moved(more: list[str], command, here: Path) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "notes.md").write_text("mine")
    before = tree(here)
    ended = command(*TRAIN, "--epochs", "1", "--out", "docs", *more)
    assert ended.code == 2
    assert "docs holds 'notes.md' and no run" in ended.err
    assert tree(here) == before


def test_a_data_folder_that_is_not_there_is_not_made(command, here: Path) -> None:
    ended = command("train", "progressive-3", "--data", "nowhere")
    assert ended.code == 3
    assert "There is no folder nowhere" in assert_one_sentence(ended.err)
    assert tree(here) == {}


def test_a_data_folder_one_too_deep_is_named_and_left_alone(command, mnist_folder: Path, here: Path) -> None:
    deep = mnist_folder / "mnist"
    before = sorted(deep.iterdir())
    ended = command("train", "progressive-3", "--data", str(deep))
    assert ended.code == 3
    assert f"name the folder above: --data {mnist_folder.absolute()}" in assert_one_sentence(ended.err)
    assert sorted(deep.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--jobs", "2"], "name them with --seeds"),
        (["--epochs", "1", "-s", "epochs=2"], "are both given; use one of them"),
        (["--seed", "1", "--seeds", "0-1"], "are both given; use one of them"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(words: list[str], part: str, command, here: Path) -> None:
    ended = command(*TRAIN, *words)
    assert ended.code == 2
    assert part in assert_one_sentence(ended.err)
    assert tree(here) == {}
