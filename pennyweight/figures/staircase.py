"""An ablation as a staircase: the accuracy after each change, and what the change gained with its interval."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pennyweight.base.errors import UsageError
from pennyweight.base.stats import Difference
from pennyweight.figures import layout, style
from pennyweight.figures.labels import fitted, text_width
from pennyweight.figures.plane import IMAGES
from pennyweight.figures.scales import SAME_DISTANCE, accuracy_axis, height
from pennyweight.figures.words import Words, percent
from pennyweight.judging.ablation import AblationStep

FRAME = "axes fraction", "data"


@style.drawn
def staircase(steps: Sequence[AblationStep], *, width: int = 720) -> Figure:
    """Draw the steps downwards: a dot for the mean accuracy with its interval, a bar from the one before.

    A gain whose interval holds zero is drawn hollow: nothing is shown. Raises UsageError without steps.
    """
    if not steps:
        raise UsageError("There are no steps to draw.")
    phone = width < style.PHONE
    row, top = (56, 30) if phone else (38, 34)
    right = 96 if phone else 190
    left = 6 if phone else min(20 + max(text_width(step.words, style.TEXT) for step in steps), 0.42 * width)
    figure = layout.canvas(width, top + row * len(steps) + 44)
    axes = layout.panel(figure, left, top, width - left - right, row * len(steps))
    axes.grid(visible=False)
    shown = [value for step in steps for value in (step.final.mean, *_interval(step))]
    accuracy_axis(axes, shown, IMAGES, width - left - right, across=True)
    axes.set(ylim=(len(steps) - 0.5, -0.5), yticks=[])
    places = [float(height(step.final.mean, IMAGES)) for step in steps]
    for number, (step, place) in enumerate(zip(steps, places, strict=True)):
        y = number + (0.2 if phone else 0)
        if number:
            _rise(axes, step, (places[number - 1], place), y)
        if number and not phone:  # there the names of the steps are in the way
            thread = places[number - 1], places[number - 1]
            axes.plot(thread, (y - 1, y - 0.22), color=style.QUIET, linewidth=1, dashes=(1, 2))
        axes.plot(height(_interval(step), IMAGES), (y, y), color=style.INK, linewidth=1, gid=f"interval-{number}")
        axes.plot(place, y, "o", color=style.INK, markersize=5, gid=f"step-{number}")
        layout.write(
            axes,
            fitted(step.words, style.TEXT, width - 8 if phone else left - 12),
            (0, number - 0.22 if phone else y),
            (0 if phone else -left, 0),
            FRAME,
        )
        _figures(axes, step, y, right if not phone else 0)
    if not phone:
        layout.write(axes, "change", (0, 1), (-left, 12), line="baseline", color=style.QUIET)
        layout.write(axes, "95 % interval", (1, 1), (right, 12), align="right", line="baseline", color=style.QUIET)
    layout.write(axes, "mean", (1, 1), (46, 12), align="right", line="baseline", color=style.QUIET)
    layout.write(axes, "gain", (1, 1), (94, 12), align="right", line="baseline", color=style.QUIET)
    layout.below(axes, "final test accuracy, %")
    return figure


def staircase_words(steps: Sequence[AblationStep]) -> Words:
    """Return what `staircase` shows of the same steps, in words."""
    gains = [(step.gain, step.words) for step in steps if step.gain is not None and _shown(step.gain)]
    title = "No single change is shown to gain anything"
    if gains:
        gain, words = max(gains, key=lambda one: one[0].mean)
        title = f"Most is gained by {words.removeprefix('+ ')}: {gain.mean:.2f} points"
        title += f" (95 % {gain.low:.2f} to {gain.high:.2f})"
    rows = "; ".join(_row(step) for step in steps)
    return Words(title, f"Mean final test accuracy after each change, with 95 % intervals; {SAME_DISTANCE}. {rows}.")


def _figures(axes: Axes, step: AblationStep, y: float, interval_right: float) -> None:
    layout.write(axes, percent(step.final.mean), (1, y), (46, 0), FRAME, align="right")
    if step.gain is not None:
        layout.write(axes, f"{step.gain.mean:+.2f}", (1, y), (94, 0), FRAME, align="right", color=_color(step.gain))
    if step.gain is not None and interval_right:
        words = f"{step.gain.low:+.2f} to {step.gain.high:+.2f}"
        layout.write(
            axes, words, (1, y), (interval_right, 0), FRAME, align="right", color=style.QUIET, size=style.SMALL
        )


def _rise(axes: Axes, step: AblationStep, places: tuple[float, float], y: float) -> None:
    """Draw a change as a bar from the accuracy before it to the one after."""
    (before, after), color = places, _color(step.gain)
    filled = step.gain is not None and _shown(step.gain)
    box = (min(before, after), y - 0.22), abs(after - before), 0.44
    if filled:
        axes.add_patch(Rectangle(*box, facecolor=color, alpha=0.3, linewidth=0, gid=f"gain-{int(y)}"))
    axes.add_patch(Rectangle(*box, facecolor="none", edgecolor=color, linewidth=1))


def _interval(step: AblationStep) -> tuple[float, float]:
    return (step.final.low, step.final.high) if step.final.n > 1 else (step.final.mean, step.final.mean)


def _shown(gain: Difference) -> bool:
    return gain.low > 0 or gain.high < 0


def _color(gain: Difference | None) -> str:
    if gain is None or not _shown(gain):
        return style.QUIET
    return style.OURS if gain.mean > 0 else style.BREACH


def _row(step: AblationStep) -> str:
    text = f"{step.words}, {percent(step.final.mean)} %"
    if step.gain is None:
        return text
    interval = f"95 % {step.gain.low:+.2f} to {step.gain.high:+.2f}"
    return f"{text}, gain {step.gain.mean:+.2f} ({interval}{'' if _shown(step.gain) else ', not shown'})"
