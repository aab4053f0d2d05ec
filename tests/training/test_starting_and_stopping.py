"""Runs that start from the weights of another run, and runs that stop early: resumed, recorded, verified, grouped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_recipes import SMALL, TINY

from pennyweight import api
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import load
from pennyweight.engines.choose import ENGINES
from pennyweight.judging.verify import replay, verify
from pennyweight.nets.layers import Conv
from pennyweight.runs.find import run_key
from pennyweight.runs.model import load_trained
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.stopping import Stopping
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

DIGITS = load("digits")
QUICK = replace(TINY, averaging=Averaging())
HASTY = replace(QUICK, epochs=8, stopping=Stopping(patience_epochs=1, threshold=0.9))
"""No loss falls to a tenth, so it stops after its third epoch."""


def trained(recipe, folder: Path, engine: str = "native", **other: object) -> RunRecord:
    return train(Run(recipe=recipe, dataset=DIGITS, folder=folder, engine=engine, **{"seed": 0, **other}), Silent())


def disagreeing(folder: Path) -> list[str]:
    return [check.name for check in verify(folder, DIGITS).checks if check.agrees is False]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_starts_from_the_weights_it_is_given_and_says_so(engine: str, tmp_path: Path) -> None:
    trained(QUICK, tmp_path / "first", engine)
    weights = load_trained(tmp_path / "first").weights
    plain = trained(QUICK, tmp_path / "plain", engine, seed=1)
    tuned = trained(QUICK, tmp_path / "tuned", engine, seed=1, initial=weights)
    assert tuned.epochs[0].train_loss < plain.epochs[0].train_loss
    assert (plain.initial_sha256, len(tuned.initial_sha256)) == ("", 64)
    assert run_key(plain) != run_key(tuned)
    assert disagreeing(tmp_path / "tuned") == []
    again = replay(tmp_path / "tuned", DIGITS, lambda run: pytest.fail("trained"), [])
    assert (again.agrees, again.found) == (None, "it started from weights that are not here")
    assert ("initial weights", f"{tuned.initial_sha256[:16]}, not here") in verify(tmp_path / "tuned", DIGITS).on_trust


def test_a_run_from_other_weights_is_another_run(tmp_path: Path) -> None:
    trained(QUICK, tmp_path / "first")
    weights = load_trained(tmp_path / "first").weights
    trained(QUICK, tmp_path / "run", initial=weights)
    with pytest.raises(UsageError, match=r"initial weights was [0-9a-f]{12}, now none\."):
        trained(QUICK, tmp_path / "run")
    other = {name: array * np.float32(0.5) for name, array in weights.items()}
    with pytest.raises(UsageError, match=r"initial weights was [0-9a-f]{12}, now [0-9a-f]{12}\."):
        trained(QUICK, tmp_path / "run", initial=other)


def test_a_request_names_the_run_to_start_from_and_its_network_must_fit(tmp_path: Path) -> None:
    trained(QUICK, tmp_path / "first")
    options = {"dataset": "digits", "initial_weights": tmp_path / "first"}
    run = api.plan_run(QUICK, **options)
    assert run.initial_sha256[:12] in str(run.folder)
    wider = replace(QUICK, layers=(Conv(5), *QUICK.layers[1:]))
    with pytest.raises(MismatchError, match=r"does not fit recipe 'tiny': layer 1 \(Conv\)"):
        api.plan_run(wider, **options)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_stops_early_is_complete_verified_and_grouped_with_others(engine: str, tmp_path: Path) -> None:
    record = trained(HASTY, tmp_path / "run", engine)
    assert (len(record.epochs), record.planned_epochs) == (3, 8)
    before = (tmp_path / "run" / "record.json").stat().st_mtime_ns
    assert trained(HASTY, tmp_path / "run", engine) == record
    assert (tmp_path / "run" / "record.json").stat().st_mtime_ns == before
    assert disagreeing(tmp_path / "run") == []
    patient = replace(HASTY, stopping=Stopping(patience_epochs=2, threshold=0.9))
    later = trained(patient, tmp_path / "later", engine, seed=1)
    assert len(later.epochs) == 4
    assert run_key(record) == run_key(later)
    assert trained(replace(SMALL, epochs=2), tmp_path / "full", engine).planned_epochs == 2


def test_a_run_that_stops_early_says_so(tmp_path: Path) -> None:
    told: list[str] = []

    class Teller(Silent):
        def message(self, text: str) -> None:
            told.append(text)

    train(Run(recipe=HASTY, dataset=DIGITS, seed=0, folder=tmp_path / "run", engine="native"), Teller())
    assert "Stopped early: the monitored loss has not fallen for 2 epochs." in told
