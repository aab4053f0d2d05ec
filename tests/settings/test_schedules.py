"""Schedules give what torch.optim.lr_scheduler gives, step by step."""

import pytest
import torch

from pennyweight.base.errors import UsageError
from pennyweight.settings.optimizers import SGD, Adagrad, Adam
from pennyweight.settings.schedules import (
    Constant,
    Cosine,
    OneCycle,
    ReduceLROnPlateau,
    RunLength,
    Schedule,
    StepLR,
    check_schedule,
    learning_rates,
    momenta,
)

HORIZON = RunLength(epoch_steps=7, epochs=12)
PEAK = 0.05
LOSSES = [1.0, 0.8, 0.81, 0.82, 0.79, 0.7899999, 0.79, 0.9, 0.5, 0.6, 0.6, 0.6]


def ours(schedule: Schedule) -> list[float]:
    rates: list[float] = []
    for epoch in range(HORIZON.epochs):
        steps = range(epoch * HORIZON.epoch_steps, (epoch + 1) * HORIZON.epoch_steps)
        rates += list(learning_rates(schedule, PEAK, steps, HORIZON, LOSSES[:epoch]))
    return rates


def torch_sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK, momentum=0.9)


def theirs(make: object, per_step: bool = False, monitored: bool = False) -> list[float]:
    optimizer = torch_sgd()
    scheduler = make(optimizer)  # type: ignore[operator]
    rates = []
    for epoch in range(HORIZON.epochs):
        for _ in range(HORIZON.epoch_steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_step and len(rates) < HORIZON.total_steps:
                scheduler.step()
        if not per_step:
            scheduler.step(LOSSES[epoch]) if monitored else scheduler.step()
    return rates


lr = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), lambda: [PEAK] * HORIZON.total_steps),
        (StepLR(5, 0.3), lambda: theirs(lambda o: lr.StepLR(o, 5, 0.3))),
        (StepLR(), lambda: theirs(lambda o: lr.StepLR(o, -(-HORIZON.epochs // 3), 0.1))),
        (Cosine(0.001), lambda: theirs(lambda o: lr.CosineAnnealingLR(o, HORIZON.epochs, 0.001))),
        (
            OneCycle(0.2, 10, 100),
            lambda: theirs(
                lambda o: lr.OneCycleLR(
                    o, PEAK, total_steps=HORIZON.total_steps, pct_start=0.2, div_factor=10, final_div_factor=100
                ),
                per_step=True,
            ),
        ),
        (
            ReduceLROnPlateau(0.5, 1, 0.01, 0.01),
            lambda: theirs(
                lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.01, min_lr=0.01), monitored=True
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_learning_rates_are_those_of_torch(schedule: Schedule, expected: object) -> None:
    assert ours(schedule) == pytest.approx(expected(), rel=1e-9)  # type: ignore[operator]


def test_one_cycle_moves_the_momentum_as_torch_does() -> None:
    optimizer = torch_sgd()
    scheduler = lr.OneCycleLR(optimizer, PEAK, total_steps=HORIZON.total_steps)
    expected = []
    for step in range(HORIZON.total_steps):
        expected.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if step + 1 < HORIZON.total_steps:
            scheduler.step()
    found = momenta(OneCycle(), SGD(PEAK, momentum=0.9), range(HORIZON.total_steps), HORIZON)
    assert list(found) == pytest.approx(expected, rel=1e-9)


def test_a_slice_gives_the_same_rates_as_the_whole() -> None:
    whole = learning_rates(OneCycle(), PEAK, range(HORIZON.total_steps), HORIZON, LOSSES)
    part = learning_rates(OneCycle(), PEAK, range(10, 20), HORIZON, LOSSES)
    assert (whole[10:20] == part).all()


def test_plateau_looks_only_at_finished_epochs() -> None:
    schedule = ReduceLROnPlateau(0.5, 0)
    with_future = learning_rates(schedule, PEAK, range(7, 14), HORIZON, [1.0, 2.0, 3.0])
    assert set(with_future) == {PEAK}


def test_cycling_a_momentum_that_does_not_exist_is_refused() -> None:
    for optimizer in (Adagrad(), SGD(0.1)):
        with pytest.raises(UsageError, match="cycle_momentum=false"):
            check_schedule(OneCycle(), optimizer)
    check_schedule(OneCycle(), Adam())
    check_schedule(OneCycle(cycle_momentum=False), Adagrad())
