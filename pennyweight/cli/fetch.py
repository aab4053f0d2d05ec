"""`pennyweight fetch`: download a dataset."""

from typing import Annotated

import typer

from pennyweight.cli.options import Data, Json, complete_dataset
from pennyweight.cli.output import columns, result, result_json, say


def fetch(
    name: Annotated[
        str,
        typer.Argument(metavar="[DATASET]", help="mnist or fashion-mnist.", autocompletion=complete_dataset),
    ] = "mnist",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Download a dataset if it is missing, and check it.

    Existing files that hold other images are left alone and called other-DATASET.

    Exit 3 without a network, within 10 s.

    Example: pennyweight fetch fashion-mnist
    """
    from pennyweight.data.dataset import load
    from pennyweight.data.fetch import data_folder
    from pennyweight.data.sources import EMBEDDED, OTHER
    from pennyweight.reporting.text import wrapped

    dataset = load(name, data, report=say)
    counts = {"train_images": len(dataset.train_labels), "test_images": len(dataset.test_labels)}
    folder = data_folder(data)
    if as_json:
        result_json({"name": dataset.name, "folder": str(folder), **counts, "digest": dataset.digest})
        return
    where = "embedded in the package" if name == EMBEDDED else str(folder / name.removeprefix(OTHER))
    text = (
        f"{dataset.name}: {counts['train_images']:,} training and {counts['test_images']:,} test images, "
        f"{dataset.classes} classes, {where}"
    )
    result(wrapped(text, width=columns()))
