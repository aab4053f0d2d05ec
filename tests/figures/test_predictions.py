"""Counts, calibration, images and steps of an ablation: what is drawn is what was given, by arithmetic of its own."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from figure_gallery import CLOTHES, counts, made_up_steps
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.figures import arrays, predictions, samples, staircase
from pennyweight.figures.svg import points_of, text_of, to_svg
from pennyweight.figures.words import Words

WORDS = Words("a title", "a description")
DIGITS = tuple("0123456789")


def test_the_diagonal_of_a_published_record_is_its_accuracy() -> None:
    for name in ("pennyweight-8k", "skip-3"):
        record = pw.load(name).record
        table = predictions.counts_of(record)
        assert table is not None
        assert int(table.sum()) == record.test_images
        assert int(np.trace(table)) == record.epochs[-1].test_correct
        assert (
            f"{record.test_images - int(np.trace(table))} of 10,000" in predictions.confusion_words(table, DIGITS).title
        )


def test_counts_of_predictions_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(1)
    labels, predicted = generator.integers(0, 4, 200), generator.integers(0, 4, 200)
    table = predictions.confusion_counts(labels, predicted, 5)
    for label in range(5):
        for other in range(5):
            assert table[label, other] == sum((labels == label) & (predicted == other))


def test_a_transposed_matrix_is_seen() -> None:
    table = counts()
    upright, turned = (
        text_of(to_svg(predictions.confusion(one, DIGITS), words=WORDS, name="c")) for one in (table, table.T)
    )
    assert upright != turned
    assert predictions.most_confused(table, DIGITS) != predictions.most_confused(table.T, DIGITS)


def test_every_count_is_written_in_its_cell_row_by_row() -> None:
    table = counts()
    words = text_of(to_svg(predictions.confusion(table, DIGITS), words=WORDS, name="c"))
    numbers = [int(one) for one in words if re.fullmatch(r"\d+", one)]
    # the names of rows and columns are single digits, each written twice, between the counts
    written = sorted(numbers)
    assert written == sorted([*table[table > 0].tolist(), *(2 * list(range(10)))])


def test_a_class_that_is_never_predicted_or_has_no_image_is_named() -> None:
    table = counts()
    assert predictions.confusion_words(table, CLOTHES).description.endswith("Never predicted: Ankle boot.")
    table[9] = 0
    assert "Without images: Ankle boot." in predictions.per_class_words(table, CLOTHES).description
    assert "no images" in text_of(to_svg(predictions.confusion(table, CLOTHES), words=WORDS, name="c"))


def test_a_class_name_is_text_never_markup_nor_mathematics() -> None:
    names = ("<b>bold</b>", "a & b", "$x^2$", *DIGITS[3:])
    for draw in (predictions.confusion, predictions.per_class):
        svg = to_svg(draw(counts(), names), words=predictions.confusion_words(counts(), names), name="c")
        assert "<b>" not in svg
        assert any("$x^2" in one for one in text_of(svg))


def test_classes_are_ordered_by_accuracy_and_stand_where_it_is() -> None:
    table = predictions.counts_of(pw.load("pennyweight-8k").record)
    assert table is not None
    drawn = points_of(to_svg(predictions.per_class(table, DIGITS), words=WORDS, name="c"))
    accuracies = sorted((100 * table[one, one] / table[one].sum() for one in range(10)), reverse=True)
    places = np.array([drawn[f"class-{rank}"][0] for rank in range(10)])
    errors = np.log10(100 - np.array(accuracies))
    slope, start = np.polyfit(errors, places, 1)
    assert np.allclose(places, slope * errors + start, atol=0.02)
    assert slope < 0


@pytest.mark.parametrize(
    ("table", "names", "words"),
    [
        (np.zeros((10, 10), int), DIGITS, "no predictions"),
        (np.eye(9, dtype=int), DIGITS, "there are 10 classes"),
        (np.eye(41, dtype=int), tuple(map(str, range(41))), "more than 40"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(table: np.ndarray, names: tuple[str, ...], words: str) -> None:
    for draw in (predictions.confusion, predictions.per_class):
        with pytest.raises(UsageError, match=words):
            draw(table, names)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_is_that_of_the_formula(pairs: list[tuple[float, bool]]) -> None:
    probabilities, right = np.array([one for one, _ in pairs]), np.array([one for _, one in pairs])
    expected = 0.0
    for low in range(15):
        edge = low / 15, (low + 1) / 15
        inside = [(p, r) for p, r in pairs if (edge[0] < p <= edge[1]) or (low == 0 and p == 0)]
        if inside:
            gap = abs(sum(p for p, _ in inside) - sum(r for _, r in inside)) / len(inside)
            expected += len(inside) / len(pairs) * gap
    # a probability on an edge may be put to either side by rounding
    on_edge = any(abs(p * 15 - round(p * 15)) < 1e-9 and p > 0 for p, _ in pairs)
    if not on_edge:
        assert predictions.calibration_error(probabilities, right) == pytest.approx(expected)


def test_a_calibrated_network_has_no_error_and_a_sure_one_that_is_wrong_all() -> None:
    probabilities = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    assert predictions.calibration_error(probabilities, right) == pytest.approx(0, abs=1e-12)
    assert predictions.calibration_error(np.ones(5), np.zeros(5, bool)) == 1
    assert "overconfident by 5.00 points" in predictions.reliability_words(np.full(20, 1.0), np.arange(20) > 0).title
    with pytest.raises(UsageError, match="nothing to draw"):
        predictions.reliability(np.zeros(0), np.zeros(0, bool))


def pictures(svg: str) -> list[np.ndarray]:
    """Return the pictures in an SVG as they are stored, RGBA."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', svg)
    return [np.array(Image.open(BytesIO(base64.b64decode(one)))) for one in found]


