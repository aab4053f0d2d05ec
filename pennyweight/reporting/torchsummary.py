"""A network's layers in the table that torchsummary prints, which courses ask for and the documents show."""

from math import prod

from pennyweight.nets.measure import FLOAT_BYTES, measure
from pennyweight.nets.plan import Plan

MODULES = {
    "Conv": "Conv2d",
    "Depthwise": "Conv2d",
    "BatchNorm": "BatchNorm2d",
    "Relu": "ReLU",
    "MaxPool": "MaxPool2d",
    "AvgPool": "AvgPool2d",
    "GlobalAvgPool": "AdaptiveAvgPool2d",
}
"""What PyTorch calls a layer, where it has another name for it."""
THIN, THICK = "-" * 64, "=" * 64
MEGABYTE = 1024**2


def torchsummary_text(plan: Plan) -> str:
    """Return one line per node with its output and trained parameters, then totals and sizes in 2^20 bytes.

    As torchsummary counts them: the batch is written -1, buffers are no parameters, and every output is kept with its
    gradient. The sum of a residual has a line of its own, `Add`.
    """
    costs, rows, is_vector = measure(plan), list[str](), False
    for layer in costs.layers:
        is_vector = is_vector or layer.kind == "Linear"
        shape = layer.output_shape[:1] if is_vector else layer.output_shape
        name = f"{MODULES.get(layer.kind, layer.kind)}-{layer.number}"
        rows.append(f"{name:>20}  {[-1, *shape]!s:>25} {layer.params:>15,}")
    sizes = {
        "Input size": prod(plan.image_shape) * FLOAT_BYTES,
        "Forward/backward pass size": 2 * sum(layer.activation_bytes for layer in costs.layers),
        "Params size": costs.params * FLOAT_BYTES,
    }
    sizes["Estimated Total Size"] = sum(sizes.values())
    return "\n".join(
        [
            THIN,
            f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}",
            THICK,
            *rows,
            THICK,
            f"Total params: {costs.params:,}",
            f"Trainable params: {costs.params:,}",
            "Non-trainable params: 0",
            THIN,
            *(f"{name} (MB): {size / MEGABYTE:.2f}" for name, size in sizes.items()),
            THIN,
        ]
    )
