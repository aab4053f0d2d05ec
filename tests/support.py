"""What several test files need: records and rows made up in memory, and strategies that generate them."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pennyweight.base.budget import Budget
from pennyweight.base.record_text import _unsealed, sealed, to_json
from pennyweight.base.records import EpochRow, Provenance, RunRecord, Verdict
from pennyweight.data.sources import MNIST
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.settings.keys import KINDS, settings_of
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import Recipe

MNIST_SHAPE = (1, 28, 28)
BUDGET = Budget(dataset="mnist", max_params=8_000, max_epochs=15, accuracy=99.4, hold_epochs=3)

TINY = Recipe(
    name="tiny",
    layers=(Conv(4, stride=2), BatchNorm(), Relu(), MaxPool(), Dropout(0.1), Conv(CLASSES), GlobalAvgPool()),
    epochs=2,
    optimizer=SGD(learning_rate=0.1, momentum=0.9),
    batch_images=64,
    budgets=(Budget(dataset="digits", max_params=1_000, max_epochs=5, accuracy=1.0, hold_epochs=2, reason="Made up."),),
)
"""404 parameters: an epoch of the embedded digits takes a moment."""


def mnist_plan(layers: Layers) -> Plan:
    """Return the plan of a network that reads MNIST."""
    return make_plan(layers, 10, MNIST_SHAPE)


PROVENANCE = Provenance(
    pennyweight="0.1.0",
    commit="0123456789ab",
    python="3.11.7",
    numpy="2.4.6",
    engine="torch 2.13.0",
    device="cpu",
    threads=1,
    cpu="a processor, 2 cores",
    platform="Linux",
    dataset_digest=MNIST.content,
    started="2026-01-01T00:00:00+00:00",
)


def epoch_row(
    epoch: int,
    *,
    test: int | None = None,
    val: int | None = None,
    images: int = 10_000,
    learning_rate: float = 0.1,
    seconds: float = 2.0,
) -> EpochRow:
    """Return an epoch after which `test` and `val` of `images` were right, None where nothing was measured."""
    return EpochRow(
        epoch=epoch,
        train_loss=1.0 / epoch,
        train_accuracy=90.0,
        val_loss=None if val is None else 0.5,
        val_accuracy=None if val is None else 100 * val / images,
        val_correct=val,
        test_loss=None if test is None else 0.5,
        test_accuracy=None if test is None else 100 * test / images,
        test_correct=test,
        learning_rate=learning_rate,
        seconds=seconds,
    )


def run_record(
    test: list[int | None] | None = None,
    *,
    val: list[int | None] | None = None,
    params: int = 6_188,
    images: int = 10_000,
    seed: int = 0,
) -> RunRecord:
    """Return a record whose epochs ended with these numbers of correct images."""
    test_counts: list[int | None] = [None] * len(val or []) if test is None else test
    val_counts: list[int | None] = [None] * len(test_counts) if val is None else val
    rows = [
        epoch_row(number, test=t, val=v, images=images)
        for number, (t, v) in enumerate(zip(test_counts, val_counts, strict=True), start=1)
    ]
    return RunRecord(
        recipe="made-up",
        changes=(),
        seed=seed,
        engine="torch",
        dataset="mnist",
        params=params,
        train_images=60_000,
        val_images=0 if val is None else images,
        test_images=images,
        epochs=tuple(rows),
        verdict=Verdict(None, "mnist", "test"),
        misclassified=(),
        weights_sha256="0" * 64,
        provenance=PROVENANCE,
    )


def with_folder(record: RunRecord, folder: str) -> RunRecord:
    """Return the record as if read from `folder`."""
    return replace(record, folder=folder)


def edit_record(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of a run as someone who knows of its digest."""
    path = folder / "record.json"
    held = json.loads(path.read_text())
    change(held)
    path.write_text(to_json(sealed(_unsealed(held))))


def mutants(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` copies with one piece flipped, replaced, cut off, inserted, deleted, doubled or zeroed."""
    draw = random.Random(seed)
    for number in range(count):
        at, length = draw.randrange(len(content)), draw.randint(1, 40)
        before, piece, after = content[:at], content[at : at + length], content[at + length :]
        yield (
            before + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :],
            before + draw.randbytes(1) + content[at + 1 :],
            before,
            before + draw.randbytes(length) + piece + after,
            before + after,
            before + piece + piece + after,
            before + bytes(len(piece)) + after,
        )[number % 7]


def every_setting(*recipes: Recipe) -> list[tuple[Recipe, str]]:
    """Return every key that `-s` can change, each of every kind of part, with the first recipe that has it."""
    found: dict[tuple[type, str], tuple[Recipe, str]] = {}
    for recipe in recipes:
        for key in settings_of(recipe):
            if key not in KINDS:
                found.setdefault((type(getattr(recipe, key.partition(".")[0])), key), (recipe, key))
    return list(found.values())


counts = st.integers(1, 200)
rates = st.floats(0, 0.999, allow_nan=False)
convolutions = st.builds(
    Conv,
    channels=st.one_of(counts, st.just(CLASSES)),
    kernel=st.integers(1, 31),
    padding=st.integers(0, 30),
    stride=st.integers(1, 8),
    bias=st.booleans(),
)
depthwise = st.builds(
    Depthwise, kernel=st.integers(1, 31), padding=st.integers(0, 30), stride=st.integers(1, 8), bias=st.booleans()
)
plain_rows: st.SearchStrategy[Layer] = st.one_of(
    convolutions,
    depthwise,
    st.builds(BatchNorm),
    st.builds(Relu),
    st.builds(MaxPool, size=counts),
    st.builds(AvgPool, size=counts),
    st.builds(GlobalAvgPool),
    st.builds(Dropout, rate=rates),
    st.builds(Linear, features=st.one_of(counts, st.just(CLASSES)), bias=st.booleans()),
)
any_row: st.SearchStrategy[Layer] = st.recursive(
    plain_rows,
    lambda inner: st.builds(
        Residual,
        body=st.lists(inner, max_size=3).map(tuple),
        shortcut=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=8,
)
"""Layers of every kind, nested; most of these networks could not run."""

_keeps_shape = st.one_of(
    st.builds(BatchNorm),
    st.builds(Relu),
    st.builds(Dropout, rate=rates),
    st.sampled_from([(3, 1), (1, 0), (5, 2)]).map(lambda one: Depthwise(kernel=one[0], padding=one[1])),
)
_body = st.recursive(
    st.lists(_keeps_shape, max_size=3).map(tuple),
    lambda inner: st.tuples(inner, inner, inner).map(lambda parts: (*parts[0], Residual(parts[1], parts[2]))),
    max_leaves=4,
)
networks = st.tuples(st.integers(1, 8), _body, st.booleans(), _body).map(
    lambda parts: (
        Conv(parts[0], kernel=3, stride=2),
        *parts[1],
        *((MaxPool(2),) if parts[2] else ()),
        *parts[3],
        Conv(CLASSES, kernel=1),
        GlobalAvgPool(),
    )
)
"""Networks that make_plan accepts, with residuals inside residuals."""