def test_the_pictures_in_a_contact_sheet_are_the_images_pixel_by_pixel() -> None:
    images = pw.dataset("digits").test_images[:5]
    listed = [samples.Sample("1", "2" if one == 3 else "1", 0.9) for one in range(5)]
    svg = to_svg(samples.predictions(images, listed), words=WORDS, name="s")
    for picture, image in zip(pictures(svg), images, strict=True):
        assert picture.shape[:2] == image.shape
        assert (picture[..., 0] == image).all()
    assert text_of(svg).count("× 2, not 1") == 1
    with pytest.raises(UsageError, match="5 images and 4 predictions"):
        samples.predictions(images, listed[:4])


def test_colour_images_keep_their_colours() -> None:
    images = np.random.default_rng(2).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    svg = to_svg(samples.worst_mistakes(images, [samples.Sample("cat", "dog", 0.5)] * 2), words=WORDS, name="s")
    for picture, image in zip(pictures(svg), images, strict=True):
        assert (picture[..., :3] == image.transpose(1, 2, 0)).all()
    assert "cat, taken for dog" in text_of(svg)


def test_maps_and_kernels_are_as_many_as_there_are_and_on_one_scale() -> None:
    weights = np.random.default_rng(5).normal(size=(6, 1, 3, 3)).astype(np.float32)
    svg = to_svg(arrays.kernels(weights), words=arrays.kernels_words(weights), name="k")
    assert len(pictures(svg)) == 7  # six and the scale
    assert f"{np.abs(weights).max():.2f}" in text_of(svg)
    maps = [("Conv", np.random.default_rng(6).normal(size=(20, 5, 5))), ("Linear", np.zeros((10, 1, 1)))]
    svg = to_svg(arrays.feature_maps(np.zeros((5, 5), np.uint8), maps, most=8), words=WORDS, name="m")
    assert len(pictures(svg)) == 1 + 8 + 8 + 1
    with pytest.raises(UsageError, match="no feature maps"):
        arrays.feature_maps(np.zeros((5, 5), np.uint8), [])
    with pytest.raises(UsageError, match="Kernels have shape"):
        arrays.kernels(np.zeros((3, 3), np.float32))


def test_a_step_of_the_staircase_is_as_long_as_what_it_gained() -> None:
    found = made_up_steps()
    drawn = points_of(to_svg(staircase.staircase(found), words=staircase.staircase_words(found), name="s"))
    places = np.array([drawn[f"step-{number}"][0] for number in range(4)])
    errors = np.log10([100 - step.final.mean for step in found])
    slope, start = np.polyfit(errors, places, 1)
    assert np.allclose(places, slope * errors + start, atol=0.02)
    assert {"gain-1", "gain-3"} <= set(drawn)  # filled, for what is shown
    assert "gain-2" not in drawn
    words = staircase.staircase_words(found)
    assert words.title.startswith("Most is gained by a change with rather many words about it: 1.00 points")
    assert "gain +0.05 (95 % -0.10 to +0.20, not shown)" in words.description
    with pytest.raises(UsageError, match="no steps"):
        staircase.staircase([])
