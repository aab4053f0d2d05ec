"""`pw.plots` and `record.plot()`: every one draws from values in the hand, and says what is missing."""

import inspect
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from figure_gallery import made_up_steps, published_runs

import pennyweight as pw
from pennyweight.base.records import RunRecord
from pennyweight.figures import words
from pennyweight.figures.svg import points_of, text_of, to_svg


def test_a_record_draws_itself_as_plots_does() -> None:
    record = published_runs("progressive-3")[0]
    mine, theirs = record.plot(), pw.plots.curves(record)
    assert mine.words == theirs.words
    assert to_svg(mine, words=mine.words, name="a") == to_svg(theirs, words=theirs.words, name="a")
    assert "target" in points_of(to_svg(mine, words=mine.words, name="a"))  # the budget of its recipe
    assert record.plot(width=360).get_size_inches()[0] * 72 == 360


def test_everything_in_plots_draws_what_it_is_given() -> None:
    model, digits = pw.load("pennyweight-8k"), pw.dataset("digits")
    record, recipe = model.record, pw.recipe("progressive-3")
    groups = {name: published_runs(name) for name in ("skip-1", "skip-3")}
    runs = [one for name in ("skip-1", "skip-2", "skip-3") for one in published_runs(name)]
    given = {
        "augmented": (recipe, digits),
        "compare": (groups,),
        "confusion": (record,),
        "curves": (published_runs("skip-1"),),
        "feature_maps": (model, digits.test_images[0]),
        "frontier": (runs,),
        "kernels": (model,),
        "network": (model,),
        "per_class": (record,),
        "predicted": (model, digits),
        "reliability": (model, digits),
        "staircase": (made_up_steps(),),
        "steps": (runs,),
        "worst_mistakes": (model, digits),
    }
    assert sorted(given) == sorted(pw.plots.__all__)
    for name, values in given.items():
        figure = getattr(pw.plots, name)(*values)
        assert figure.words.title, name
        assert figure._repr_html_().count("<svg") == 1, name
        assert inspect.getdoc(getattr(pw.plots, name))


def test_points_of_runs_are_their_means_and_parameters() -> None:
    runs = [one for name in ("skip-1", "skip-3") for one in published_runs(name)]
    text = pw.plots.steps(runs).words.description
    for name in ("skip-1", "skip-3"):
        finals = [one.epochs[-1].test_accuracy for one in published_runs(name)]
        assert f"{name}, {published_runs(name)[0].params:,} parameters, {np.mean(finals):.2f} %" in text


def test_the_predictions_that_are_drawn_are_the_model_s() -> None:
    model, digits = pw.load("pennyweight-8k"), pw.dataset("digits")
    figure = pw.plots.predicted(model, digits, most=8)
    predicted = model.predict(digits.test_images[:8])
    written = text_of(to_svg(figure, words=figure.words, name="p"))
    shown = [one for one in written if not one.endswith(" %")]
    expected = [
        str(one) if one == label else f"× {one}, not {label}"
        for one, label in zip(predicted, digits.test_labels[:8], strict=True)
    ]
    assert shown == expected
    wrong = model.predict(digits.test_images) != digits.test_labels
    assert pw.plots.worst_mistakes(model, digits, most=3).words.description.count("taken for") == min(3, wrong.sum())


def test_a_record_that_does_not_count_its_classes_is_one_sentence() -> None:
    early = replace(published_runs("skip-1")[0], classes=(), test_class_images=())
    with pytest.raises(pw.UsageError, match="does not say how many test images each class has"):
        pw.plots.confusion(early)


def test_without_matplotlib_plots_are_missing_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "find_spec", lambda name: None)
    with pytest.raises(pw.UnavailableError, match=r"pip install 'pennyweight\[report\]'"):
        pw.plots  # noqa: B018
    assert not hasattr(pw, "plots")
    with pytest.raises(pw.UnavailableError, match="matplotlib"):
        published_runs("skip-1")[0].plot()


def test_a_record_without_the_facade_says_who_draws_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunRecord, "drawn_by", None)
    with pytest.raises(pw.UnavailableError, match=r"pw\.plots\.curves"):
        published_runs("skip-1")[0].plot()


def test_nothing_loads_matplotlib_before_something_is_drawn() -> None:
    script = (
        "import sys, pennyweight as pw; record = pw.records('skip-1')[0]; "
        "assert 'matplotlib' not in sys.modules; record.plot(); "
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
