"""What is known of each named dataset: its files with size and digest, its classes, its mirrors, its content."""

from dataclasses import dataclass

from pennyweight.data.download import Expected

EMBEDDED = "digits"
EMBEDDED_CONTENT = "5d946e25b9bf7c0f3c4d57909d20adab9d6712ce5b16df7aa38bb9648eb362a6"
OTHER = "other-"
"""What stands before the name of a dataset whose folder holds other content than the published one."""
ELSEWHERE = dict.fromkeys(("kmnist", "emnist", "qmnist", "notmnist", "cifar10", "cifar100", "svhn", "usps"), "")
"""Datasets by other authors, whose names come near ours: none of ours is meant."""


OWN_IMAGES = (
    "Images of your own are read from four files like those of mnist, IDX with 28x28 grey pixels and labels 0 to 9, in "
    "FOLDER/mnist/ with --data FOLDER; in Python, a Dataset may have any size and classes (docs/data.md)."
)
"""What to say to who brings other images than a named dataset."""


@dataclass(frozen=True)
class SourceFile:
    """One published file: the name it has at every mirror, its size in bytes and its SHA-256."""

    name: str
    expected: Expected

    def spellings(self) -> tuple[str, str, str]:
        """Return the names it is accepted under: as published, unpacked, and unpacked by other programs."""
        raw = self.name.removesuffix(".gz")
        return (self.name, raw, raw.replace("-idx", ".idx"))


@dataclass(frozen=True)
class Source:
    """A dataset that can be downloaded: its four files, its classes, its mirrors (ending in `/`), its counts.

    `content` is the digest of the four arrays (`dataset.arrays_digest`), however the files are packed.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: SourceFile
    train_labels: SourceFile
    test_images: SourceFile
    test_labels: SourceFile
    mirrors: tuple[str, ...]
    content: str
    train_count: int = 60_000
    test_count: int = 10_000

    @property
    def files(self) -> tuple[SourceFile, SourceFile, SourceFile, SourceFile]:
        """The files in the order train images, train labels, test images, test labels."""
        return (self.train_images, self.train_labels, self.test_images, self.test_labels)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


def _file(name: str, size_bytes: int, digest: str) -> SourceFile:
    return SourceFile(name, Expected(size_bytes, digest))


MNIST = Source(
    name="mnist",
    class_names=tuple("0123456789"),
    train_images=_file(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    train_labels=_file(
        "train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    test_images=_file(
        "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    test_labels=_file(
        "t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    content="428ee01d9c9dc909ef25a58d133a7dfa1ea4e55c3b63511dfc5af9e4267f8a60",
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    train_images=_file(
        "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    train_labels=_file(
        "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    test_images=_file(
        "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    test_labels=_file(
        "t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
    # The first, a website of S3, speaks only http; the SHA-256 is what guards the content.
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    content="05f9890383ab06a1a9a943426bcec963d9c8f5452b4765bc22d5346fc9257683",
)

SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST)}
DATASET_NAMES = (*SOURCES, EMBEDDED)


def has_command(name: str) -> bool:
    """Return whether a command can name this dataset; one that was made in Python has a name for people alone."""
    return name == EMBEDDED or name.removeprefix(OTHER) in SOURCES


def content_name(name: str, digest: str) -> str:
    """Return what content with this digest may be called that came under the name of a dataset.

    That is the name where the digest is the published one, `other-NAME` where it is not. A name that is not
    in DATASET_NAMES promises nothing and stays as it is.
    """
    published = {EMBEDDED: EMBEDDED_CONTENT, **{source.name: source.content for source in SOURCES.values()}}
    return name if published.get(name, digest) == digest else OTHER + name
