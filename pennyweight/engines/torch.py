"""The reference engine: PyTorch, with the whole dataset in memory as uint8 and batched bilinear sampling."""

from math import prod
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import functional_call
from torch.nn import functional

from pennyweight.base.errors import UnavailableError
from pennyweight.base.machine import require_memory
from pennyweight.base.random import seed_word
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.protocol import SliceResult, State, TrainingJob, check_images, check_job
from pennyweight.nets.arrays import Arrays
from pennyweight.nets.plan import Plan
from pennyweight.nets.torch_module import PlanModule, copy_weights, torch_module
from pennyweight.settings.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, slots

_SLOT_NAMES = {"momentum": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq", "sum": "sum"}


class TorchEngine:
    """Trains and runs a plan with PyTorch on `cpu` or `cuda`."""

    name = "torch"
    bytes_depend_on_threads = True

    def __init__(self, job: TrainingJob, device: str = "cpu") -> None:
        """Copy the training images to `device`.

        Raises UsageError for a job it cannot run, UnavailableError when the device is not there.
        """
        check_job(job)
        if device == "cuda" and not torch.cuda.is_available():
            raise UnavailableError("PyTorch found no CUDA device; use --device cpu.")
        if device == "cpu":
            values_and_gradients = 2 * 4 * job.batch_images * sum(prod(node.output_shape) for node in job.plan.nodes)
            require_memory(job.images.nbytes + values_and_gradients, job.batch_images)
        self.version = str(torch.__version__)
        self.description = f"PyTorch {torch.__version__}"
        self.device = device
        self.threads = torch.get_num_threads()
        self._job = job
        self._images = torch.tensor(job.images, device=device)
        self._labels = torch.tensor(job.labels, device=device).long()
        soft = job.soft_labels
        self._soft_labels = None if soft is None else torch.tensor(soft, device=device)
        self._module = PlanModule(job.plan).to(device)
        self._parameters = dict(self._module.named_parameters())
        self._optimizer = _torch_optimizer(job.optimizer, list(self._parameters.values()), fused=device == "cpu")

    def load_state(self, state: State, steps_done: int) -> None:
        """Take over `state`; see Engine."""
        copy_weights(self._module, state)
        for name, parameter in self._parameters.items():
            held = self._optimizer.state[parameter]
            for slot in slots(self._job.optimizer):
                if f"optimizer.{slot}.{name}" in state:
                    held[_SLOT_NAMES[slot]] = torch.tensor(state[f"optimizer.{slot}.{name}"], device=self.device)
            if not isinstance(self._job.optimizer, SGD):
                held["step"] = torch.tensor(float(steps_done))

    def train_steps(
        self,
        first_step: int,
        order: NDArray[np.int64],
        homographies: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> SliceResult:
        """Train a slice; see Engine."""
        self._module.train()
        chosen = torch.from_numpy(order).to(self.device)
        moved = None if homographies is None else torch.from_numpy(homographies).to(self.device)
        losses = torch.zeros(len(learning_rates), device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        for k, (rate, momentum) in enumerate(zip(learning_rates, momenta, strict=True)):
            batch = slice(k * self._job.batch_images, (k + 1) * self._job.batch_images)
            self._set_rate(float(rate), float(momentum))
            # dropout draws from the step's own seed, so that a resumed run draws the same
            torch.manual_seed(seed_word("dropout", self._job.seed, first_step + k))
            labels = self._labels[chosen[batch]]
            pixels = self._pixels(chosen[batch], None if moved is None else moved[batch])
            logits = self._module(pixels)
            targets = labels if self._soft_labels is None else self._soft_labels[chosen[batch]]
            loss = functional.cross_entropy(logits, targets, label_smoothing=self._job.label_smoothing)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses[k] = loss.detach()
            correct += (logits.argmax(1) == labels).sum()
        return SliceResult(losses.double().cpu().numpy(), int(correct))

    def logits(self, images: NDArray[np.uint8], weights: State | None = None) -> NDArray[np.float32]:
        """Return logits; see Engine."""
        check_images(images, self._job.plan)
        self._module.eval()
        with torch.inference_mode():
            pixels = self._normalised(_planes(torch.tensor(np.ascontiguousarray(images), device=self.device)))
            if weights is None:
                logits = self._module(pixels)
            else:
                tensors = {name: torch.tensor(array, device=self.device) for name, array in weights.items()}
                logits = functional_call(self._module, tensors, (pixels,))
            result: NDArray[np.float32] = logits.cpu().numpy()
        return result

    def state(self) -> State:
        """Return copies of the state; see Engine."""
        held = self._module.state_dict()
        names = [tensor.name for tensor in self._job.plan.weights + self._job.plan.buffers]
        state = {name: held[name].cpu().numpy().copy() for name in names}
        for name, parameter in self._parameters.items():
            kept = self._optimizer.state[parameter]
            for slot in slots(self._job.optimizer):
                if _SLOT_NAMES[slot] in kept:
                    state[f"optimizer.{slot}.{name}"] = kept[_SLOT_NAMES[slot]].cpu().numpy().copy()
        return state

    def _pixels(self, chosen: torch.Tensor, homographies: torch.Tensor | None) -> torch.Tensor:
        images = _planes(self._images[chosen])
        return self._normalised(images if homographies is None else sample(images, homographies, self._job.fill))

    def _normalised(self, images: torch.Tensor) -> torch.Tensor:
        mean, std = (
            torch.tensor(figures, dtype=torch.float32, device=self.device)[:, None, None]
            for figures in (self._job.normalisation.mean, self._job.normalisation.std)
        )
        return (images / 255 - mean) / std

    def _set_rate(self, rate: float, momentum: float) -> None:
        group = self._optimizer.param_groups[0]
        group["lr"] = rate
        match self._job.optimizer:
            case SGD():
                group["momentum"] = momentum
            case Adam() | AdamW():
                group["betas"] = (momentum, group["betas"][1])
            case Adagrad():
                pass
            case _:
                assert_never(self._job.optimizer)


class TorchPredictor:
    """Prediction by PyTorch on the CPU."""

    def __init__(self, plan: Plan, weights: Arrays, normalisation: Normalisation) -> None:
        """Build the module."""
        self._module = torch_module(plan, weights)
        self._normalisation = normalisation

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits; see Predictor."""
        with torch.inference_mode():
            logits: NDArray[np.float32] = self._module(torch.from_numpy(self._normalisation.apply(images))).numpy()
        return logits


def sample(images: torch.Tensor, homographies: torch.Tensor, fill: int) -> torch.Tensor:
    """Read images (n, c, rows, columns) bilinearly where homographies (n, 3, 3) map each pixel; outside is `fill`."""
    rows, columns = images.shape[-2:]
    y, x = (axis.to(homographies) for axis in torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"))
    pixels = torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])
    mapped = homographies @ pixels
    scale = torch.tensor([[2 / (columns - 1)], [2 / (rows - 1)]]).to(homographies)
    grid = (mapped[:, :2] / mapped[:, 2:] * scale - 1).transpose(1, 2).reshape(-1, rows, columns, 2)
    return functional.grid_sample(images - fill, grid, align_corners=True) + fill


def _planes(images: torch.Tensor) -> torch.Tensor:
    """Return bytes (n, rows, columns) or (n, c, rows, columns) as floats with channels."""
    return (images[:, None] if images.ndim == 3 else images).float()


def _torch_optimizer(settings: Optimizer, parameters: list[torch.nn.Parameter], fused: bool) -> torch.optim.Optimizer:
    """Return the optimizer; fused is quicker on a CPU, elsewhere PyTorch keeps the step count where it wants it."""
    match settings:
        case SGD():
            return torch.optim.SGD(
                parameters,
                lr=settings.learning_rate,
                momentum=settings.momentum,
                nesterov=settings.nesterov,
                weight_decay=settings.weight_decay,
                fused=fused,
            )
        case Adam() | AdamW():
            kind = torch.optim.Adam if isinstance(settings, Adam) else torch.optim.AdamW
            return kind(
                parameters,
                lr=settings.learning_rate,
                betas=(settings.beta1, settings.beta2),
                eps=settings.epsilon,
                weight_decay=settings.weight_decay,
                fused=fused,
            )
        case Adagrad():
            return torch.optim.Adagrad(
                parameters,
                lr=settings.learning_rate,
                eps=settings.epsilon,
                weight_decay=settings.weight_decay,
                fused=fused,
            )
