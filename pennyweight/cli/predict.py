"""`pennyweight predict`: what a trained network sees in pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.cli.options import Data, Json, Wide, complete_preprocess, complete_recipe
from pennyweight.cli.output import columns, end_with_problems, result, result_json

if TYPE_CHECKING:
    from pennyweight.shipping.predict import Predictions

CALIBRATED = "Probabilities are calibrated on the validation set."


def predict(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Folder of a finished run, or a published recipe's name for the run that the package brings.",
            autocompletion=complete_recipe,
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="PNG, JPEG and NPY files, or folders that hold them.")
    ],
    preprocess: Annotated[
        str | None,
        typer.Option(
            metavar="mnist|none",
            help="mnist: crop, scale and centre as MNIST's digits are, any size, dark or bright ink. none: take "
            "pictures of the network's own size as they are. Default: mnist for networks trained on its digits.",
            autocompletion=complete_preprocess,
        ),
    ] = None,
    data: Data = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Predict what pictures show.

    The label of each with its probability, and the runner-up. Probabilities are calibrated on the run's validation set
    where it has one and its dataset is here.

    Exit 3 or 4 for a file that cannot be read or does not fit; the others are predicted on all the same.

    Examples: pennyweight predict pennyweight-8k seven.png; pennyweight predict runs/skip-3/seed-0 photos --json
    """
    from pennyweight.api import predict as predict_on

    predictions = predict_on(run, *files, preprocess=preprocess, data=data)
    if as_json:
        result_json(_json_values(predictions))
    elif predictions.images:
        result(_text(predictions, columns(wide)))
    end_with_problems(predictions.problems, as_json)


def _text(predictions: "Predictions", width: int) -> str:
    """Return the table, and below it what the probabilities are worth."""
    from pennyweight.reporting.advice import Advice, train_step
    from pennyweight.reporting.text import fitted
    from pennyweight.runs.model import with_validation
    from pennyweight.shipping.predict import predictions_table

    model = predictions.model
    step = () if model.record.val_images else train_step("This trains one that is:", with_validation(model))
    advice = Advice(predictions.not_calibrated, step) if predictions.not_calibrated else Advice(CALIBRATED)
    return f"{fitted(predictions_table(predictions), width)}\n{advice.text(width)}"


def _json_values(predictions: "Predictions") -> dict[str, object]:
    return {
        "run": predictions.model.source,
        "preprocess": predictions.preprocess,
        "temperature": predictions.model.temperature,
        "not_calibrated": predictions.not_calibrated,
        "images": predictions.images,
        "problems": predictions.problems,
    }
