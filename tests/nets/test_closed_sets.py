"""What is added to a closed set and forgotten somewhere stops there; nothing takes it for another."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support import mnist_plan

import pennyweight
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Layer, Linear, Relu
from pennyweight.nets.measure import measure, window
from pennyweight.nets.plan import Plan
from pennyweight.nets.torch_module import PlanModule

HOUSE = Path(pennyweight.__file__).parent


@dataclass(frozen=True)
class Swish:
    """An operation that nobody knows."""


UNKNOWN: Layer = Swish()  # type: ignore[assignment]


def planted(number: int, row: Layer = UNKNOWN) -> Plan:
    """A network whose node `number` does something else."""
    plan = mnist_plan((Conv(4), Relu(), Conv(CLASSES), GlobalAvgPool()))
    nodes = (replace(node, operation=row) if node.number == number else node for node in plan.nodes)  # type: ignore[arg-type]
    return replace(plan, nodes=tuple(nodes))


READERS: dict[str, Callable[[], object]] = {
    "plan": lambda: mnist_plan((Conv(4), UNKNOWN, Conv(CLASSES), GlobalAvgPool())),
    "window": lambda: window(planted(2).nodes[1]),
    "measure": lambda: measure(planted(2)),
    "initial weights": lambda: initial_weights(planted(3), 0),
    "torch module": lambda: PlanModule(planted(2)),
}


@pytest.mark.parametrize("reader", READERS)
def test_an_operation_that_is_not_known_stops_whoever_reads_it(reader: str) -> None:
    with pytest.raises(AssertionError, match=r"Swish\(\)"):
        READERS[reader]()


@pytest.mark.parametrize("row", [Conv(CLASSES), Linear(CLASSES)])
def test_a_head_whose_width_is_open_is_no_module(row: Layer) -> None:
    with pytest.raises(AssertionError, match="has no width before the dataset has given it one"):
        PlanModule(planted(3, row))


def test_weights_of_an_operation_without_any_are_not_made_up() -> None:
    with pytest.raises(AssertionError, match=r"layer 3 \(Relu\) has no weights, and yet '3\.weight'"):
        initial_weights(planted(3, Relu()), 0)


ADDED = {
    "nets/plan.py": (
        "Operation: TypeAlias = ",
        "@dataclass(frozen=True)\nclass Swish: ...\n\n\nOperation: TypeAlias = Swish | ",
    ),
    "settings/optimizers.py": (
        "Optimizer: TypeAlias = ",
        "@dataclass(frozen=True)\nclass Lion:\n    learning_rate: float = 0.1\n    epsilon: float = 0.1\n"
        "    weight_decay: float = 0.1\n\n\nOptimizer: TypeAlias = Lion | ",
    ),
    "settings/schedules.py": (
        "Schedule: TypeAlias = ",
        "@dataclass(frozen=True)\nclass Linear: ...\n\n\nSchedule: TypeAlias = Linear | ",
    ),
}


@pytest.mark.slow
def test_the_type_checker_names_every_place_that_forgets_a_new_one(tmp_path: Path) -> None:
    shutil.copytree(HOUSE, tmp_path / "pennyweight")
    shutil.copy(HOUSE.parent / "pyproject.toml", tmp_path)
    for name, (old, new) in ADDED.items():
        path = tmp_path / "pennyweight" / name
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=tmp_path, capture_output=True, text=True)
    forgets = re.findall(
        r'^pennyweight/(\S+):\d+: error: (?:Argument 1 to "assert_never" .*"Swish|Argument 1 to "assert_never" .*"Lion'
        r"|Missing return statement)",
        done.stdout,
        re.M,
    )
    assert Counter(forgets) == {
        "nets/plan.py": 2,
        "nets/measure.py": 2,
        "nets/initial.py": 1,
        "nets/forward.py": 1,
        "nets/torch_module.py": 1,
        "native/program.py": 2,
        "settings/optimizers.py": 2,
        "settings/schedules.py": 1,
        "engines/torch.py": 2,
        "engines/native.py": 1,
        "shipping/c_float.py": 1,
        "shipping/onnx_float.py": 1,
    }, done.stdout
