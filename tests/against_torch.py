"""One training step of the native engine beside PyTorch in float64: what both share stands here once."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.protocol import TrainingJob, initial_state, label_dtype
from pennyweight.nets.layers import Layers
from pennyweight.nets.plan import Shape, make_plan
from pennyweight.nets.torch_module import torch_module
from pennyweight.settings.optimizers import SGD

LEARNING_RATE = 0.1
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Case:
    """A network, its batch, how many images the step really holds, the label smoothing, and what the images are."""

    layers: Layers
    batch_images: int = 32
    images: int = 32
    smoothing: float = 0.0
    shape: Shape = (1, 28, 28)
    soft: bool = False
    """Soft labels, drawn at random, instead of labels."""
    classes: int = 10


def beyond(case: Case, seed: int) -> dict[str, str]:
    """Return what is not within the tolerance, a number or not, for two draws of weights and images.

    In one draw a pooling tie or a ReLU's zero may be decided by the last bit, which depends on the processor's vectors;
    a fault shows in every draw.
    """
    apart: dict[str, str] = {}
    for draw in (seed, seed + 1_000):
        apart = {key: f"{value:.1e}" for key, value in far_apart(case, draw).items() if not value < TOLERANCE}
        if not apart:
            break
    return apart


def far_apart(case: Case, seed: int) -> dict[str, float]:
    """Return the relative distance of everything the native engine computes in one step from float64, by name."""
    generator = np.random.default_rng(seed)
    planes = generator.integers(0, 256, (case.images, *case.shape), dtype=np.uint8)
    pixels = planes[:, 0] if case.shape[0] == 1 else planes
    labels = generator.integers(0, case.classes, case.images, dtype=label_dtype(case.classes))
    plan = make_plan(case.layers, case.classes, case.shape)
    normalisation = Normalisation(
        tuple(0.3 + 0.1 * channel for channel in range(case.shape[0])),
        tuple(0.4 - 0.1 * channel for channel in range(case.shape[0])),
    )
    mean, std = (np.array(figures)[:, None, None] for figures in (normalisation.mean, normalisation.std))
    normalised = torch.from_numpy((planes / 255 - mean) / std)
    soft = None
    if case.soft:
        soft = generator.dirichlet(np.ones(case.classes), case.images).astype(np.float32)
    optimizer = SGD(LEARNING_RATE, momentum=0.9)
    job = TrainingJob(
        plan=plan,
        optimizer=optimizer,
        batch_images=case.batch_images,
        label_smoothing=case.smoothing,
        fill=0,
        seed=0,
        normalisation=normalisation,
        images=pixels,
        labels=labels,
        soft_labels=soft,
    )
    state = {name: jiggled(name, array, generator) for name, array in initial_state(plan, optimizer, seed).items()}

    engine = NativeEngine(job)
    engine.load_state(state, steps_done=0)
    sums = engine.train_steps(0, np.arange(case.images), None, np.array([LEARNING_RATE]), np.array([0.9]))
    after = engine.state()

    module = torch_module(plan, state).double().train()
    logits = module(normalised)
    targets = torch.from_numpy(labels).long() if soft is None else torch.from_numpy(soft).double()
    loss = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=case.smoothing)
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
    engine.load_state(after, steps_done=1)
    evaluated = module(normalised).detach().numpy()
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
