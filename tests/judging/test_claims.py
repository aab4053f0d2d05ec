"""Claims of documents: every kind turns when one fact turns, and no verdict is typed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from support import run_record

import pennyweight as pw
from pennyweight.base.claims import (
    Better,
    Channels,
    Contains,
    Convolutions,
    DocumentClaim,
    FirstWith,
    FollowedBy,
    Held,
    LastKernel,
    LayerTable,
    Logged,
    MinimalIncrease,
    NoOverfitting,
    NoRegularization,
    OutputShapes,
    ParameterCount,
    ParameterLimit,
    Reached,
    ReceptiveField,
    Reduction,
    SavedByPooling,
    ShareOfLimit,
    TargetEpoch,
)
from pennyweight.base.records import RunRecord
from pennyweight.judging.claims import CHECKS, check_claim
from pennyweight.judging.facts import FALSE, PARTLY, TRUE, UNCHECKABLE, Facts
from pennyweight.nets.rows import (
    CLASSES,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Relu,
    Residual,
    Rows,
)
from pennyweight.recipes.catalogue import DOCUMENTS, NAMES, RECIPES
from pennyweight.training.optimizers import SGD
from pennyweight.training.recipe import Origin, Recipe

HEAD = (Conv(CLASSES, kernel=1), GlobalAvgPool())
SMALL: Rows = (Conv(4), BatchNorm(), Relu(), MaxPool(), *HEAD)  # 36 + 8 + 40 = 84 parameters
LARGE: Rows = (Conv(40), BatchNorm(), Relu(), MaxPool(), *HEAD)  # 360 + 80 + 400 = 840
NETWORKS: dict[str, Rows] = {
    "small": SMALL,
    "large": LARGE,
    "plain": (Conv(4), Relu(), MaxPool(), *HEAD),
    "linear": (Conv(4), BatchNorm(), GlobalAvgPool(), Linear(CLASSES)),
    "skip": (Conv(4), Residual((Conv(4, padding=1), BatchNorm())), Dropout(0.1), Conv(CLASSES), GlobalAvgPool()),
}


def recipe(name: str, rows: Rows, suggested: tuple[str, ...] = ()) -> Recipe:
    return Recipe(name=name, layers=rows, epochs=3, optimizer=SGD(), origin=Origin("document", suggested=suggested))


def facts(*, suggested: tuple[str, ...] = (), **records: Sequence[RunRecord]) -> Facts:
    recipes = {name: recipe(name, rows, suggested) for name, rows in NETWORKS.items()}
    return Facts(recipes, lambda name: records.get(name, ()))


def runs(*curves: list[int], train: float = 90.0) -> list[RunRecord]:
    records = [run_record(list(curve), seed=seed) for seed, curve in enumerate(curves)]
    return [replace(one, epochs=tuple(replace(row, train_accuracy=train) for row in one.epochs)) for one in records]


GOOD = runs([9_900, 9_940, 9_950], [9_905, 9_945, 9_946], [9_890, 9_942, 9_952], [9_899, 9_943, 9_949])
BAD = runs([9_700, 9_740, 9_750], [9_705, 9_745, 9_746], [9_690, 9_742, 9_752], [9_699, 9_743, 9_749])
BEST = runs([9_980, 9_990, 9_991], [9_981, 9_990, 9_992], [9_980, 9_990, 9_990])
MIXED = runs([9_900, 9_940, 9_950], [9_905, 9_900, 9_946], [9_890, 9_942, 9_952], [9_899, 9_930, 9_949])

TURNING: list[tuple[DocumentClaim, Facts, str, DocumentClaim, Facts, str]] = [
    # a claim that holds, and the same with one fact changed: in what is said, or in what is there
    (ParameterCount("", "small", 84), facts(), TRUE, ParameterCount("", "small", 85), facts(), FALSE),
    (ParameterCount("", "small", 80, 10), facts(), TRUE, ParameterCount("", "small", 90, 10), facts(), FALSE),
    (ParameterLimit("", "small", 84, True), facts(), TRUE, ParameterLimit("", "small", 84, False), facts(), FALSE),
    (ShareOfLimit("", "small", 1_000, 8.4), facts(), TRUE, ShareOfLimit("", "small", 1_000, 8.5), facts(), FALSE),
    (Reduction("", "large", "small", 90.0), facts(), TRUE, Reduction("", "large", "small", 90.1), facts(), FALSE),
    (MinimalIncrease("", "plain", "small"), facts(), TRUE, MinimalIncrease("", "small", "large"), facts(), FALSE),
    (
        LayerTable("", "small", (36, 8, 40), 84),
        facts(),
        TRUE,
        LayerTable("", "small", (36, 8, 40), 94),
        facts(),
        PARTLY,
    ),
    (
        LayerTable("", "small", (36, 8, 41), 85),
        facts(),
        PARTLY,
        LayerTable("", "small", (36, 8, 41), 84),
        facts(),
        FALSE,
    ),
    (
        OutputShapes("", "small", ((4, 26, 26), (4, 13, 13))),
        facts(),
        TRUE,
        OutputShapes("", "small", ((4, 13, 13), (4, 26, 26))),
        facts(),
        PARTLY,
    ),
    (ReceptiveField("", "small", 4), facts(), TRUE, ReceptiveField("", "small", 3), facts(), PARTLY),
    (ReceptiveField("", "small", 4), facts(), TRUE, ReceptiveField("", "small", 5), facts(), FALSE),
    (NoRegularization("", "small"), facts(), TRUE, NoRegularization("", "skip"), facts(), PARTLY),
    (Channels("", "small", (4, 10)), facts(), TRUE, Channels("", "small", (10, 4)), facts(), FALSE),
    (Channels("", "skip", (4, 4, 10)), facts(), TRUE, Channels("", "skip", (4, 10)), facts(), PARTLY),
    (Convolutions("", "skip", 3), facts(), TRUE, Convolutions("", "skip", 2), facts(), FALSE),
    (LastKernel("", "small", 1), facts(), TRUE, LastKernel("", "skip", 1), facts(), FALSE),
    (
        FollowedBy("", "linear", "BatchNorm", True),
        facts(),
        TRUE,
        FollowedBy("", "small", "BatchNorm", True),
        facts(),
        PARTLY,
    ),
    (
        FollowedBy("", "small", "BatchNorm", False),
        facts(),
        TRUE,
        FollowedBy("", "plain", "BatchNorm", False),
        facts(),
        FALSE,
    ),
    (Contains("", "small", "BatchNorm"), facts(), TRUE, Contains("", "plain", "BatchNorm"), facts(), FALSE),
    (Contains("", "small", "Linear", False), facts(), TRUE, Contains("", "linear", "Linear", False), facts(), FALSE),
    (
        FirstWith("", "skip", "Residual", ("small",)),
        facts(),
        TRUE,
        FirstWith("", "small", "BatchNorm", ("large",)),
        facts(),
        PARTLY,
    ),
    (
        FirstWith("", "linear", "Linear", ("small",)),
        facts(),
        TRUE,
        FirstWith("", "small", "Linear", ()),
        facts(),
        FALSE,
    ),
    (SavedByPooling("", "small", 50), facts(), TRUE, SavedByPooling("", "small", 500), facts(), FALSE),
    (
        Reached("", "small", 99.5, "test", "final"),
        facts(small=GOOD),
        TRUE,
        Reached("", "small", 99.5, "test", "final"),
        facts(small=BAD),
        FALSE,
    ),
    (
        Reached("", "small", 99.5, "test", "best"),
        facts(small=GOOD),
        TRUE,
        Reached("", "small", 99.5, "test", "best"),
        facts(small=BAD, suggested=("optimizer",)),
        UNCHECKABLE,
    ),
    (
        Reached("", "small", 99.5, "test", "final"),
        facts(small=GOOD),
        TRUE,
        Reached("", "small", 99.5, "test", "final"),
        facts(small=GOOD[:2]),
        UNCHECKABLE,
    ),
    (
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=GOOD),
        TRUE,
        TargetEpoch("", "small", 99.4, "test", 3),
        facts(small=GOOD),
        FALSE,
    ),
    (
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=GOOD),
        TRUE,
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=BAD * 3),
        FALSE,
    ),
    (
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=GOOD),
        TRUE,
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=BAD),
        UNCHECKABLE,
    ),
    (
        Held("", "small", 99.4, "test", 1, 2),
        facts(small=runs(*[[9_940, 9_940]] * 4)),
        TRUE,
        Held("", "small", 99.4, "test", 1, 2, included=False),
        facts(small=runs(*[[9_940, 9_940]] * 4)),
        FALSE,
    ),
    (
        Reached("", "small", 99.5, "test", "final"),
        facts(small=GOOD),
        TRUE,
        Reached("", "small", 99.5, "test", "final"),
        facts(small=runs([9_000], [9_500], [9_990])),
        UNCHECKABLE,
    ),
    (
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=GOOD),
        TRUE,
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=BAD),
        FALSE,
    ),
    (
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=GOOD),
        TRUE,
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=[*GOOD, *MIXED[:1], MIXED[1]]),
        UNCHECKABLE,
    ),
    (
        NoOverfitting("", "small", "test"),
        facts(small=GOOD),
        TRUE,
        NoOverfitting("", "small", "test"),
        facts(small=runs([9_900, 9_940, 9_950], [9_900, 9_940, 9_951], [9_900, 9_940, 9_949], train=99.9)),
        FALSE,
    ),
    (
        Better("", "small", ("large",), "test"),
        facts(small=GOOD, large=BAD),
        TRUE,
        Better("", "small", ("large",), "test"),
        facts(small=BAD, large=GOOD),
        FALSE,
    ),
    (
        Better("", "small", ("large",), "test"),
        facts(small=GOOD, large=BAD),
        TRUE,
        Better("", "small", ("large", "plain"), "test"),
        facts(small=GOOD, large=BAD, plain=MIXED),
        UNCHECKABLE,
    ),
    (
        Better("", "small", ("large", "plain"), "test"),
        facts(small=MIXED, large=BAD, plain=GOOD),
        UNCHECKABLE,
        Better("", "small", ("large", "plain"), "test"),
        facts(small=GOOD, large=BAD, plain=BEST),
        PARTLY,
    ),
    (
        Better("", "small", ("large",), "test"),
        facts(small=BAD, large=GOOD),
        FALSE,
        Better("", "small", ("large",), "test"),
        facts(suggested=("schedule",), small=BAD, large=GOOD),
        UNCHECKABLE,
    ),
    (
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=GOOD),
        TRUE,
        TargetEpoch("", "small", 99.4, "test", 2),
        facts(small=[*GOOD[:2], *BAD]),
        PARTLY,
    ),
    (
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=GOOD[:3]),
        TRUE,
        Held("", "small", 99.4, "test", 2, 3),
        facts(small=GOOD[:2]),
        UNCHECKABLE,
    ),
    (Logged("", (99.4, 99.41), 99.4, 0.01), facts(), TRUE, Logged("", (99.3, 99.41), 99.4, 0.01), facts(), PARTLY),
    (Logged("", (99.5, 99.6), 99.4, 0.1), facts(), TRUE, Logged("", (99.4, 99.6), 99.4, 0.1), facts(), UNCHECKABLE),
]


@pytest.mark.parametrize(
    ("claim", "there", "verdict", "other", "otherwise", "turned"),
    TURNING,
    ids=[f"{type(case[0]).__name__}-{number}" for number, case in enumerate(TURNING)],
)
def test_one_changed_fact_turns_the_verdict(
    claim: DocumentClaim, there: Facts, verdict: str, other: DocumentClaim, otherwise: Facts, turned: str
) -> None:
    found, after = check_claim(claim, there), check_claim(other, otherwise)
    assert (found.verdict, after.verdict) == (verdict, turned), (found.reason, after.reason)
    assert found.kind == type(claim).__name__
    assert found.reason
    assert after.reason


def test_what_a_reconstruction_was_built_to_give_it_does_not_confirm() -> None:
    origin = Origin("document", suggested=("layers",), reconstructed=True)
    rebuilt = Facts({"small": replace(recipe("small", SMALL), origin=origin)}, lambda name: ())
    for claim, verdict in (
        (ParameterCount("", "small", 84), UNCHECKABLE),
        (Contains("", "small", "BatchNorm"), UNCHECKABLE),
        (ParameterCount("", "small", 85), FALSE),
        (ParameterLimit("", "small", 84, True), TRUE),
    ):
        assert check_claim(claim, rebuilt).verdict == verdict


def test_every_kind_has_one_check_and_is_turned_above() -> None:
    kinds = set(DocumentClaim.__subclasses__())
    assert set(CHECKS) == kinds
    assert {type(case[0]) for case in TURNING} == kinds


@pytest.mark.parametrize("title", DOCUMENTS)
def test_every_claim_of_the_documents_is_checked(title: str) -> None:
    checked = pw.claims(title.split()[0])[title]
    assert [one.claim for one in checked] == list(DOCUMENTS[title])
    assert {one.verdict for one in checked} <= {TRUE, FALSE, PARTLY, UNCHECKABLE}
    assert all(one.claim.quote for one in checked)
    assert len({one.claim for one in checked}) == len(checked)


def test_claims_name_published_recipes_alone() -> None:
    for said in DOCUMENTS.values():
        for claim in said:
            named = [getattr(claim, field) for field in ("recipe", "large", "small") if hasattr(claim, field)]
            assert {*named, *getattr(claim, "others", ()), *getattr(claim, "earlier", ())} <= set(NAMES), claim


VERDICTS: list[tuple[str, Callable[[DocumentClaim], bool], str]] = [
    ("000", lambda one: one.quote == "Parameters: 6,188", TRUE),
    ("000", lambda one: "7,432" in one.quote, FALSE),
    ("000", lambda one: "7,984" in one.quote, FALSE),
    ("000", lambda one: "8→12→16→8→12→10" in one.quote, PARTLY),
    ("000", lambda one: "after each convolution" in one.quote, PARTLY),
    ("001", lambda one: "~19K parameters" in one.quote, FALSE),
    ("001", lambda one: "<20K" in one.quote, FALSE),
    ("001", lambda one: "95%+" in one.quote, FALSE),
    ("001", lambda one: one.quote == "Total params: ~19,000", PARTLY),
    ("001", lambda one: "Large FC layers" in one.quote, PARTLY),
    ("003", lambda one: "28x28 coverage" in one.quote, PARTLY),
    ("003", lambda one: "~2,400" in one.quote, FALSE),
    ("004", lambda one: "1 * 1 on last layer" in one.quote, FALSE),
    ("004", lambda one: "Dropout added after each" in one.quote, PARTLY),
    ("004", lambda one: "Add new features" in one.quote, PARTLY),
    ("004", lambda one: ".994" in one.quote, UNCHECKABLE),
]


@pytest.mark.parametrize(("document", "wanted", "verdict"), VERDICTS)
def test_the_contradictions_of_the_documents_are_found(
    document: str, wanted: Callable[[DocumentClaim], bool], verdict: str
) -> None:
    (checked,) = pw.claims(document).values()
    found = [one for one in checked if wanted(one.claim)]
    assert found
    assert {one.verdict for one in found} == {verdict}, [one.reason for one in found]


def test_without_records_nothing_is_said_of_accuracies() -> None:
    nothing = Facts({one.name: one for one in RECIPES}, lambda name: [])
    for said in DOCUMENTS.values():
        for claim in said:
            if hasattr(claim, "split"):
                assert check_claim(claim, nothing).verdict == UNCHECKABLE, claim
