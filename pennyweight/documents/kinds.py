"""What a document claims, as typed values: one type for each kind of claim, checked by `documents/check.py`.

Accuracies are percentages; recipes are named.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

Shape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Claim:
    """Something a document says of `recipe`, in its words; each kind below adds what it says.

    `contradictions` are the numbers of those that the claim exposes where it does not hold; see
    documents/claims/contradictions.py.
    """

    quote: str
    recipe: str
    contradictions: tuple[int, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class ParameterCount(Claim):
    """The network has so many trained parameters, rounded to `nearest`."""

    params: int
    nearest: int = 1


@dataclass(frozen=True)
class ParameterLimit(Claim):
    """The network has at most `limit` parameters, or fewer where the limit itself is excluded."""

    limit: int
    included: bool


@dataclass(frozen=True)
class ShareOfLimit(Claim):
    """The parameters are so many percent of a limit, to one decimal."""

    limit: int
    percent: float


@dataclass(frozen=True)
class Reduction(Claim):
    """The network has at least so many percent fewer parameters than `before`."""

    before: str
    percent: float


@dataclass(frozen=True)
class MinimalIncrease(Claim):
    """The network has hardly more parameters than `before`: not even half as many again."""

    before: str


@dataclass(frozen=True)
class LayerTable(Claim):
    """The printed parameters of the layers that have any, in order, and the printed total."""

    layers: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class OutputShapes(Claim):
    """Maps (channels, rows, columns) that appear in the network, in this order."""

    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class ReceptiveField(Claim):
    """A unit of the last convolution sees exactly so many pixels in each direction."""

    pixels: int


@dataclass(frozen=True)
class Channels(Claim):
    """The output channels of the convolutions and linear layers, in order."""

    channels: tuple[int, ...]


@dataclass(frozen=True)
class Convolutions(Claim):
    """The number of convolutions."""

    count: int


@dataclass(frozen=True)
class LastKernel(Claim):
    """The kernel size of the last convolution."""

    kernel: int


@dataclass(frozen=True)
class FollowedBy(Claim):
    """Every convolution is followed by a layer of this kind before the next; the last one is counted or not."""

    kind: str
    with_last: bool


@dataclass(frozen=True)
class Contains(Claim):
    """The network has layers of this kind, or has none."""

    kind: str
    present: bool = True


@dataclass(frozen=True)
class Regularization(Claim):
    """The network is trained without regularization, or with it: dropout, weight decay, augmentation and BatchNorm.

    BatchNorm counts because document 003 counts it ("Acts as regularization").
    """

    present: bool


@dataclass(frozen=True)
class Normalization(Claim):
    """Both the images (which every recipe normalises) and the activations (by BatchNorm) are normalised."""


@dataclass(frozen=True)
class SmallLinear(Claim):
    """What linear layers are left hold at most a tenth of the parameters that those of `before` hold."""

    before: str


@dataclass(frozen=True)
class BiasedLinear(Claim):
    """The linear layers have biases, as `Linear(16, 10)` has where nothing else is written."""


@dataclass(frozen=True)
class PoolsMap(Claim):
    """Global average pooling has a map of more than one pixel to pool."""


@dataclass(frozen=True)
class FirstWith(Claim):
    """Of the steps of a document, `recipe` is the first with layers of this kind."""

    kind: str
    earlier: tuple[str, ...]


@dataclass(frozen=True)
class SavedByPooling(Claim):
    """Global average pooling instead of a fully connected layer saves about so many parameters (within a tenth)."""

    params: int


@dataclass(frozen=True)
class Reached(Claim):
    """An accuracy of one run, rounded to `step`: the best or the final epoch on a split (`train`, `val` or `test`)."""

    accuracy: float
    split: str
    which: str
    step: float = 0.01


@dataclass(frozen=True)
class ReachedLoss(Claim):
    """The loss of one run after its final epoch on a split, rounded to `step`."""

    loss: float
    split: str
    step: float = 0.0001


@dataclass(frozen=True)
class TargetEpoch(Claim):
    """The first epoch of one run with at least this accuracy."""

    accuracy: float
    split: str
    epoch: int


@dataclass(frozen=True)
class Held(Claim):
    """From epoch `first` to `last` one run has at least this accuracy, or more where the figure itself is excluded."""

    accuracy: float
    split: str
    first: int
    last: int
    included: bool = True


@dataclass(frozen=True)
class NoOverfitting(Claim):
    """The final weights are no better on clean training images than on the split."""

    split: str


@dataclass(frozen=True)
class Better(Claim):
    """The network ends with a higher accuracy on the split than each of `others`.

    `cause` is what the document gives as the reason, empty where it gives none.
    """

    others: tuple[str, ...]
    split: str
    cause: str = ""


@dataclass(frozen=True)
class Gain(Claim):
    """One run of the network ends so many points above one of `before` on the split."""

    before: str
    points: float
    split: str


@dataclass(frozen=True)
class Sooner(Claim):
    """By epoch `epoch` the network is nearer to this accuracy than `other`, and `cause` is given as the reason."""

    other: str
    accuracy: float
    split: str
    epoch: int
    cause: str


@dataclass(frozen=True)
class SmallerGap(Claim):
    """Running training accuracy exceeds that of the split by less than it does for `other`, after the final epoch."""

    other: str
    split: str


@dataclass(frozen=True)
class Logged(Claim):
    """The document's own log, rounded to a hundredth or a tenth (`step`), shows the accuracy in these epochs."""

    logged: tuple[float, ...]
    accuracy: float
    step: float


@dataclass(frozen=True)
class TypicalFinal(Claim):
    """The final accuracy is not the lowest of the last ones that the document logs."""

    logged: tuple[float, ...]


@dataclass(frozen=True)
class Contradiction:
    """Something in a document that does not agree with the rest of it, or with arithmetic; numbered over all of them.

    It is exposed by claims that carry its number, or told by the words of a recipe's note, or left `unchecked` for a
    reason.
    """

    number: int
    document: str
    what: str
    note: tuple[str, str] | None = None
    """A recipe, and words of its note."""
    unchecked: str = ""
