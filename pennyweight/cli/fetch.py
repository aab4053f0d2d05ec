"""`pennyweight fetch`: a dataset onto this machine."""

from typing import Annotated

import typer

from pennyweight.cli.options import Data, Json, complete_dataset
from pennyweight.cli.output import result, result_json, say


def fetch(
    name: Annotated[str, typer.Argument(metavar="DATASET", autocompletion=complete_dataset)] = "mnist",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Get a dataset if it is not there yet, and check it.

    Exit 3 when there is no network, known within 10 s.

    Example: pennyweight fetch fashion-mnist
    """
    from pennyweight.data.dataset import load
    from pennyweight.data.sources import data_folder

    dataset = load(name, data, report=say)
    counts = {"train_images": len(dataset.train_labels), "test_images": len(dataset.test_labels)}
    if as_json:
        return result_json({"name": name, "folder": str(data_folder(data)), **counts, "digest": dataset.digest})
    where = "embedded in the package" if name == "digits" else str(data_folder(data) / name)
    return result(
        f"{name}: {counts['train_images']:,} training and {counts['test_images']:,} test images, "
        f"{dataset.classes} classes, {where}"
    )
