"""A training step as phases of calls: what runs for every group of images, and what one thread reduces after it.

BatchNorm needs sums over the batch, so a phase ends wherever one is needed. A value that is recomputed in the backward
pass lies in a thread's scratch, so it is made and read within one phase.
"""

from dataclasses import dataclass, field

from pennyweight.native.calls import Call, KernelCalls
from pennyweight.native.program import Convolution, Epilogue, Program, Segment


@dataclass
class Phase:
    """Calls for every group of images, then calls of one thread over all groups."""

    calls: list[Call] = field(default_factory=list)
    reduction: list[Call] = field(default_factory=list)


def forward_pass(program: Program, kernels: KernelCalls, training: bool) -> list[Call]:
    """Return the calls of a forward pass of one group, with or without dropout; BatchNorm's statistics are ready."""
    return [_forward(segment, kernels, training) for segment in program.segments]


def training_step(program: Program, kernels: KernelCalls) -> list[Phase]:
    """Return the phases of a training step: forward pass, loss, backward pass."""
    phases = [Phase([kernels.load()])]
    for segment in program.segments:
        if isinstance(segment, Epilogue) and segment.norm:
            phases[-1].calls.append(kernels.moments(segment))
            phases[-1].reduction.append(kernels.reduce_moments(segment))
            phases.append(Phase())
        phases[-1].calls.append(_forward(segment, kernels, training=True))
    phases[-1].calls.append(kernels.score())
    _append_backward(phases, program, kernels)
    return phases


def _forward(segment: Segment, kernels: KernelCalls, training: bool) -> Call:
    if isinstance(segment, Convolution):
        return kernels.conv_forward(segment)
    return kernels.epilogue_forward(segment, training)


def _append_backward(phases: list[Phase], program: Program, kernels: KernelCalls) -> None:
    has_gradient: set[int] = set()  # what comes later adds to the gradients of these values
    for segment in reversed(program.segments):
        if isinstance(segment, Convolution):
            phases[-1].calls += _convolution_backward(program, kernels, segment, segment.source in has_gradient)
            has_gradient.add(segment.source)
            continue
        if segment.norm:
            phases[-1].calls.append(kernels.epilogue_sums(segment))
            phases[-1].reduction.append(kernels.reduce_gradients(segment))
            phases.append(Phase())
        adds_skip = segment.skip in has_gradient
        if segment.skip is not None:
            has_gradient.add(segment.skip)
        adds = segment.convolution is None and segment.source in has_gradient
        phases[-1].calls += kernels.epilogue_backward(segment, adds, adds_skip)
        if segment.convolution is None:
            has_gradient.add(segment.source)


def _convolution_backward(program: Program, kernels: KernelCalls, conv: Convolution, adds: bool) -> list[Call]:
    calls = []
    if conv.source in program.recomputed:
        calls += [kernels.epilogue_forward(it, True) for it in program.epilogues if it.target == conv.source]
    calls += kernels.weight_gradients(conv)
    if conv.plan.input_gradient:
        calls.append(kernels.input_gradient(conv, adds))
    return calls
