"""The table of sentences: what may be said of a step, when, and of which figures.

A rule is printed where every figure it needs is there (`facts.py`) and its condition holds. Rules whose names start
alike exclude each other. Where an interval decides, `shown` is that it leaves out zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pennyweight.judging.compare import SIGNIFICANT
from pennyweight.pages.facts import Facts

NOTICEABLE = 0.005
"""Points that are 0.01 when rounded."""
OUTSTANDING = 1.75
"""How many times the mean of all classes the hardest one is missed before it is named."""
CLEARLY = 1.25
"""How many times another a spread has to be before it is called larger."""
SHARED = 15.0
"""Per cent of a run's mistakes that all runs share before they are called the images' own."""


@dataclass(frozen=True)
class Rule:
    """A sentence with the names of the figures that it and its condition need."""

    name: str
    needs: tuple[str, ...]
    holds: Callable[[Facts], bool]
    words: str


GAIN = ("gain", "gain_low", "gain_high", "n", "n_before", "before", "cause", "cost", "split")
INTERVAL = "(95 % {gain_low:+z.2f} to {gain_high:+z.2f}, {n} seeds against {n_before})"
SAME_IMAGES = ("gain", "mended", "spoilt", "same_images_p", "before", "cause", "cost", "split")
END = ("end", "swing", "earlier_swing", "calmer_low", "constant", "schedule", "last_rate", "split", "n")
SWINGS = (
    "within the last {end} epochs it moves by {swing:.2f} points, within the {end} before them by {earlier_swing:.2f} "
    "(highest less lowest, mean of {n} seeds)"
)

RULES: tuple[Rule, ...] = (
    # ------------------------------------------------------------------------ what changed, and what that gains
    Rule(
        "change: gains, one cause",
        (*GAIN, "changes"),
        lambda f: f["gain_low"] > 0 and f["changes"] == 1,
        "From {before}, {cause} gains {gain:.2f} points of {split} accuracy " + INTERVAL + ", for {cost}.",
    ),
    Rule(
        "change: gains, several causes",
        (*GAIN, "changes"),
        lambda f: f["gain_low"] > 0 and f["changes"] > 1,
        "The {cause} from {before} together gain {gain:.2f} points of {split} accuracy "
        + INTERVAL
        + ", for {cost}; which of them does it, these runs do not tell.",
    ),
    Rule(
        "change: loses",
        GAIN,
        lambda f: f["gain_high"] < 0,
        "Against {before} ({cause}) {split} accuracy falls: {gain:+z.2f} points " + INTERVAL + ", for {cost}.",
    ),
    Rule(
        "change: not shown",
        GAIN,
        lambda f: f["gain_low"] <= 0 <= f["gain_high"],
        "Against {before} ({cause}) no difference in {split} accuracy is shown: {gain:+z.2f} points "
        + INTERVAL
        + ", for {cost}.",
    ),
    Rule(
        "change: two networks differ",
        SAME_IMAGES,
        lambda f: f["same_images_p"] < SIGNIFICANT,
        "Against {before} ({cause}) this network gets {mended} images right that the other gets wrong, and {spoilt} "
        "wrong that the other gets right: {gain:+z.2f} points of {split} accuracy (McNemar's exact p "
        "{same_images_p:.2g}), for {cost}. One run of each does not tell whether other seeds would.",
    ),
    Rule(
        "change: two networks alike",
        SAME_IMAGES,
        lambda f: f["same_images_p"] >= SIGNIFICANT,
        "Against {before} ({cause}) no difference is shown on the same images: {mended} mended, {spoilt} spoilt, "
        "{gain:+z.2f} points of {split} accuracy (McNemar's exact p {same_images_p:.2g}), for {cost}.",
    ),
    Rule(
        "walk: gains",
        ("walk_from", "walk_shown"),
        lambda f: True,
        "One change at a time from {walk_from}, the points are gained by {walk_shown}.",
    ),
    Rule(
        "walk: nothing shown",
        ("walk_shown", "walk_others"),
        lambda f: True,
        "No gain of its own is shown for {walk_others}.",
    ),
    # --------------------------------------------------------------------------------------------- the target
    Rule(
        "size: beyond its limit",
        ("params", "cap", "cap_share", "beyond_cap"),
        lambda f: f["beyond_cap"],
        "{params:,} parameters where at most {cap:,} are allowed, {cap_share:.1f} % of the limit: no training can keep "
        "this budget.",
    ),
    Rule(
        "target: reached by all",
        ("aim", "reached", "n", "first_epoch", "all_runs", "median", "split"),
        lambda f: f["reached"] == f["n"],
        "{aim} {split} accuracy is reached by {all_runs}, first in epoch {first_epoch:g}{median}.",
    ),
    Rule(
        "target: reached by some",
        ("aim", "reached", "n", "first_epoch", "best_of_all", "split"),
        lambda f: 0 < f["reached"] < f["n"],
        "{aim} {split} accuracy is reached by {reached} of {n} seeds, by those first in epoch {first_epoch:g} "
        "(median); the best epoch of all is at {best_of_all:.2f} %.",
    ),
    Rule(
        "target: not reached",
        ("aim", "reached", "best_of_all", "final", "runs", "mean", "split"),
        lambda f: f["reached"] == 0,
        "{aim} {split} accuracy is not reached: the best epoch of {runs} is at {best_of_all:.2f} %, the last at "
        "{final:.2f} %{mean}.",
    ),
    Rule(
        "hold: too short",
        ("hold", "shortest"),
        lambda f: f["shortest"] < f["hold"],
        "Trained for {shortest} of the {hold} epochs in each of which the budget's accuracy has to hold, which is too "
        "few.",
    ),
    Rule(
        "hold: by all",
        ("limit", "hold", "kept", "n", "lowest_of_all", "all_runs"),
        lambda f: f["kept"] == f["n"] and f["hold"] > 1,
        "Held to the end by {all_runs}: none of the last {hold} epochs is below {limit:g} %, the lowest is at "
        "{lowest_of_all:.2f} %.",
    ),
    Rule(
        "hold: by some",
        ("limit", "hold_words", "kept", "n", "lowest_of_all", "margin_words"),
        lambda f: 0 < f["kept"] < f["n"],
        "{kept} of {n} seeds are at {limit:g} % or more in {hold_words}; the lowest accuracy there is {margin_words} "
        "in the mean of all seeds, and {lowest_of_all:.2f} % in the worst.",
    ),
    Rule(
        "hold: by none",
        ("limit", "hold_words", "kept", "margin_words", "best_of_all", "mean"),
        lambda f: f["kept"] == 0 and f["best_of_all"] >= f["limit"],
        "{limit:g} % is reached, but not held: the best epoch is at {best_of_all:.2f} %, the lowest accuracy in "
        "{hold_words} is {margin_words}{mean}.",
    ),
    # ------------------------------------------------------------------------------------------------ the end
    Rule(
        "end: settles with the rate",
        END,
        lambda f: f["calmer_low"] > 0 and not f["constant"],
        "{schedule} ends at a rate of {last_rate:.2g}, and the accuracy settles: " + SWINGS + ".",
    ),
    Rule(
        "end: settles at a constant rate",
        END,
        lambda f: f["calmer_low"] > 0 and f["constant"],
        "Even at {schedule} the accuracy grows calmer: " + SWINGS + ".",
    ),
    Rule(
        "end: no settling at a constant rate",
        END,
        lambda f: f["calmer_low"] <= 0 and f["constant"],
        "At {schedule} the accuracy is not shown to settle: "
        + SWINGS
        + ", so the epoch a run happens to end in decides that much.",
    ),
    Rule(
        "end: no settling",
        END,
        lambda f: f["calmer_low"] <= 0 and not f["constant"],
        "{schedule} ends at a rate of {last_rate:.2g}, yet the accuracy is not shown to settle: " + SWINGS + ".",
    ),
    Rule(
        "end: of one run",
        ("end", "swing", "earlier_swing", "schedule", "split", "n"),
        lambda f: f["n"] == 1,
        "With {schedule} the {split} accuracy of this one run moves by {swing:.2f} points within the last {end} "
        "epochs, by {earlier_swing:.2f} within the {end} before them.",
    ),
    Rule(
        "drop: gains",
        ("drop", "drop_low", "drop_high", "drop_epochs", "drop_from", "drop_to"),
        lambda f: f["drop_low"] > 0,
        "The first drop of the learning rate, from {drop_from:g} to {drop_to:g} in {drop_epochs}, brings {drop:.2f} "
        "points from one epoch to the next (95 % {drop_low:+z.2f} to {drop_high:+z.2f}).",
    ),
    Rule(
        "drop: not shown",
        ("drop", "drop_low", "drop_high", "drop_epochs", "drop_from", "drop_to"),
        lambda f: f["drop_low"] <= 0,
        "The first drop of the learning rate, from {drop_from:g} to {drop_to:g} in {drop_epochs}, is not shown to help "
        "at once: {drop:+z.2f} points (95 % {drop_low:+z.2f} to {drop_high:+z.2f}).",
    ),
    Rule(
        "averaging: gains",
        ("averaging", "averaging_low", "averaging_high"),
        lambda f: f["averaging_low"] > 0,
        "Averaging the weights is worth {averaging:.3f} points at the end (95 % {averaging_low:+z.3f} to "
        "{averaging_high:+z.3f}, against the unaveraged weights of the same runs).",
    ),
    Rule(
        "averaging: not shown",
        ("averaging", "averaging_low", "averaging_high"),
        lambda f: f["averaging_low"] <= 0,
        "Averaging the weights is not shown to help at the end: {averaging:+z.3f} points (95 % {averaging_low:+z.3f} "
        "to {averaging_high:+z.3f}, against the unaveraged weights of the same runs).",
    ),
    # ------------------------------------------------------------------------------------------------ the gap
    Rule(
        "fit: below the target",
        ("clean", "target"),
        lambda f: f["clean"] < f["target"],
        "The network classifies {clean:.2f} % of its own training images correctly, without augmentation or dropout, "
        "which is less than {target:g} %: more regularization alone will not reach it.",
    ),
    Rule(
        "overfitting: shown",
        ("clean", "final", "gap", "gap_low", "gap_high", "split", "runs"),
        lambda f: f["gap_low"] > 0,
        "It knows its training images better than new ones, by {gap:.2f} points (95 % {gap_low:+z.2f} to "
        "{gap_high:+z.2f}, {runs}): {clean:.2f} % of them, clean, against {final:.2f} % of the {split} images.",
    ),
    Rule(
        "overfitting: not shown",
        ("clean", "final", "gap", "gap_low", "gap_high", "split", "runs"),
        lambda f: f["gap_low"] <= 0,
        "No overfitting is shown: {clean:.2f} % of the training images, clean, against {final:.2f} % of the {split} "
        "images, {gap:+z.2f} points (95 % {gap_low:+z.2f} to {gap_high:+z.2f}, {runs}).",
    ),
    Rule(
        "overfitting: shown in one run",
        ("clean", "final", "images", "final_least", "final_most", "split"),
        lambda f: f["clean"] > f["final_most"],
        "This run knows its training images better than new ones: {clean:.2f} % of them, clean, against {final:.2f} % "
        "of {images:,} {split} images (95 % {final_least:.2f} to {final_most:.2f}, by their number).",
    ),
    Rule(
        "overfitting: not shown in one run",
        ("clean", "final", "images", "final_least", "final_most", "split"),
        lambda f: f["clean"] <= f["final_most"],
        "No overfitting is shown in this run: {clean:.2f} % of the training images, clean, against {final:.2f} % of "
        "{images:,} {split} images (95 % {final_least:.2f} to {final_most:.2f}, by their number).",
    ),
    Rule(
        "overfitting: by the running figure alone",
        ("running", "running_gap", "final", "split", "n"),
        lambda f: "clean" not in f,
        "Not every record holds the accuracy on clean training images; the running training accuracy of the last epoch "
        "is {running:.2f} %, against {final:.2f} % of the {split} images ({running_gap:+z.2f} points, mean of {n}).",
    ),
    Rule(
        "running: harder than the test",
        ("running", "running_gap", "clean", "hardening", "split"),
        lambda f: f["running_gap"] < 0 < f["clean"] - f["running"],
        "Training is harder than the test: with {hardening} on, the running accuracy of the last epoch is "
        "{running:.2f} %, {running_gap:+z.2f} points against the {split} images; on the same images, clean, it is "
        "{clean:.2f} %.",
    ),
    # ------------------------------------------------------------------------- how sure, and what goes wrong
    Rule(
        "optimism: of the best epoch",
        ("optimism", "claimed", "best", "mean", "split"),
        lambda f: f["claimed"] == "best" and f["optimism"] > NOTICEABLE,
        "The best epoch, which the document reports, is chosen on the {split} images: {best:.2f} %{mean}, "
        "{optimism:.2f} points above the last epoch, which a user would get.",
    ),
    Rule(
        "spread: seeds more than images",
        ("final_std", "sampling_error", "n", "images", "final"),
        lambda f: f["final_std"] > f["sampling_error"] * CLEARLY,
        "From seed to seed the last epoch varies by {final_std:.3f} points about {final:.2f} % (standard deviation of "
        "{n}), more than drawing other {images:,} images would ({sampling_error:.3f}): one run says little.",
    ),
    Rule(
        "spread: seeds as much as images",
        ("final_std", "sampling_error", "n", "images", "final"),
        lambda f: f["sampling_error"] / CLEARLY <= f["final_std"] <= f["sampling_error"] * CLEARLY,
        "From seed to seed the last epoch varies by {final_std:.3f} points about {final:.2f} % (standard deviation of "
        "{n}), about as much as drawing other {images:,} images would ({sampling_error:.3f}).",
    ),
    Rule(
        "spread: images more than seeds",
        ("final_std", "sampling_error", "n", "images", "final"),
        lambda f: f["final_std"] < f["sampling_error"] / CLEARLY,
        "From seed to seed the last epoch varies by {final_std:.3f} points about {final:.2f} % (standard deviation of "
        "{n}), less than drawing other {images:,} images would ({sampling_error:.3f}): for a surer figure, more images "
        "rather than more seeds.",
    ),
    Rule(
        "classes: one is hardest",
        ("hardest", "hardest_missed", "all_missed", "hardest_ratio", "pair_label", "pair_predicted", "pair_words"),
        lambda f: f["hardest_ratio"] >= OUTSTANDING,
        "Class {hardest} is the hardest: {hardest_missed:.2f} % of its test images are missed, {all_missed:.2f} % of "
        "all; most often {pair_label} is taken for {pair_predicted} ({pair_words}).",
    ),
    Rule(
        "classes: none stands out",
        ("hardest", "hardest_missed", "all_missed", "hardest_ratio", "pair_label", "pair_predicted", "pair_words"),
        lambda f: f["hardest_ratio"] < OUTSTANDING,
        "No class stands out: {hardest_missed:.2f} % of the test images of {hardest}, the hardest, are missed, "
        "{all_missed:.2f} % of all; most often {pair_label} is taken for {pair_predicted} ({pair_words}).",
    ),
    Rule(
        "mistakes: shared",
        ("common", "common_share", "common_runs", "wrong_images"),
        lambda f: f["common_share"] >= SHARED,
        "{common} test images are wrong in every one of {common_runs} seeds, {common_share:.0f} % of the "
        "{wrong_images:.1f} that a run gets wrong: training again does not mend these.",
    ),
    Rule(
        "mistakes: each run its own",
        ("common", "common_share", "common_runs", "wrong_images"),
        lambda f: f["common_share"] < SHARED,
        "Of the {wrong_images:.1f} test images that a run gets wrong, {common} are wrong in every one of "
        "{common_runs} seeds ({common_share:.0f} %): nearly all mistakes are those of a seed.",
    ),
)
