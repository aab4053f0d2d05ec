"""What a Python user meets: short reprs, progress, our own sentences for wrong types, datasets as values, warnings."""

import ast
import io
import os
import re
import subprocess
import sys
import traceback
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_recipes import TINY

import pennyweight as pw
from pennyweight.api import plan_run
from pennyweight.data.dataset import load
from pennyweight.pages.written import WrittenPage
from pennyweight.reporting.python_words import in_python
from pennyweight.runs.request import Request
from pennyweight.training.observer import Silent

DIGITS = load("digits")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of small_recipes.TINY, of seed 0."""
    folder = tmp_path_factory.mktemp("small") / "run"
    pw.train(TINY, dataset=DIGITS, engine="torch", out=folder)
    return folder


def test_every_value_that_pw_returns_prints_as_one_line(digits_run: Path) -> None:
    model, recipe = pw.load(digits_run), pw.recipe("progressive-3")
    ranking, judgement = pw.compare("progressive-3", "skip-3", "iteration-3"), pw.judge("progressive-3")
    values = [
        *(model, model.record, model.record.epochs[0], model.record.verdict, model.record.mistakes_by_epoch[0], DIGITS),
        *(recipe, recipe.origin, recipe.plan(), recipe.budgets[0], recipe.optimizer, recipe.schedule, recipe.layers[0]),
        *(pw.compare("progressive-3", "skip-3"), ranking, ranking.pairs[0], pw.audit("skip-3"), pw.Rules()),
        *(judgement, judgement.runs[0], judgement.groups[0], judgement.groups[0].figures, pw.verify(digits_run)),
        *(pw.claims("003").popitem()[1][0], Request(target="skip-3"), plan_run(recipe, dataset=DIGITS)),
    ]
    for value in values:
        assert "\n" not in repr(value)
        assert len(repr(value)) < 250, repr(value)
    assert repr(recipe) == "<Recipe progressive-3: 6,188 parameters, 15 epochs, Adam, OneCycle>"
    wrong = [replace(recipe, layers=layers) for layers in (3, (pw.Conv,), (), (pw.Linear(5),))]  # type: ignore[arg-type]
    assert all(repr(one).startswith("<Recipe progressive-3: cannot be planned, ") for one in wrong)
    assert repr(replace(recipe, epochs=1)) == "<Recipe progressive-3: 6,188 parameters, 1 epoch, Adam, OneCycle>"
    assert repr(replace(model.record, epochs=model.record.epochs[:1])).count(" 1 epoch, ") == 1
    assert repr(DIGITS) == "<Dataset digits: 1,437 training and 360 test images, 28x28 pixels, 10 classes>"
    assert repr(model.record).startswith("<RunRecord of tiny on digits: seed 0, 404 parameters, 2 epochs, test ")
    assert repr(model).startswith("<TrainedModel tiny: 404 parameters, reads 28x28 pixels, 10 classes; <RunRecord")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pw.train(123), "The recipe is 123, but must be text or Recipe."),
        (lambda: pw.train("progressive-3", seed="0"), "seed is '0', but must be a whole number."),
        (lambda: pw.train("progressive-3", dataset=7), "dataset is 7, but must be text or Dataset."),
        (
            lambda: pw.audit("progressive-3", {"max_params": 1}),
            "rules is {'max_params': 1}, but must be Rules or none.",
        ),
        (lambda: pw.load(3), "A run folder is 3, but must be text or Path."),
        (lambda: pw.judge(None), "A run folder is None, but must be text or Path."),
        (lambda: pw.recipe(None), "The recipe is None, but must be text or Recipe."),
        (lambda: pw.dataset(5), "The name of a dataset is 5, but must be text."),
        (lambda: pw.dataset("digits", data=5), "data is 5, but must be text or Path or none."),
        (lambda: pw.train("skip-3", seed=1.5), "seed is 1.5, but must be a whole number."),
        (lambda: pw.train("skip-3", settings="epochs=3"), "settings is 'epochs=3', but must be a dict or a list."),
        (lambda: pw.train("skip-3", out=3), "out is 3, but must be text or Path or none."),
        (lambda: pw.train("skip-3", observer=3), "observer is 3, but must be Observer or none."),
        (lambda: pw.train("skip-3", stop=3), "stop is 3, but must be a function."),
        (lambda: pw.train("skip-3", progress="no"), "progress is 'no', but must be true or false or none."),
        (lambda: pw.recipe("skip-3", 5), "settings is 5, but must be a dict or a list."),
        (lambda: pw.audit("skip-3", pw.Rules(max_params="8k")), "Rules.max_params is '8k', but must be a whole"),
        (lambda: pw.judge("skip-3", max_params="8k"), "max_params is '8k', but must be a whole number or none."),
        (lambda: pw.judge("skip-3", budget={}), "budget is {}, but must be Budget or none."),
        (lambda: pw.judge("skip-3", budget=pw.Budget("mnist", "8k", 1, 99)), "Budget.max_params is '8k', but must"),
        (lambda: pw.judge(), "There is nothing to judge; name a run folder"),
        (lambda: pw.compare(), "compare takes two or more sides and got none"),
        (lambda: pw.compare("skip-3"), "compare takes two or more sides and got skip-3 alone; name what to compare it"),
        (lambda: pw.compare("skip-3", 4), "A run folder is 4, but must be text or Path."),
        (lambda: pw.claims(3), "document is 3, but must be text or none."),
        (lambda: pw.verify(DIGITS), "A run folder is <Dataset digits: "),
        (lambda: pw.verify("run", data=DIGITS), "data is <Dataset digits: "),
        (lambda: pw.verify("run", replay="yes"), "replay is 'yes', but must be true or false."),
        (lambda: pw.read_budget(3), "The file of a budget is 3, but must be text or Path."),
        (lambda: pw.Recipe("x", pw.Conv(8), 1, pw.Adam()).plan(), "Recipe.layers is Conv("),
        (lambda: pw.Recipe("x", (pw.Conv("8"), pw.Linear(pw.CLASSES)), 1, pw.Adam()).plan(), "Conv.channels is '8', "),
        (lambda: pw.recipe("skip-3").plan("7"), "classes is '7', but must be a whole number."),
        (lambda: dataset(images=[1]), "train_images is a list; it must be an array of uint8"),
        (lambda: dataset(images=np.zeros((2, 28, 28))), "train_images is float64 with shape (2, 28, 28); it must be"),
        (
            lambda: dataset(labels=np.array([0, 1])),
            "train_labels is int64 with shape (2,); it must be an array of uint8",
        ),
        (lambda: dataset(labels=np.array([0, 9], np.uint8)), "train_labels go from 0 to 9, and class_names has 2"),
        (lambda: dataset(images=np.zeros((2, 9, 9), np.uint8)), "have shape (9, 9), the test images (28, 28)."),
    ],
)
def test_a_wrong_type_ends_in_our_own_sentence(call, words: str) -> None:
    with pytest.raises(pw.UsageError) as refused:
        call()
    assert words in str(refused.value)


def dataset(images: object = None, labels: object = None) -> pw.Dataset:
    """Two images of two classes for training and for testing, the former with something exchanged."""
    two, marks = np.zeros((2, 28, 28), np.uint8), np.array([0, 1], np.uint8)
    return pw.Dataset(
        "two", ("a", "b"), two if images is None else images, marks if labels is None else labels, two, marks
    )


COLOUR = replace(TINY, input=pw.Input(3, 32, 32))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda run: pw.train(TINY, dataset=DIGITS, engine="torch", seed=7, out=run),
            "seed was 0, now 7. Use another out=..., or again=True to move it aside.",
        ),
        (
            lambda run: pw.train(TINY, dataset=DIGITS, device="cuda", engine="native"),
            'device="cuda" goes with engine="torch".',
        ),
        (
            lambda run: pw.train("skip-3", epochs=1, settings={"epochs": 2}),
            'epochs=1 and settings={"epochs": ...} are both given',
        ),
        (
            lambda run: pw.train(COLOUR, dataset=DIGITS),
            'change the recipe: settings={"input.channels": 1, "input.rows": 28, "input.columns": 28}.',
        ),
        (lambda run: pw.claims("003", records=run / "none"), "none; records=... names one"),
    ],
)
def test_a_refusal_speaks_of_arguments_and_not_of_flags(call, words: str, small_run: Path) -> None:
    with pytest.raises(pw.PennyweightError) as refused:
        call(small_run)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A lower rate may help: -s optimizer.learning_rate=1e-05.", 'settings={"optimizer.learning_rate": 1e-05}.'),
        ("Or train with PyTorch: --engine torch.", 'Or train with PyTorch: engine="torch".'),
        ("name a folder with --data or $X; `--dataset digits` needs", 'with data=... or $X; dataset="digits" needs'),
        ("name the folder above: --data /home/x, whose", 'name the folder above: data="/home/x", whose'),
        ("train it with --no-test.", "train it with use_test=False."),
        ("gcc --version -s x failed", "gcc --version -s x failed"),
        (
            "This does: pennyweight train --seed=3 '--out=a b' -s optimizer=SGD -s epochs=2 -- run/recipe.toml",
            'This does: pw.train("run/recipe.toml", seed=3, out="a b", settings={"optimizer": "SGD", "epochs": 2})',
        ),
    ],
)
def test_flags_in_a_sentence_become_arguments(text: str, words: str) -> None:
    assert words in in_python(text)


def refusals() -> list[str]:
    """Every piece of text in a `raise` of the package that names a flag, but for those of the command line itself."""
    house, found = Path(pw.__file__).parent, list[str]()
    for path in sorted(house.rglob("*.py")):
        if path.parent.name != "cli" and path.name != "pool.py":
            nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
            texts = [one.value for node in nodes for one in ast.walk(node) if isinstance(one, ast.Constant)]
            found += [text for text in texts if isinstance(text, str) and re.search(r"--[a-z]", text)]
    return found


def test_no_refusal_of_the_package_names_a_flag_in_python() -> None:
    assert len(refusals()) > 10
    assert [text for text in map(in_python, refusals()) if re.search(r"--[a-z]", text)] == []


def test_a_recipe_file_and_an_observer_that_fail_keep_their_own_traceback(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("one = 1\nwrong = one / 0\n")
    with pytest.raises(pw.UsageError, match="fails when it is run: ZeroDivisionError") as refused:
        pw.recipe(str(tmp_path / "mine.py"))
    assert isinstance(refused.value.__cause__, ZeroDivisionError)
    assert traceback.extract_tb(refused.value.__cause__.__traceback__)[-1].filename == str(tmp_path / "mine.py")

    class Failing(Silent):
        def epoch_done(self, history: object) -> None:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as failed:
        pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run", observer=Failing())
    assert traceback.extract_tb(failed.value.__traceback__)[-1].name == "epoch_done"


def test_a_dataset_may_be_passed_as_a_value_but_not_to_another_process(tmp_path: Path) -> None:
    named = pw.train(TINY, dataset="digits", epochs=1, out=tmp_path / "named")
    passed = pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "passed")
    assert passed.weights_sha256 == named.weights_sha256
    for write in (lambda request: request.to_json(), lambda request: request.words()):
        with pytest.raises(pw.UsageError, match="'digits' is a value, which another process cannot be told"):
            write(Request(target="skip-3", dataset=DIGITS))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("progress", "shown"), [(None, True), (True, True), (False, False)])
def test_progress_is_shown_in_a_terminal_unless_it_is_silenced(
    progress: bool | None, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run", progress=progress)
    assert ("epoch 1/1" in sys.stderr.getvalue()) == shown


class Shell:
    """What IPython gives in a notebook, and in a terminal without the kernel."""

    def __init__(self, kernel: bool) -> None:
        self.shown: list[tuple[str, bool, str]] = []
        self.display_pub = SimpleNamespace(publish=self.publish)
        if kernel:
            self.kernel = object()

    def publish(
        self, data: dict[str, str], metadata: dict[str, object], *, transient: dict[str, str], update: bool
    ) -> None:
        self.shown.append((transient["display_id"], update, data["text/html"]))


def as_notebook(shell: Shell | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process look as if IPython ran it with this shell, to us and to matplotlib."""
    ipython = SimpleNamespace(get_ipython=lambda: shell, version_info=(9, 0, 0))
    monkeypatch.setitem(sys.modules, "IPython", ipython)


