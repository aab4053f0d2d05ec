"""The reference engine: PyTorch, with the whole dataset in memory as uint8 and batched bilinear sampling."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pennyweight.base.errors import EnvironmentRefused
from pennyweight.base.random import seed_word
from pennyweight.nets.torch_module import PlanModule, load_weights
from pennyweight.training.engine import Job, State, Sums
from pennyweight.training.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer

_SLOT_NAMES = {"momentum": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq", "sum": "sum"}


class TorchEngine:
    """Trains and runs a plan with PyTorch on `cpu` or `cuda`."""

    name = "torch"
    bytes_depend_on_threads = True

    def __init__(self, job: Job, device: str = "cpu") -> None:
        """Copy the training images to `device`; raises EnvironmentRefused when it is not there."""
        if device == "cuda" and not torch.cuda.is_available():
            raise EnvironmentRefused("This PyTorch finds no CUDA device; use --device cpu.")
        self.version = str(torch.__version__)
        self.description = f"PyTorch {torch.__version__}"
        self.device = device
        self.threads = torch.get_num_threads()
        self._job = job
        self._images = torch.tensor(job.images, device=device)
        self._labels = torch.tensor(job.labels, device=device).long()
        self._module = PlanModule(job.plan).to(device)
        self._parameters = dict(self._module.named_parameters())
        self._optimizer = _torch_optimizer(job.optimizer, list(self._parameters.values()), fused=device == "cpu")

    def start(self, state: State, steps_done: int) -> None:
        """Take over `state`; see Engine."""
        load_weights(self._module, state)
        for name, parameter in self._parameters.items():
            held = self._optimizer.state[parameter]
            for slot, torch_name in _SLOT_NAMES.items():
                if f"optimizer.{slot}.{name}" in state:
                    held[torch_name] = torch.tensor(state[f"optimizer.{slot}.{name}"], device=self.device)
            if not isinstance(self._job.optimizer, SGD):
                held["step"] = torch.tensor(float(steps_done))

    def advance(
        self,
        first_step: int,
        order: NDArray[np.int64],
        transforms: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> Sums:
        """Train a slice; see Engine."""
        self._module.train()
        chosen = torch.from_numpy(order).to(self.device)
        places = None if transforms is None else torch.from_numpy(transforms).to(self.device)
        losses = torch.zeros(len(learning_rates), device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        for k, (rate, momentum) in enumerate(zip(learning_rates, momenta, strict=True)):
            batch = slice(k * self._job.batch_images, (k + 1) * self._job.batch_images)
            self._set_rate(float(rate), float(momentum))
            # dropout draws from the step's own seed, so that a resumed run draws the same
            torch.manual_seed(seed_word("dropout", self._job.seed, first_step + k))
            labels = self._labels[chosen[batch]]
            pixels = self._pixels(chosen[batch], None if places is None else places[batch])
            logits = self._module(pixels)
            loss = functional.cross_entropy(logits, labels, label_smoothing=self._job.label_smoothing)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses[k] = loss.detach()
            correct += (logits.argmax(1) == labels).sum()
        return Sums(losses.double().cpu().numpy(), int(correct))

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits; see Engine."""
        self._module.eval()
        with torch.inference_mode():
            pixels = self._normalised(torch.tensor(np.ascontiguousarray(images), device=self.device).float())
            result: NDArray[np.float32] = self._module(pixels[:, None]).cpu().numpy()
        return result

    def state(self) -> State:
        """Return copies of the state; see Engine."""
        held = self._module.state_dict()
        names = [tensor.name for tensor in self._job.plan.weights + self._job.plan.buffers]
        state = {name: held[name].cpu().numpy().copy() for name in names}
        for name, parameter in self._parameters.items():
            slots = self._optimizer.state[parameter]
            for slot, torch_name in _SLOT_NAMES.items():
                if torch_name in slots:
                    state[f"optimizer.{slot}.{name}"] = slots[torch_name].cpu().numpy().copy()
        return state

    def _pixels(self, chosen: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
        images = self._images[chosen].float()[:, None]
        return self._normalised(images if places is None else sample(images, places, self._job.fill))

    def _normalised(self, grey: torch.Tensor) -> torch.Tensor:
        return (grey / 255 - self._job.mean) / self._job.spread

    def _set_rate(self, rate: float, momentum: float) -> None:
        group = self._optimizer.param_groups[0]
        group["lr"] = rate
        if "momentum" in group:
            group["momentum"] = momentum
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])


def sample(images: torch.Tensor, places: torch.Tensor, fill: int) -> torch.Tensor:
    """Read images (n, 1, size, size) bilinearly where homographies (n, 3, 3) map each pixel; outside is `fill`."""
    size = images.shape[-1]
    axis = torch.arange(size, dtype=places.dtype, device=places.device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    pixels = torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])
    mapped = places @ pixels
    grid = mapped[:, :2] / mapped[:, 2:] * (2 / (size - 1)) - 1
    grid = grid.transpose(1, 2).reshape(-1, size, size, 2)
    return functional.grid_sample(images - fill, grid, align_corners=True) + fill


def _torch_optimizer(settings: Optimizer, parameters: list[torch.nn.Parameter], fused: bool) -> torch.optim.Optimizer:
    """Return the optimizer; fused is quicker on a CPU, elsewhere PyTorch keeps the step count where it wants it."""
    match settings:
        case SGD(rate, momentum, nesterov, decay):
            return torch.optim.SGD(parameters, rate, momentum, nesterov=nesterov, weight_decay=decay, fused=fused)
        case Adam(rate, beta1, beta2, epsilon, decay):
            return torch.optim.Adam(parameters, rate, (beta1, beta2), epsilon, decay, fused=fused)
        case AdamW(rate, beta1, beta2, epsilon, decay):
            return torch.optim.AdamW(parameters, rate, (beta1, beta2), epsilon, decay, fused=fused)
        case Adagrad(rate, epsilon, decay):
            return torch.optim.Adagrad(parameters, rate, weight_decay=decay, eps=epsilon, fused=fused)
