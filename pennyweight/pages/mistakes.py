"""What the final weights of several runs get wrong: by class, by pair of classes, and by image."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import FEWEST_SEEDS
from pennyweight.reporting.text import plural


def mistake_facts(records: Sequence[RunRecord]) -> dict[str, Any]:
    """Return the hardest class, the pair most often confused, and how many images every run gets wrong.

    Of the runs that evaluated the test images at their end, where one names their classes; nothing where there is none,
    or no mistake.
    """
    looked_at = [one for one in records if one.epochs[-1].test_correct is not None]
    naming = next((one for one in looked_at if one.classes and one.test_class_images), None)
    if naming is None:
        return {}
    classes, counts, runs = naming.classes, naming.test_class_images, len(looked_at)
    named = range(len(classes))
    wrong = [one for run in looked_at for one in run.misclassified if one.label in named and one.predicted in named]
    if not wrong:
        return {}
    missed = Counter(mistake.label for mistake in wrong)
    shares = {label: missed[label] / (runs * count) for label, count in enumerate(counts) if count}
    hardest = max(shares, key=lambda label: (shares[label], -label))
    pairs = Counter((mistake.label, mistake.predicted) for mistake in wrong)
    (label, predicted), most = min(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    overall = len(wrong) / (runs * sum(counts))
    facts: dict[str, Any] = {
        "hardest": classes[hardest],
        "hardest_missed": 100 * shares[hardest],
        "all_missed": 100 * overall,
        "hardest_ratio": shares[hardest] / overall,
        "pair_label": classes[label],
        "pair_predicted": classes[predicted],
        "pair_images": most / runs,
        "pair_words": plural(most, "image") if runs == 1 else f"{most / runs:.1f} images a run",
        "wrong_images": len(wrong) / runs,
    }
    if runs >= FEWEST_SEEDS:
        common = set.intersection(*({mistake.index for mistake in one.misclassified} for one in looked_at))
        facts |= {"common": len(common), "common_share": 100 * len(common) * runs / len(wrong), "common_runs": runs}
    return facts
