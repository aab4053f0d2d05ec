"""The torch engine: its steps are those of plain PyTorch, and depend on the step alone."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from support import mnist_plan
from torch.nn import functional

from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.base.records import EpochRow
from pennyweight.data.augment import Augmentation
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.choose import ENGINES, Choice, choose_engine, make_engine
from pennyweight.engines.evaluation import evaluate, logits_of, score
from pennyweight.engines.protocol import State, TrainingJob, check_batches, initial_state, steps_of, weights_of
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Layers, Linear, MaxPool, Relu
from pennyweight.nets.plan import Node, make_plan
from pennyweight.nets.torch_module import PlanModule, torch_module
from pennyweight.runs.run import Run
from pennyweight.settings.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer

PLAIN: Layers = (Conv(4, stride=2), BatchNorm(), Relu(), MaxPool(), Conv(CLASSES), GlobalAvgPool())
DROPPING: Layers = (Conv(4, stride=2), Relu(), Dropout(0.5), GlobalAvgPool(), Linear(CLASSES))
GENERATOR = np.random.default_rng(11)
IMAGES = GENERATOR.integers(0, 256, (50, 28, 28), dtype=np.uint8)
LABELS = GENERATOR.integers(0, 10, 50).astype(np.uint8)
MEAN, STD = 0.2, 0.35


def job_of(rows: Layers = PLAIN, optimizer: Optimizer = SGD(momentum=0.9), **other: object) -> TrainingJob:  # noqa: B008
    settings = {
        "plan": mnist_plan(rows),
        "optimizer": optimizer,
        "batch_images": 16,
        "label_smoothing": 0.0,
        "fill": 0,
        "seed": 0,
        "normalisation": Normalisation((MEAN,), (STD,)),
        "images": IMAGES,
        "labels": LABELS,
    }
    return TrainingJob(**{**settings, **other})  # type: ignore[arg-type]


def started(job: TrainingJob, state: State | None = None, steps_done: int = 0):
    engine = make_engine("torch", "cpu", job)
    engine.load_state(initial_state(job.plan, job.optimizer, job.seed) if state is None else state, steps_done)
    return engine


def train(engine, job: TrainingJob, steps: range, order: np.ndarray, rate: float = 0.05, momentum: float = 0.9):
    part = order[steps.start * job.batch_images : steps.stop * job.batch_images]
    return engine.train_steps(steps.start, part, None, np.full(len(steps), rate), np.full(len(steps), momentum))


def same_bytes(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def pixels(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(((images / 255 - MEAN) / STD).astype(np.float32))[:, None]


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
    sums = train(engine, job, range(3), order, rate=0.05, momentum=momentum)

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
    found = train(started(job), job, range(1), np.arange(16)).losses[0]
    module = torch_module(job.plan, initial_weights(job.plan, 0)).train()
    log_shares = functional.log_softmax(module(pixels(IMAGES[:16])).double(), dim=1).detach().numpy()
    target = np.full((16, 10), 0.2 / 10)
    target[np.arange(16), LABELS[:16]] += 0.8
    assert found == pytest.approx(-(target * log_shares).sum(1).mean(), rel=1e-6)


def test_the_last_partial_batch_is_trained_too() -> None:
    job = job_of()
    assert steps_of(50, 16) == 4
    engine = started(job)
    train(engine, job, range(3), np.arange(50))
    before = engine.state()
    sums = engine.train_steps(3, np.arange(48, 50), None, np.array([0.05]), np.array([0.9]))
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
def test_slices_of_any_length_and_a_restart_in_between_give_the_same_bytes(rows: Layers, settings: Optimizer) -> None:
    job = job_of(rows, settings)
    order = np.random.default_rng(1).permutation(50)
    whole = started(job)
    losses = train(whole, job, range(4), order).losses
    sliced = started(job)
    parts = [train(sliced, job, part, order).losses for part in (range(1), range(1, 3), range(3, 4))]
    assert same_bytes(whole.state(), sliced.state())
    assert np.concatenate(parts).tolist() == losses.tolist()
    first = started(job)
    train(first, job, range(2), order)
    second = started(job, first.state(), steps_done=2)
    train(second, job, range(2, 4), order)
    assert same_bytes(whole.state(), second.state())


def test_dropout_depends_on_seed_and_step_alone() -> None:
    def loss(seed: int, step: int, disturbed: bool = False) -> float:
        job = job_of(DROPPING, seed=seed)
        engine = started(job, initial_state(job.plan, job.optimizer, 0))
        if disturbed:
            torch.rand(100)
        return float(engine.train_steps(step, np.arange(16), None, np.array([0.05]), np.array([0.9])).losses[0])

    assert loss(0, 7) == loss(0, 7, disturbed=True)
    assert len({loss(0, 7), loss(0, 8), loss(1, 7)}) == 3


def test_dropout_is_off_when_logits_are_asked_for() -> None:
    job = job_of(DROPPING)
    engine = started(job)
    train(engine, job, range(1), np.arange(16))
    first = engine.logits(IMAGES)
    assert (engine.logits(IMAGES) == first).all()
    module = torch_module(job.plan, engine.state())
    np.testing.assert_allclose(first, module(pixels(IMAGES)).detach().numpy(), atol=1e-5)


def test_logits_do_not_depend_on_how_many_images_are_asked_for() -> None:
    job = job_of()
    engine = started(job)
    train(engine, job, range(3), np.arange(48))
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
    train(engine, job, range(1), np.arange(16))
    assert same_bytes(before, kept)
    for array in before.values():
        array[...] = 7
    assert not any((array == 7).all() for array in engine.state().values())


def test_the_learning_rate_and_momentum_of_every_step_are_used() -> None:
    job = job_of(optimizer=SGD(momentum=0.5))
    order = np.arange(32)

    def trained(rates: list[float], momenta: list[float]) -> State:
        engine = started(job)
        engine.train_steps(0, order, None, np.array(rates), np.array(momenta))
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

    def loss(homographies: np.ndarray | None) -> float:
        return float(started(job).train_steps(0, np.arange(16), homographies, np.ones(1), np.zeros(1)).losses[0])

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
    monkeypatch.setattr("pennyweight.engines.choose.find_compiler", lambda: None)
    choice = choose_engine("auto", "cpu")
    assert choice.name == "torch"
    assert "no C compiler" in choice.reason
    assert {"native", "torch"} == set(ENGINES)


def test_the_native_engine_is_not_for_a_gpu() -> None:
    with pytest.raises(UsageError, match="--engine torch"):
        choose_engine("native", "cuda")


def test_what_is_missing_is_named_with_the_commands_that_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.engines.choose.find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match=r"pip install 'pennyweight\[torch\]'"):
        choose_engine("torch", "cpu")
    monkeypatch.setattr("pennyweight.engines.choose.find_compiler", lambda: None)
    with pytest.raises(UnavailableError, match=r"gcc or clang.*pip install 'pennyweight\[compiler\]'.*\[torch\]"):
        choose_engine("auto", "cpu")


@pytest.mark.parametrize("device", ["tpu", "CPU", "cuda:1", ""])
def test_an_unknown_device_is_refused_by_name(device: str) -> None:
    with pytest.raises(UsageError, match=f"device '{device}'; use one of: cpu, cuda"):
        choose_engine("auto", device)
    with pytest.raises(UsageError):
        make_engine("torch", device, job_of())


def test_a_device_that_is_not_there_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError, match="use --device cpu"):
        make_engine("torch", "cuda", job_of())


@pytest.mark.parametrize(("images", "batch", "fits"), [(33, 16, False), (32, 16, True), (5, 1, False), (34, 16, True)])
def test_a_spread_of_one_value_is_refused_before_training(images: int, batch: int, fits: bool) -> None:
    """PyTorch would raise in the middle of an epoch."""
    plan = mnist_plan((Conv(4), GlobalAvgPool(), BatchNorm(), Linear(CLASSES)))
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
    check_batches(mnist_plan(PLAIN), 33, batch)


@pytest.mark.parametrize("kind", [TrainingJob, Run, EpochRow, Augmentation, Node], ids=lambda kind: kind.__name__)
def test_neighbours_of_one_type_cannot_be_swapped_by_their_place(kind: type) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        kind(*range(len(fields(kind))))


JOBS = [
    ("images of another size", {"images": np.zeros((50, 32, 32), np.uint8)}, "shape (50, 32, 32); they must be uint8"),
    ("rectangular images", {"images": np.zeros((50, 20, 36), np.uint8)}, "shape (50, 20, 36); they must be uint8 from"),
    ("colour images", {"images": np.zeros((50, 3, 28, 28), np.uint8)}, "with shape (n, 28, 28)."),
    ("images of floats", {"images": np.zeros((50, 28, 28), np.float32)}, "Images are float32 with shape (50, 28, 28)"),
    (
        "a network for colour images",
        {"plan": make_plan(PLAIN, 7, (3, 28, 28))},
        "they must be uint8 from 0 to 255 with shape (n, 3, 28, 28).",
    ),
    (
        "labels of eight bytes",
        {"labels": LABELS.astype(np.int64)},
        "Labels are int64 with shape (50,); they must be uint8",
    ),
    (
        "a label too few",
        {"labels": LABELS[1:]},
        "shape (49,); they must be uint8 with shape (50,), one for each image.",
    ),
    (
        "soft labels of other classes",
        {"soft_labels": np.full((50, 9), 1 / 9, np.float32)},
        "Soft labels are float32 with shape (50, 9); they must be float32 with shape (50, 10).",
    ),
    (
        "soft labels that are no probabilities",
        {"soft_labels": np.full((50, 10), 0.2, np.float32)},
        "Soft labels must be probabilities: none below 0, and those of an image must add up to 1.",
    ),
    (
        "soft labels that are smoothed",
        {"soft_labels": np.full((50, 10), 0.1, np.float32), "label_smoothing": 0.1},
        "label_smoothing is 0.1, which goes with hard labels alone; set it to 0.",
    ),
    (
        "a label beyond the classes",
        {"plan": make_plan(PLAIN, 9, (1, 28, 28))},
        "A label is 9, but the network has classes 0 to 8.",
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("other", "words"), [case[1:] for case in JOBS], ids=[case[0] for case in JOBS])
def test_a_job_that_would_be_read_wrongly_is_refused(other: dict, words: str, engine: str) -> None:
    with pytest.raises(UsageError) as refused:
        make_engine(engine, "cpu", job_of(**other))
    assert words in str(refused.value)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(2, 32, 32), (2, 784), (2, 28, 14)])
def test_logits_of_other_images_are_refused(shape: tuple[int, ...], engine: str) -> None:
    with pytest.raises(UsageError, match=r"with shape \(n, 28, 28\)\."):
        make_engine(engine, "cpu", job_of()).logits(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("engine", ENGINES)
def test_soft_labels_that_are_the_labels_train_as_the_labels_do(engine: str) -> None:
    hard, soft = job_of(PLAIN), job_of(PLAIN, soft_labels=np.eye(10, dtype=np.float32)[LABELS])
    other = job_of(PLAIN, soft_labels=np.full((50, 10), 0.1, np.float32))
    after = []
    for job in (hard, soft, other):
        runner = make_engine(engine, "cpu", job)
        runner.load_state(initial_state(job.plan, job.optimizer, 0), steps_done=0)
        after.append((train(runner, job, range(3), np.arange(50)).correct, runner.state()["1.weight"]))
    assert after[0][0] == after[1][0]
    np.testing.assert_allclose(after[0][1], after[1][1], atol=1e-6)
    assert np.abs(after[0][1] - after[2][1]).max() > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_logits_of_other_weights_are_those_of_an_engine_that_holds_them_and_change_nothing(engine: str) -> None:
    job = job_of(DROPPING)
    ours, theirs = make_engine(engine, "cpu", job), make_engine(engine, "cpu", job)
    mine, other = (initial_state(job.plan, job.optimizer, seed) for seed in (0, 1))
    ours.load_state(mine, steps_done=0)
    theirs.load_state(other, steps_done=0)
    assert not np.array_equal(ours.logits(IMAGES), theirs.logits(IMAGES))
    assert np.array_equal(ours.logits(IMAGES, weights_of(other, job.plan)), theirs.logits(IMAGES))
    assert same_bytes(weights_of(ours.state(), job.plan), weights_of(mine, job.plan))


RECTANGULAR = (1, 20, 36)


def rectangular(rows: Layers) -> TrainingJob:
    images = GENERATOR.integers(0, 256, (50, 20, 36), dtype=np.uint8)
    return job_of(plan=make_plan(rows, 10, RECTANGULAR), images=images)


@pytest.mark.parametrize("rows", [PLAIN, (Conv(4, stride=2), Relu(), Linear(CLASSES))], ids=["pooled", "linear"])
def test_rectangular_images_that_stand_still_train_as_in_a_plain_torch_loop(rows: Layers) -> None:
    job = rectangular(rows)
    found = train(started(job), job, range(1), np.arange(16)).losses[0]
    module = torch_module(job.plan, initial_weights(job.plan, 0)).train()
    loss = functional.cross_entropy(module(pixels(job.images[:16])), torch.from_numpy(LABELS[:16]).long())
    assert found == pytest.approx(loss.item(), rel=1e-5)


def test_images_of_three_channels_are_each_normalised_by_its_own_and_train_as_in_a_plain_torch_loop() -> None:
    images = GENERATOR.integers(0, 256, (50, 3, 32, 24), dtype=np.uint8)
    normalisation = Normalisation((0.2, 0.5, 0.7), (0.1, 0.3, 0.25))
    labels = LABELS % 7
    job = job_of(plan=make_plan(PLAIN, 7, (3, 32, 24)), images=images, labels=labels, normalisation=normalisation)
    found = train(started(job), job, range(1), np.arange(16)).losses[0]
    module = torch_module(job.plan, initial_weights(job.plan, 0)).train()
    mean, std = (torch.tensor(figures)[:, None, None] for figures in (normalisation.mean, normalisation.std))
    read = (torch.from_numpy(images[:16]) / 255 - mean) / std
    assert found == pytest.approx(
        functional.cross_entropy(module(read), torch.from_numpy(labels[:16]).long()).item(), rel=1e-5
    )


def test_labels_of_more_classes_than_a_byte_holds_are_32_bits_wide() -> None:
    plan = make_plan((Conv(4), Relu(), Conv(CLASSES), GlobalAvgPool()), 1000, (1, 28, 28))
    labels = GENERATOR.integers(0, 1_000, 50).astype(np.int32)
    job = job_of(plan=plan, labels=labels)
    loss = train(started(job), job, range(1), np.arange(16)).losses[0]
    module = torch_module(plan, initial_weights(plan, 0)).train()
    assert loss == pytest.approx(
        functional.cross_entropy(module(pixels(IMAGES[:16])), torch.from_numpy(labels[:16]).long()).item(), rel=1e-5
    )
    with pytest.raises(UsageError, match=r"Labels are uint8 .* they must be int32"):
        started(job_of(plan=plan))


def test_images_without_the_networks_channels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"shape \(50, 28, 28\); they must be uint8 .* shape \(n, 3, 28, 28\)\."):
        started(job_of(plan=make_plan(PLAIN, 10, (3, 28, 28))))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_channel_of_one_grey_value_is_refused(engine: str) -> None:
    with pytest.raises(UsageError, match=r"mean 0.5 and standard deviation 0.0; both must be finite, std > 0"):
        make_engine(engine, "cpu", job_of(normalisation=Normalisation((0.5,), (0.0,))))


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
    monkeypatch.setattr("pennyweight.engines.evaluation.CHUNK_IMAGES", 7)
    parts = evaluate(engine, IMAGES, LABELS, lambda: False)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert parts.predicted.tolist() == whole.predicted.tolist()
    assert logits_of(engine, IMAGES[:0]).shape == (0, 10)