@pytest.mark.parametrize(
    ("shell", "progress", "shown"),
    [(Shell(True), None, True), (Shell(True), False, False), (Shell(False), None, False), (None, None, False)],
)
def test_a_notebook_sees_one_line_that_moves_and_one_for_an_epoch(
    shell: Shell | None, progress: bool | None, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_notebook(shell, monkeypatch)
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    pw.train(TINY, dataset=DIGITS, epochs=2, out=tmp_path / "run", progress=progress)
    written = sys.stderr.getvalue()
    lines = [line.rpartition("\r")[2] for line in written.split("\n")]
    assert [line for line in lines if line.startswith("epoch ")] == [line for line in lines if " train " in line]
    assert sum(" train " in line for line in lines) == (2 if shown else 0)
    assert (written.count("\repoch") >= 4) == shown
    assert (written == "") != shown


def rows_shown(value: object) -> int:
    return value._repr_html_().count("<tr>")  # type: ignore[attr-defined, no-any-return]


def test_a_notebook_shows_values_as_tables() -> None:
    (record, *_), judgement = pw.records("progressive-3", dataset="mnist"), pw.judge("progressive-3")
    recipe, claims = pw.recipe("progressive-3"), pw.claims("003")
    limits, seeds, layers = 3, 7, len(recipe.plan().nodes)
    assert rows_shown(record) == (1 + limits) + (1 + 15)
    assert rows_shown(record.verdict) == rows_shown(judgement.runs[0]) == 1 + limits
    assert rows_shown(judgement) == (1 + 10) + (1 + seeds)
    assert rows_shown(judgement.groups[0]) == 1 + seeds
    assert rows_shown(pw.compare("skip-1", "skip-2")) == 1 + 3
    assert rows_shown(pw.compare("skip-1", "skip-2", "skip-3")) == (1 + 3) + (1 + 3)
    assert rows_shown(recipe.plan()) == 1 + layers
    assert rows_shown(recipe) > 2 + layers
    assert rows_shown(claims) == sum(1 + len(checked) for checked in claims.values())
    assert rows_shown(next(iter(claims.values()))[0]) == 2
    assert rows_shown(pw.audit("skip-3")) == 1 + 2
    assert f"{record.epochs[-1].test_accuracy:.2f}" in record._repr_html_()
    assert "Recipe progressive-3: 6,188 parameters" in recipe._repr_html_()


def test_a_notebook_shows_networks_and_curves_as_pictures() -> None:
    recipe, record = pw.recipe("progressive-3"), pw.records("progressive-3", dataset="mnist")[0]
    shown = [one._repr_html_() for one in (recipe, recipe.plan(), record, record.verdict)]  # type: ignore[attr-defined]
    assert [html.count("<svg") for html in shown] == [1, 1, 1, 0]
    assert recipe._repr_html_() == shown[0]  # type: ignore[attr-defined]


def test_without_matplotlib_a_notebook_shows_tables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = pw.recipe("progressive-3")
    monkeypatch.setattr("pennyweight.pages.notebook.find_spec", lambda name: None)
    html = recipe._repr_html_()  # type: ignore[attr-defined]
    assert (html.count("<svg"), html.count("<table>")) == (0, 2)


def test_a_notebook_shows_a_page_that_was_written_in_a_frame(tmp_path: Path) -> None:
    page = tmp_path / "a&b.html"
    page.write_text('<p class="one">two</p>')
    written = WrittenPage(str(page), 20, "a.md", ("one",), ())
    assert '<iframe srcdoc="&lt;p class=&quot;one&quot;&gt;two' in written._repr_html_()
    page.unlink()
    assert written._repr_html_().endswith("a&amp;b.html</p>")


def test_what_a_notebook_shows_is_escaped_and_never_fails() -> None:
    layers = (pw.Conv(8), pw.Relu(), pw.GlobalAvgPool(), pw.Linear(pw.CLASSES))
    odd = pw.Recipe("<b>", layers, epochs=2, optimizer=pw.Adam())
    assert "Recipe &lt;b&gt;: 162 parameters" in odd._repr_html_()  # type: ignore[attr-defined]
    assert "cannot be planned" in replace(odd, layers=(pw.Linear(5),))._repr_html_()  # type: ignore[attr-defined]


def test_a_recipe_made_before_any_function_is_called_is_shown_too() -> None:
    code = """
import pennyweight as pw
layers = (pw.Conv(8), pw.Relu(), pw.GlobalAvgPool(), pw.Linear(pw.CLASSES))
print(pw.Recipe("mine", layers, epochs=2, optimizer=pw.Adam())._repr_html_().count("<table>"))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "2\n"


def test_a_notebook_sees_curves_that_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(True)
    as_notebook(shell, monkeypatch)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr("pennyweight.pages.notebook_console.SHARE", float("inf"))
    pw.train(TINY, dataset=DIGITS, epochs=3, out=tmp_path / "run")
    assert [update for _, update, _ in shell.shown] == [False, True, True, True]
    assert len({place for place, _, _ in shell.shown}) == 1
    assert [html.count("<svg") for _, _, html in shell.shown] == [0, 1, 1, 1]
    assert len({html for _, _, html in shell.shown}) == 4


def test_curves_are_not_drawn_while_they_would_hold_up_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(True)
    as_notebook(shell, monkeypatch)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr("pennyweight.pages.notebook_console.SHARE", 0.0)
    pw.train(TINY, dataset=DIGITS, epochs=4, out=tmp_path / "run")
    drawn = [html for _, _, html in shell.shown if html]
    assert len(drawn) == 2  # the first epoch, before anything is known of what drawing costs, and the last


def test_a_complete_run_tells_a_python_user_of_an_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run", progress=True)
    assert "is already complete; again=True retrains it." in capsys.readouterr().err


def test_nothing_is_printed_where_nobody_looks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run")
    assert capfd.readouterr().err == ""


def test_probabilities_add_up_and_the_best_classes_come_first(digits_run: Path) -> None:
    model = pw.load(digits_run)
    images = DIGITS.test_images[:30]
    shares, best = model.probabilities(images), model.top_k(images, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (best[:, 0] == model.predict(images)).all()
    ranked = np.take_along_axis(shares, best, axis=1)
    assert (np.diff(ranked, axis=1) <= 0).all()
    with pytest.raises(pw.UsageError, match="k is 11; it must be from 1 to 10"):
        model.top_k(images, 11)


def test_inverted_images_are_warned_of_and_others_are_not(digits_run: Path) -> None:
    model = pw.load(digits_run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(DIGITS.test_images)
        model.predict(DIGITS.test_images[:0])
    with pytest.warns(UserWarning, match="they look inverted"):
        model.predict(255 - DIGITS.test_images)


def test_a_recipe_is_built_from_the_front_door_alone() -> None:
    layers = (pw.Conv(8), pw.BatchNorm(), pw.Relu(), pw.GlobalAvgPool(), pw.Linear(pw.CLASSES))
    recipe = pw.Recipe("mine", layers, epochs=2, optimizer=pw.Adam(), schedule=pw.OneCycle())
    assert pw.audit(recipe, pw.Rules(max_params=8_000, require=("batchnorm",))).met
    assert pw.recipe(replace(recipe, input=pw.Input(3, 32, 32))).plan(7).nodes[0].weights[0].shape == (8, 3, 3, 3)
    assert pw.__version__.count(".") >= 1


def test_one_image_alone_is_a_batch_of_one(digits_run: Path) -> None:
    model, image = pw.load(digits_run), DIGITS.test_images[3]
    assert model.predict(image).tolist() == model.predict(DIGITS.test_images[3:4]).tolist()
    assert model.probabilities(image).shape == (1, 10)
    with pytest.raises(pw.UsageError, match="Images are a Dataset; they must be a NumPy array of uint8, as dataset"):
        model.predict(DIGITS)


def test_a_dataset_as_a_value_is_evaluated_and_verified(digits_run: Path) -> None:
    model = pw.load(digits_run)
    last = model.record.epochs[-1]
    found = model.evaluate(DIGITS)
    assert (found.correct, found.accuracy) == (last.test_correct, last.test_accuracy)
    assert model.evaluate(DIGITS, "train").correct == model.record.final_train_correct
    assert pw.dataset(DIGITS) is DIGITS
    mine = replace(DIGITS, name="mine")
    checked = pw.verify(digits_run, dataset=mine)
    assert [check.name for check in checked.checks if check.agrees is False] == ["dataset"]
    with pytest.raises(pw.UsageError, match="There is no split 'val'"):
        model.evaluate(DIGITS, "val")
    with pytest.raises(pw.UsageError, match="two has the classes a, b"):
        model.evaluate(dataset())


def test_a_run_on_a_dataset_of_ones_own_is_verified_and_repeated(tmp_path: Path) -> None:
    images, labels = DIGITS.train_images, DIGITS.train_labels
    mine = pw.Dataset("mine", DIGITS.class_names, images[:400], labels[:400], images[400:500], labels[400:500])
    record = pw.train(TINY, dataset=mine, epochs=1, out=tmp_path / "run")
    assert (record.dataset, record.test_images) == ("mine", 100)
    assert pw.verify(record.folder, dataset=mine, replay=True).agrees
    assert pw.judge(record.folder).runs[0].reason.startswith("tiny has no budget for mine")


def test_everything_public_is_imported_by_a_star() -> None:
    names: dict[str, object] = {}
    exec("from pennyweight import *", names)
    assert set(pw.__all__) <= set(names)


USER = """
import numpy as np
import pennyweight as pw

record = pw.train("skip-3", seed=1, settings={"epochs": 2}, dataset=pw.dataset("digits"))
last: float = record.epochs[-1].train_accuracy
model = pw.load(record.folder)
labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = model.predict(np.zeros((1, 28, 28), np.uint8))
recipe: pw.Recipe = pw.recipe("skip-3")
version: str = pw.__version__
reveal_type(pw.compare("a", "b"))
pw.train("skip-3", sed=1)
pw.Conv("8")
"""


@pytest.mark.slow
def test_types_reach_who_checks_strictly(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    house = Path(pw.__file__).parent
    assert (house / "py.typed").exists()
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(tmp_path / "user.py")]
    environment = {**os.environ, "MYPYPATH": str(house.parent)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Comparison | " in ended.stdout
    errors = [line for line in ended.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 2, errors
    assert 'Unexpected keyword argument "sed" for "train"' in errors[0]
    assert 'Argument 1 to "Conv" has incompatible type "str"' in errors[1]
