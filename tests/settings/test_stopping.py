"""Early stopping as a pure function of the losses so far, held against Keras' rule written out."""

from itertools import accumulate
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennyweight.base.errors import UsageError
from pennyweight.settings.stopping import Stopping

LOSSES = st.lists(st.floats(0.01, 10), max_size=30)


@given(losses=LOSSES)
def test_without_patience_a_run_never_stops_early(losses: list[float]) -> None:
    assert not Stopping().is_due(losses)


@given(losses=LOSSES, patience=st.integers(1, 5), threshold=st.sampled_from([0.0, 1e-4, 0.1]))
def test_a_run_stops_after_more_epochs_than_patience_without_a_lower_loss(
    losses: list[float], patience: int, threshold: float
) -> None:
    best, since = float("inf"), 0
    for loss in losses:
        since = 0 if loss < best * (1 - threshold) else since + 1
        best = loss if since == 0 else best
    assert Stopping(patience, threshold).is_due(losses) == (since > patience)


@given(ratios=st.lists(st.floats(0.01, 0.999), max_size=30))
def test_a_loss_that_always_falls_clearly_never_stops_a_run(ratios: list[float]) -> None:
    assert not Stopping(1).is_due(list(accumulate(ratios, mul, initial=10.0)))


@pytest.mark.parametrize(
    ("stopping", "words"),
    [(Stopping(-1), "stopping.patience_epochs is -1"), (Stopping(1, 1.0), "stopping.threshold is 1.0")],
)
def test_a_setting_out_of_range_is_refused_by_its_name(stopping: Stopping, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        stopping.check()
