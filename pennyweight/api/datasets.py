"""The images of a dataset, by its name."""

from pathlib import Path

from pennyweight.base.errors import UnavailableError
from pennyweight.base.records import RunRecord
from pennyweight.base.stop import Stop, never
from pennyweight.base.values import coerce
from pennyweight.data.dataset import Dataset
from pennyweight.data.dataset import load as read_dataset
from pennyweight.data.sources import has_command
from pennyweight.runs.request import DEFAULT_DATASET


def load_dataset(
    name: str | Dataset = DEFAULT_DATASET, data: str | Path | None = None, *, stop: Stop = never
) -> Dataset:
    """Return a dataset by name, from `data`, $PENNYWEIGHT_DATA or the cache; what is missing is downloaded.

    A Dataset itself is returned as it is.

    Other content than the published one is called `other-NAME`, and a sentence on stderr says so.

    >>> pw.dataset("digits")
    <Dataset digits: 1,437 training and 360 test images, 28x28 pixels, 10 classes>
    """
    if isinstance(name, Dataset):
        return name
    coerce("The name of a dataset", name, str)
    coerce("data", data, str | Path | None)
    return read_dataset(name, Path(data) if data else None, stop=stop)


def dataset_of(record: RunRecord, dataset: str | Dataset | None, data: str | Path | None, function: str) -> Dataset:
    """Return `dataset`, by default what a run was trained on; `function` of `pw` is what the images are for.

    Raises UnavailableError for a run on a Dataset of one's own, which no name stands for, where none is given.
    """
    if dataset is None and not has_command(record.dataset):
        raise UnavailableError(
            f"This run of '{record.recipe}' was trained on {record.dataset!r}, a Dataset of your own, which no command "
            f"can name. In Python: pw.{function}(RUN, dataset=...)."
        )
    return load_dataset(record.dataset if dataset is None else dataset, data)
