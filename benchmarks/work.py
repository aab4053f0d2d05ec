"""The floor under training: floating-point operations of an epoch, counted from the layers."""

from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan

EPOCH_IMAGES = 60_000


def epoch_flop(plan: Plan) -> tuple[float, float, float]:
    """Return the FLOP of an epoch: forward, input gradients (the image itself needs none), weight gradients."""
    layers = measure(plan).layers
    forward = 2.0 * EPOCH_IMAGES * sum(layer.macs for layer in layers)
    first = next(node for node in plan.nodes if node.weights)
    spared = 2.0 * EPOCH_IMAGES * layers[first.number - 1].macs if first.inputs == (0,) else 0.0
    return forward, forward - spared, forward
