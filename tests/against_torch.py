"""One training step of the native engine beside PyTorch in float64: what both share stands here once."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import Rows
from pennyweight.nets.torch_module import torch_module
from pennyweight.training.engine import Job, initial_state
from pennyweight.training.native_engine import NativeEngine
from pennyweight.training.optimizers import SGD

LEARNING_RATE = 0.1


@dataclass(frozen=True)
class Case:
    """A network, its batch, how many images the step really holds, and the label smoothing."""

    rows: Rows
    batch_images: int = 32
    images: int = 32
    smoothing: float = 0.0


def far_apart(case: Case, seed: int) -> dict[str, float]:
    """Return the relative distance of everything the native engine computes in one step from float64, by name."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (case.images, 28, 28), dtype=np.uint8)
    labels = generator.integers(0, 10, case.images, dtype=np.uint8)
    plan = make_plan(case.rows)
    optimizer = SGD(LEARNING_RATE, momentum=0.9)
    job = Job(plan, optimizer, case.batch_images, case.smoothing, 0, 0, 0.3, 0.4, pixels, labels)
    state = {name: jiggled(name, array, generator) for name, array in initial_state(plan, optimizer, seed).items()}

    engine = NativeEngine(job)
    engine.start(state, steps_done=0)
    sums = engine.advance(0, np.arange(case.images), None, np.array([LEARNING_RATE]), np.array([0.9]))
    after = engine.state()

    module = torch_module(plan, state).double().train()
    logits = module(torch.from_numpy((pixels / 255 - 0.3) / 0.4)[:, None])
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels).long(), label_smoothing=case.smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}

    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    found = {"loss": abs(sums.losses[0] - loss.item()) / loss.item()}
    for name, gradient in gradients.items():
        ours = after[f"optimizer.momentum.{name}"]
        if np.abs(gradient).max() < 1e-9 * largest:
            # a bias that BatchNorm takes away again has no gradient; what is left of it is rounding
            found[name] = float(np.abs(ours).max() / largest) / 10
        else:
            found[name] = distance(ours, gradient)
    for name, buffer in module.named_buffers():
        if not name.endswith("num_batches_tracked"):
            found[name] = distance(after[name], buffer.numpy())
    # the same running statistics for both, so that one error is not counted twice
    module = torch_module(plan, after).double()
    engine.start(after, steps_done=1)
    evaluated = module(torch.from_numpy((pixels / 255 - 0.3) / 0.4)[:, None]).detach().numpy()
    found["logits"] = distance(engine.logits(pixels), evaluated)
    return found


def jiggled(name: str, array: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return weights off their special starting values, so that a scale or shift left out shows."""
    if name.startswith("optimizer."):
        return array
    moved = array + generator.normal(0, 0.2, array.shape)
    return (np.abs(moved) if name.endswith("running_var") else moved).astype(np.float32)


def distance(ours: NDArray[np.float32], exact: NDArray[np.float64]) -> float:
    """Return the norm of the difference over the norm of what is exact."""
    return float(np.linalg.norm(ours.astype(np.float64) - exact) / np.linalg.norm(exact))
