"""What a document claims, as typed values: one type for each kind of claim, checked by `judging/claims.py`.

`quote` holds the document's words. Accuracies are percentages; recipes are named.
"""

from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class DocumentClaim:
    """Something a document says; each kind below adds what it is about."""

    quote: str


@dataclass(frozen=True)
class ParameterCount(DocumentClaim):
    """The network has so many trained parameters, rounded to `nearest`."""

    recipe: str
    params: int
    nearest: int = 1


@dataclass(frozen=True)
class ParameterLimit(DocumentClaim):
    """The network has at most `limit` parameters, or fewer where the limit itself is excluded."""

    recipe: str
    limit: int
    included: bool


@dataclass(frozen=True)
class ShareOfLimit(DocumentClaim):
    """The parameters are so many percent of a limit, to one decimal."""

    recipe: str
    limit: int
    percent: float


@dataclass(frozen=True)
class Reduction(DocumentClaim):
    """`small` has at least so many percent fewer parameters than `large`."""

    large: str
    small: str
    percent: float


@dataclass(frozen=True)
class MinimalIncrease(DocumentClaim):
    """`large` has hardly more parameters than `small`: not even half as many again."""

    small: str
    large: str


@dataclass(frozen=True)
class LayerTable(DocumentClaim):
    """The printed parameters of the layers that have any, in order, and the printed total."""

    recipe: str
    layers: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class OutputShapes(DocumentClaim):
    """Maps (channels, rows, columns) that appear in the network, in this order."""

    recipe: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class ReceptiveField(DocumentClaim):
    """A unit of the last convolution sees exactly so many pixels in each direction."""

    recipe: str
    pixels: int


@dataclass(frozen=True)
class Channels(DocumentClaim):
    """The output channels of the convolutions and linear layers, in order."""

    recipe: str
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Convolutions(DocumentClaim):
    """The number of convolutions."""

    recipe: str
    count: int


@dataclass(frozen=True)
class LastKernel(DocumentClaim):
    """The kernel size of the last convolution."""

    recipe: str
    kernel: int


@dataclass(frozen=True)
class FollowedBy(DocumentClaim):
    """Every convolution is followed by a row of this kind before the next; the last one is counted or not."""

    recipe: str
    kind: str
    with_last: bool


@dataclass(frozen=True)
class Contains(DocumentClaim):
    """The network has rows of this kind, or has none."""

    recipe: str
    kind: str
    present: bool = True


@dataclass(frozen=True)
class NoRegularization(DocumentClaim):
    """The network is trained without dropout, weight decay and augmentation."""

    recipe: str


@dataclass(frozen=True)
class FirstWith(DocumentClaim):
    """Of the steps of a document, `recipe` is the first with rows of this kind."""

    recipe: str
    kind: str
    earlier: tuple[str, ...]


@dataclass(frozen=True)
class SavedByPooling(DocumentClaim):
    """Global average pooling instead of a fully connected layer saves about so many parameters (within a tenth)."""

    recipe: str
    params: int


@dataclass(frozen=True)
class Reached(DocumentClaim):
    """An accuracy of one run: the best or the final epoch on a split (`train`, `val` or `test`)."""

    recipe: str
    accuracy: float
    split: str
    which: str


@dataclass(frozen=True)
class TargetEpoch(DocumentClaim):
    """The first epoch with at least this accuracy."""

    recipe: str
    accuracy: float
    split: str
    epoch: int


@dataclass(frozen=True)
class Held(DocumentClaim):
    """The accuracy is at least this, or above it where the figure itself is excluded, from epoch `first` to `last`."""

    recipe: str
    accuracy: float
    split: str
    first: int
    last: int
    included: bool = True


@dataclass(frozen=True)
class NoOverfitting(DocumentClaim):
    """Final training accuracy does not exceed that of the split."""

    recipe: str
    split: str


@dataclass(frozen=True)
class Better(DocumentClaim):
    """`recipe` ends with a higher accuracy on the split than each of `others`."""

    recipe: str
    others: tuple[str, ...]
    split: str


@dataclass(frozen=True)
class Logged(DocumentClaim):
    """The document's own log, rounded to a hundredth or a tenth (`step`), shows the accuracy in these epochs."""

    logged: tuple[float, ...]
    accuracy: float
    step: float
