"""What holds for every figure: nothing is cut, no words touch, the same bytes every time, and words for its reader."""

import re
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from figure_gallery import cases
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text

from pennyweight.figures.style import DARK, LIGHT
from pennyweight.figures.svg import points_of, text_of, to_html, to_png, to_svg

CASES = cases()
WIDTHS = (360, 720, 1040)


def texts(figure: Figure) -> list[Text]:
    FigureCanvasAgg(figure).draw()
    return [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_cut_and_no_two_texts_touch(name: str, width: int) -> None:
    figure = CASES[name][0](width)
    boxes = {one: one.get_window_extent() for one in texts(figure)}
    assert boxes
    wide, tall = figure.get_size_inches() * 72
    assert wide == width
    for text, box in boxes.items():
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= wide + 1 and box.y1 <= tall + 1
        assert inside, f"{text.get_text()!r} leaves the figure: {box} in {wide} x {tall}"
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across < 1 or down < 2, f"{one.get_text()!r} touches {other.get_text()!r} in {name} at {width}"


@pytest.mark.parametrize("name", CASES)
def test_text_and_pictures_do_not_touch(name: str) -> None:
    for width in (360, 720):
        figure = CASES[name][0](width)
        words = [(one, one.get_window_extent()) for one in texts(figure)]
        for image in figure.findobj(AxesImage):
            picture = image.get_window_extent()
            for text, box in words:
                across = min(box.x1, picture.x1) - max(box.x0, picture.x0)
                down = min(box.y1, picture.y1) - max(box.y0, picture.y0)
                assert across < 1 or down < 2, f"{text.get_text()!r} lies on a picture"


@pytest.mark.parametrize("name", CASES)
def test_the_same_values_give_the_same_bytes_whatever_style_the_user_has_set(name: str) -> None:
    draw, words = CASES[name]
    first, picture = to_svg(draw(720), words=words, name="a"), to_png(draw(720))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.fonttype": "path", "text.color": "pink"}):
        assert to_svg(draw(720), words=words, name="a") == first
        assert to_png(draw(720)) == picture
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", CASES)
def test_an_svg_is_well_formed_has_its_words_and_identifiers_of_its_own(name: str) -> None:
    draw, words = CASES[name]
    svg = to_svg(draw(720), words=words, name="fig-7")
    root = ElementTree.fromstring(svg)
    assert root.find("title").text == words.title  # type: ignore[union-attr]
    assert root.find("desc").text == words.description  # type: ignore[union-attr]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "fig-7-title fig-7-desc"
    identifiers = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(one.startswith("fig-7-") for one in identifiers if one)
    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    assert set(referred) <= set(identifiers)
    assert text_of(svg)


@pytest.mark.parametrize("name", CASES)
def test_every_colour_outside_of_pictures_can_be_set_by_the_page(name: str) -> None:
    draw, words = CASES[name]
    svg = re.sub(r'href="data:[^"]*"', "", to_svg(draw(720), words=words, name="a"))
    bare = re.sub(r"var\(--[\w-]+,#[0-9a-f]{6}\)", "", svg)
    assert not re.search(r"#[0-9a-f]{6}\b", bare)
    assert set(re.findall(r"var\(--([\w-]+),", svg)) <= set(LIGHT)
    assert "2026" not in re.sub(r"<text.*?</text>", "", svg)


@pytest.mark.parametrize("name", CASES)
def test_a_figure_is_light_enough_for_a_page(name: str) -> None:
    assert len(to_svg(CASES[name][0](720), words=CASES[name][1], name="a")) < 45_000


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_text_has_enough_contrast_with_paper(scheme: dict[str, str]) -> None:
    for name, colour in scheme.items():
        if name not in ("paper", "rule"):
            bright, dim = sorted((luminance(colour), luminance(scheme["paper"])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, name
    assert set(LIGHT) == set(DARK)
    assert len(set(LIGHT.values())) == len(LIGHT)  # two names for one colour could not be told apart in a picture


def test_a_notebook_shows_two_pictures_with_no_identifier_in_common() -> None:
    first, second = (to_html(CASES[name][0](720), CASES[name][1]) for name in ("steps", "staircase"))
    identifiers = [set(re.findall(r' id="([^"]*)"', html)) for html in (first, second)]
    assert identifiers[0]
    assert identifiers[1]
    assert not identifiers[0] & identifiers[1]


def test_what_is_plotted_can_be_read_back_from_the_picture() -> None:
    draw, words = CASES["curves: seeds"]
    points = points_of(to_svg(draw(720), words=words, name="a-b"))
    assert {"accuracy-test-mean", "accuracy-test-band", "loss-train-mean", "rate-1", "target", "lowest-held"} <= set(
        points
    )
    line = np.array(points["accuracy-test-mean"]).reshape(-1, 2)
    assert len(line) == 15
    assert np.allclose(np.diff(line[:, 0]), line[1, 0] - line[0, 0], atol=0.011)  # epochs stand evenly
