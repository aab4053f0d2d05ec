"""The torch engine: its steps are those of plain PyTorch, and depend on the step alone."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from pennyweight.base.errors import EnvironmentRefused, UsageError
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Linear, MaxPool, Relu, Rows
from pennyweight.nets.torch_module import PlanModule, torch_module
from pennyweight.training.engine import Job, State, check_batches, initial_state, steps_of
from pennyweight.training.engines import ENGINES, Choice, choose_engine, make_engine
from pennyweight.training.evaluation import evaluate, logits_of, score
from pennyweight.training.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer

PLAIN: Rows = (Conv(4, stride=2), BatchNorm(), Relu(), MaxPool(), Conv(CLASSES), GlobalAvgPool())
DROPPING: Rows = (Conv(4, stride=2), Relu(), Dropout(0.5), GlobalAvgPool(), Linear(CLASSES))
GENERATOR = np.random.default_rng(11)
IMAGES = GENERATOR.integers(0, 256, (50, 28, 28), dtype=np.uint8)
LABELS = GENERATOR.integers(0, 10, 50).astype(np.uint8)
MEAN, SPREAD = 0.2, 0.35


def job_of(rows: Rows = PLAIN, optimizer: Optimizer = SGD(momentum=0.9), **other: object) -> Job:  # noqa: B008
    settings = {
        "plan": make_plan(rows),
        "optimizer": optimizer,
        "batch_images": 16,
        "label_smoothing": 0.0,
        "fill": 0,
        "seed": 0,
        "mean": MEAN,
        "spread": SPREAD,
        "images": IMAGES,
        "labels": LABELS,
    }
    return Job(**{**settings, **other})  # type: ignore[arg-type]


def started(job: Job, state: State | None = None, steps_done: int = 0):
    engine = make_engine("torch", "cpu", job)
    engine.start(initial_state(job.plan, job.optimizer, job.seed) if state is None else state, steps_done)
    return engine


def advance(engine, job: Job, steps: range, order: np.ndarray, rate: float = 0.05, momentum: float = 0.9):
    part = order[steps.start * job.batch_images : steps.stop * job.batch_images]
    return engine.advance(steps.start, part, None, np.full(len(steps), rate), np.full(len(steps), momentum))


def same_bytes(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def pixels(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(((images / 255 - MEAN) / SPREAD).astype(np.float32))[:, None]


OPTIMIZERS: list[tuple[Optimizer, Callable]] = [
    (SGD(), lambda p: torch.optim.SGD(p, 0.05)),
    (SGD(momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
    (SGD(momentum=0.9, nesterov=True), lambda p: torch.optim.SGD(p, 0.05, 0.9, nesterov=True)),
    (SGD(momentum=0.9, weight_decay=0.01), lambda p: torch.optim.SGD(p, 0.05, 0.9, weight_decay=0.01)),
    (Adam(), lambda p: torch.optim.Adam(p, 0.05)),
    (
        Adam(beta1=0.8, beta2=0.9, epsilon=1e-3, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.05, (0.8, 0.9), 1e-3, 0.1),
    ),
    (AdamW(), lambda p: torch.optim.AdamW(p, 0.05)),
    (
        AdamW(beta1=0.8, beta2=0.9, epsilon=1e-3, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.05, (0.8, 0.9), 1e-3, 0.1),
    ),
    (Adagrad(), lambda p: torch.optim.Adagrad(p, 0.05)),
    (Adagrad(epsilon=1e-3, weight_decay=0.1), lambda p: torch.optim.Adagrad(p, 0.05, weight_decay=0.1, eps=1e-3)),
]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("settings", "theirs"), OPTIMIZERS, ids=[repr(one[0]) for one in OPTIMIZERS])
def test_three_steps_are_those_of_a_plain_torch_loop(settings: Optimizer, theirs: Callable, smoothing: float) -> None:
    job = job_of(optimizer=settings, label_smoothing=smoothing)
    order = np.arange(48)
    engine = started(job)
    momentum = getattr(settings, "momentum", getattr(settings, "beta1", 0.0))
    sums = advance(engine, job, range(3), order, rate=0.05, momentum=momentum)

    module = torch_module(job.plan, initial_weights(job.plan, 0)).train()
    optimizer = theirs(module.parameters())
    losses, correct = [], 0
    for start in (0, 16, 32):
        labels = torch.from_numpy(LABELS[start : start + 16]).long()
        logits = module(pixels(IMAGES[start : start + 16]))
        loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        correct += int((logits.argmax(1) == labels).sum())
    assert sums.losses == pytest.approx(losses, rel=1e-5)
    assert sums.correct == correct
    state = engine.state()
    for name, value in module.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_allclose(state[name], value.numpy(), rtol=2e-4, atol=2e-6, err_msg=name)


def test_label_smoothing_is_that_of_the_formula() -> None:
    """The target holds 1 - s, and s spread evenly over all classes (Szegedy et al., 2016)."""
    job = job_of(label_smoothing=0.2)
    found = advance(started(job), job, range(1), np.arange(16)).losses[0]
    module = torch_module(job.plan, initial_weights(job.plan, 0)).train()
    log_shares = functional.log_softmax(module(pixels(IMAGES[:16])).double(), dim=1).detach().numpy()
    target = np.full((16, 10), 0.2 / 10)
    target[np.arange(16), LABELS[:16]] += 0.8
    assert found == pytest.approx(-(target * log_shares).sum(1).mean(), rel=1e-6)


def test_the_last_partial_batch_is_trained_too() -> None:
    job = job_of()
    assert steps_of(50, 16) == 4
    engine = started(job)
    advance(engine, job, range(3), np.arange(50))
    before = engine.state()
    sums = engine.advance(3, np.arange(48, 50), None, np.array([0.05]), np.array([0.9]))
    assert sums.losses.shape == (1,)
    assert 0 <= sums.correct <= 2
    assert not same_bytes(before, engine.state())


@pytest.mark.parametrize(
    ("images", "batch", "steps"), [(50, 16, 4), (48, 16, 3), (1, 128, 1), (128, 128, 1), (129, 128, 2), (5, 1, 5)]
)
def test_an_epoch_has_a_step_for_every_begun_batch(images: int, batch: int, steps: int) -> None:
    assert steps_of(images, batch) == steps


@pytest.mark.parametrize("settings", [SGD(momentum=0.9), Adam(), AdamW(), Adagrad()], ids=repr)
@pytest.mark.parametrize("rows", [PLAIN, DROPPING])
def test_slices_of_any_length_and_a_restart_in_between_give_the_same_bytes(rows: Rows, settings: Optimizer) -> None:
    job = job_of(rows, settings)
    order = np.random.default_rng(1).permutation(50)
    whole = started(job)
    losses = advance(whole, job, range(4), order).losses
    sliced = started(job)
    parts = [advance(sliced, job, part, order).losses for part in (range(1), range(1, 3), range(3, 4))]
    assert same_bytes(whole.state(), sliced.state())
    assert np.concatenate(parts).tolist() == losses.tolist()
    first = started(job)
    advance(first, job, range(2), order)
    second = started(job, first.state(), steps_done=2)
    advance(second, job, range(2, 4), order)
    assert same_bytes(whole.state(), second.state())


def test_dropout_depends_on_seed_and_step_alone() -> None:
    def loss(seed: int, step: int, disturbed: bool = False) -> float:
        job = job_of(DROPPING, seed=seed)
        engine = started(job, initial_state(job.plan, job.optimizer, 0))
        if disturbed:
            torch.rand(100)
        return float(engine.advance(step, np.arange(16), None, np.array([0.05]), np.array([0.9])).losses[0])

    assert loss(0, 7) == loss(0, 7, disturbed=True)
    assert len({loss(0, 7), loss(0, 8), loss(1, 7)}) == 3


def test_dropout_is_off_when_logits_are_asked_for() -> None:
    job = job_of(DROPPING)
    engine = started(job)
    advance(engine, job, range(1), np.arange(16))
    first = engine.logits(IMAGES)
    assert (engine.logits(IMAGES) == first).all()
    module = torch_module(job.plan, engine.state())
    np.testing.assert_allclose(first, module(pixels(IMAGES)).detach().numpy(), atol=1e-5)


def test_logits_do_not_depend_on_how_many_images_are_asked_for() -> None:
    job = job_of()
    engine = started(job)
    advance(engine, job, range(3), np.arange(48))
    together = engine.logits(IMAGES)
    singly = np.concatenate([engine.logits(IMAGES[i : i + 1]) for i in range(50)])
    assert np.abs(together - singly).max() < 1e-5
    assert engine.logits(IMAGES[:0]).shape == (0, 10)
    assert np.abs(engine.logits(IMAGES[::-1]) - together[::-1]).max() < 1e-5


def test_asking_for_logits_changes_nothing() -> None:
    job = job_of()
    engine = started(job)
    before = engine.state()
    engine.logits(IMAGES)
    assert same_bytes(before, engine.state())


def test_a_state_is_a_copy() -> None:
    job = job_of()
    engine = started(job)
    before = engine.state()
    kept = {name: array.copy() for name, array in before.items()}
    advance(engine, job, range(1), np.arange(16))
    assert same_bytes(before, kept)
    for array in before.values():
        array[...] = 7
    assert not any((array == 7).all() for array in engine.state().values())


def test_the_learning_rate_and_momentum_of_every_step_are_used() -> None:
    job = job_of(optimizer=SGD(momentum=0.5))
    order = np.arange(32)

    def trained(rates: list[float], momenta: list[float]) -> State:
        engine = started(job)
        engine.advance(0, order, None, np.array(rates), np.array(momenta))
        return engine.state()

    base = trained([0.1, 0.1], [0.5, 0.5])
    assert same_bytes(base, trained([0.1, 0.1], [0.5, 0.5]))
    for rates, momenta in (([0.1, 0.2], [0.5, 0.5]), ([0.2, 0.1], [0.5, 0.5]), ([0.1, 0.1], [0.5, 0.9])):
        assert not same_bytes(base, trained(rates, momenta))


def test_images_are_moved_only_where_transforms_are_given() -> None:
    job = job_of()
    identity = np.broadcast_to(np.eye(3, dtype=np.float32), (16, 3, 3)).copy()
    shifted = identity.copy()
    shifted[:, 0, 2] = 3

    def loss(transforms: np.ndarray | None) -> float:
        return float(started(job).advance(0, np.arange(16), transforms, np.ones(1), np.zeros(1)).losses[0])

    assert loss(identity) == pytest.approx(loss(None), abs=1e-4)
    assert abs(loss(shifted) - loss(None)) > 1e-4


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(("name", "part"), [("jax", "There is no engine 'jax'."), ("Torch", "Did you mean 'torch'?")])
def test_an_unknown_engine_is_refused_by_name(name: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        choose_engine(name, "cpu")
    assert part in str(refused.value)


def test_auto_takes_the_native_engine_and_without_a_compiler_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_engine("auto", "cpu") == Choice("native")
    assert choose_engine("auto", "cuda") == Choice(
        "torch", "The torch engine is taken: the native engine runs on the CPU."
    )
    monkeypatch.setattr("pennyweight.training.engines.find_compiler", lambda: None)
    choice = choose_engine("auto", "cpu")
    assert choice.name == "torch"
    assert "no C compiler" in choice.reason
    assert {"native", "torch"} == set(ENGINES)


def test_the_native_engine_is_not_for_a_gpu() -> None:
    with pytest.raises(UsageError, match="--engine torch"):
        choose_engine("native", "cuda")


def test_what_is_missing_is_named_with_the_commands_that_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.training.engines.find_spec", lambda _: None)
    with pytest.raises(EnvironmentRefused, match=r"pip install 'pennyweight\[torch\]'"):
        choose_engine("torch", "cpu")
    monkeypatch.setattr("pennyweight.training.engines.find_compiler", lambda: None)
    with pytest.raises(EnvironmentRefused, match=r"gcc or clang.*pip install 'pennyweight\[compiler\]'.*\[torch\]"):
        choose_engine("auto", "cpu")


@pytest.mark.parametrize("device", ["tpu", "CPU", "cuda:1", ""])
def test_an_unknown_device_is_refused_by_name(device: str) -> None:
    with pytest.raises(UsageError, match=f"device '{device}'; use one of: cpu, cuda"):
        choose_engine("auto", device)
    with pytest.raises(UsageError):
        make_engine("torch", device, job_of())


def test_a_device_that_is_not_there_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EnvironmentRefused, match="use --device cpu"):
        make_engine("torch", "cuda", job_of())


@pytest.mark.parametrize(("images", "batch", "fits"), [(33, 16, False), (32, 16, True), (5, 1, False), (34, 16, True)])
def test_a_spread_of_one_value_is_refused_before_training(images: int, batch: int, fits: bool) -> None:
    """PyTorch would raise in the middle of an epoch."""
    plan = make_plan((Conv(4), GlobalAvgPool(), BatchNorm(), Linear(CLASSES)))
    if fits:
        check_batches(plan, images, batch)
        return
    with pytest.raises(UsageError, match=r"layer 3 \(BatchNorm\) sees a 1x1 map") as refused:
        check_batches(plan, images, batch)
    assert "choose another batch_images" in str(refused.value)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        PlanModule(plan)(torch.zeros(1, 1, 28, 28))


@pytest.mark.parametrize("batch", [1, 16])
def test_a_batch_of_one_image_is_fine_where_maps_are_larger(batch: int) -> None:
    check_batches(make_plan(PLAIN), 33, batch)


# ---------------------------------------------------------------------------------------------------- scores


def test_scores_are_those_of_torch_in_double_precision() -> None:
    logits = np.random.default_rng(3).normal(0, 30, (200, 10)).astype(np.float32)
    labels = np.random.default_rng(4).integers(0, 10, 200).astype(np.uint8)
    found = score(logits, labels)
    theirs = functional.cross_entropy(torch.from_numpy(logits).double(), torch.from_numpy(labels).long()).item()
    assert found.loss == pytest.approx(theirs, rel=1e-12)
    assert found.correct == int((logits.argmax(1) == labels).sum())
    assert found.accuracy == 100 * found.correct / 200


def test_a_tie_goes_to_the_lower_class_and_large_logits_do_not_overflow() -> None:
    found = score(np.full((3, 10), 1e30, dtype=np.float32), np.array([0, 1, 2], dtype=np.uint8))
    assert found.predicted.tolist() == [0, 0, 0]
    assert found.correct == 1
    assert found.loss == pytest.approx(np.log(10))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_give_a_loss_that_is_not(bad: float) -> None:
    logits = np.zeros((2, 10), dtype=np.float32)
    logits[1, 3] = bad
    assert not np.isfinite(score(logits, np.zeros(2, dtype=np.uint8)).loss)


def test_evaluating_in_chunks_sees_every_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = started(job_of())
    whole = evaluate(engine, IMAGES, LABELS, lambda: False)
    monkeypatch.setattr("pennyweight.training.evaluation.CHUNK_IMAGES", 7)
    parts = evaluate(engine, IMAGES, LABELS, lambda: False)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert parts.predicted.tolist() == whole.predicted.tolist()
    assert logits_of(engine, IMAGES[:0]).shape == (0, 10)
