"""Which kernel does each segment's work, and with which literal shapes, as lines of C."""

from dataclasses import dataclass

from pennyweight.native.memory import Memory
from pennyweight.native.segments import Convolution, Does, Tail
from pennyweight.native.tiles import (
    backward_by_tiles,
    backward_by_winograd,
    forward_by_winograd,
    forward_tile,
    needs_points,
    weight_tile,
    weights_by_winograd,
    winograd_strip,
    winograd_tile,
)


@dataclass(frozen=True)
class KernelCalls:
    """The calls of a program's kernels: for one group of images, where a method does not say otherwise."""

    memory: Memory

    def convolution_forward(self, one: Convolution) -> str:
        """Return the call that makes a convolution's raw value."""
        (ci, h, _), (co, oh, ow) = one.step.input_shape, one.step.output_shape
        x, hi, wi = self._input(one)
        weight, *biases = (self.memory.parameter(weight.name) for weight in one.step.weights)
        bias, y, zeros = biases[0] if biases else "0", f"n->v.raw{one.step.number}[g]", f"{one.padding}, {h}"
        if forward_by_winograd(one):
            sizes = f"{ci}, {co}, {hi}, {wi}, {zeros}, {oh}, {ow}, {winograd_tile(co)}"
            return f"winograd_forward({x}, n->v.points{one.step.number}, {bias}, {y}, {sizes});"
        arrays = f"{x}, {weight}, {bias}, {y}"
        if one.depthwise:
            tile = forward_tile(1, ow)[1]
            sizes = f"{ci}, {one.kernel}, {one.stride}, {hi}, {wi}, {zeros}, {oh}, {ow}, {tile}, 0"
            return f"depthwise_forward({arrays}, {sizes});"
        tc, tw = forward_tile(co, ow)
        sizes = f"{ci}, {co}, {one.kernel}, {one.stride}, {hi}, {wi}, {zeros}, {oh}, {ow}, {tc}, {tw}, 0"
        return f"conv_forward({arrays}, {sizes});"

    def weight_gradients(self, one: Convolution) -> list[str]:
        """Return the calls that make the gradients of a convolution's weights and biases."""
        ci, (co, oh, ow) = one.step.input_shape[0], one.step.output_shape
        x, hi, wi = self._input(one)
        d, (_, dh, dw) = self.memory.output_gradient(one)
        weight, *biases = (self.memory.parameter_gradient(weight.name) for weight in one.step.weights)
        k, s, (tc, ti) = one.kernel, one.stride, weight_tile(co, ci, one.kernel)
        arrays, sizes = f"{x}, {d}, {weight}", f"{hi}, {wi}, {dh}, {dw}, {oh}, {ow}"
        if one.depthwise:
            line = f"depthwise_weight_gradient({arrays}, {ci}, {k}, {s}, {sizes});"
        elif weights_by_winograd(one):
            tiles = f"{tc}, {ti}, {winograd_strip(oh, ow)}"
            line = f"winograd_weight_gradient({arrays}, t->room, {ci}, {co}, {sizes}, {tiles});"
        else:
            line = f"conv_weight_gradient({arrays}, {ci}, {co}, {k}, {s}, {sizes}, {tc}, {ti});"
        return [line, *(f"bias_gradient({d}, {bias}, {co}, {s}, {dh}, {dw}, {oh}, {ow});" for bias in biases)]

    def input_gradient(self, one: Convolution, adds: bool) -> str:
        """Return the call that sets the gradient of what a convolution reads, or adds to it."""
        (ci, h, w), (co, oh, ow) = one.step.input_shape, one.step.output_shape
        d, (_, dh, dw) = self.memory.output_gradient(one)
        y, number, k, s = self.memory.gradient(one.source), one.step.number, one.kernel, one.stride
        if backward_by_winograd(one):
            sizes = f"{ci}, {co}, {oh}, {ow}, {one.padding}, {h}, {w}, {winograd_tile(ci)}, {int(adds)}"
            return f"winograd_input_gradient({d}, n->v.points{number}, {y}, {sizes});"
        arrays = f"t->bordered{number}, n->v.flipped{number}, 0, {y}"
        zeros = f"{k - 1 - one.padding}, {(oh - 1) * s + 1}"
        if one.depthwise:
            tile = forward_tile(1, w)[1]
            return f"depthwise_forward({arrays}, {ci}, {k}, 1, {dh}, {dw}, {zeros}, {h}, {w}, {tile}, {int(adds)});"
        tc, tw = forward_tile(ci, w)
        return f"conv_forward({arrays}, {co}, {ci}, {k}, 1, {dh}, {dw}, {zeros}, {h}, {w}, {tc}, {tw}, {int(adds)});"

    def prepare(self, one: Convolution) -> str:
        """Return the calls, one thread's, that bring changed weights into the forms that the kernels read, if any."""
        ci, co = one.step.input_shape[0], one.step.output_shape[0]
        number, weight = one.step.number, self.memory.parameter(one.step.weights[0].name)
        calls = []
        if needs_points(one):
            calls.append(f"transform_weights({weight}, n->v.points{number}, {co * ci * one.kernel});")
        if backward_by_tiles(one):
            kernel, channels = ("depthwise_flip", f"{ci}") if one.depthwise else ("flip_weights", f"{ci}, {co}")
            calls.append(f"{kernel}({weight}, n->v.flipped{number}, {channels}, {one.kernel});")
        return " ".join(calls)

    def moments(self, tail: Tail) -> str:
        """Return the call that sums what BatchNorm needs of a group."""
        assert tail.norm is not None
        source, border = self.memory.source(tail)
        c, h, w = tail.shape
        pre = int(Does.PRE_RELU in tail.does)
        return f"moments({source}, n->v.moments{tail.norm.number}[g], images, {c}, {h}, {w}, {border}, {pre});"

    def join(self, tail: Tail) -> str:
        """Return the call that joins the groups' moments; one thread makes it."""
        assert tail.norm is not None
        number = tail.norm.number
        arrays = f"n->v.moments{number}[0], {self._normalisation(tail)}"
        return f"batchnorm_join({arrays}, {self._batch(tail)});"

    def join_back(self, tail: Tail) -> str:
        """Return the call that joins the groups' sums on the way back; one thread makes it."""
        assert tail.norm is not None
        number = tail.norm.number
        gamma, beta = (self.memory.parameter_gradient(weight.name, "0") for weight in tail.norm.weights)
        arrays = f"n->v.sums{number}[0], n->v.normal{number}, {gamma}, {beta}"
        return f"batchnorm_join_back({arrays}, {self._batch(tail)});"

    def use_running(self, tail: Tail) -> str:
        """Return the call, one thread's, that sets the normalisation of evaluation."""
        return f"batchnorm_running({self._normalisation(tail)}, {tail.shape[0]});"

    def tail_forward(self, tail: Tail, training: bool) -> str:
        """Return the call that makes a tail's value."""
        does = tail.does if training else tail.does & ~Does.DROP
        arrays, sizes = self._tail(tail)
        out = f"{self.memory.value(tail.target)}, {self._key(tail, training)}, {tail.rate!r}f"
        border = self.memory.program.borders[tail.target]
        return f"tail_forward({arrays}, {out}, {sizes}, {border}, {int(does)}, {tail.pool}, {tail.size});"

    def tail_sums(self, tail: Tail) -> str:
        """Return the call that sums what BatchNorm needs of a group on the way back."""
        assert tail.norm is not None
        arrays, sizes = self._tail(tail)
        sums = f"{self.memory.gradient(tail.target)}, n->v.sums{tail.norm.number}[g]"
        key = f"{self._key(tail, True)}, {tail.rate!r}f"
        return f"tail_sums({arrays}, {sums}, {key}, {sizes}, {int(tail.does)}, {tail.pool}, {tail.size});"

    def tail_backward(self, tail: Tail, adds: bool, adds_skip: bool) -> str:
        """Return the call that sets the gradients of what a tail reads, or adds to them; the image has none."""
        arrays, sizes = self._tail(tail)
        one = tail.convolution
        if one:
            target, (_, h, w) = self.memory.output_gradient(one)
        else:
            target, (_, h, w) = self.memory.gradient(tail.source) if tail.source else "0", tail.shape
        aside = self.memory.gradient(tail.skip) if tail.skip else "0"
        if target == aside == "0":
            return ""
        gradients = f"{self.memory.gradient(tail.target)}, {target}, {aside}, {self._key(tail, True)}, {tail.rate!r}f"
        does = f"{int(tail.does)}, {tail.pool}, {tail.size}, {int(adds)}, {int(adds_skip)}"
        stride = one.stride if one else 1
        return f"tail_backward({arrays}, {gradients}, images, {sizes}, {stride}, {h}, {w}, {does});"

    def _input(self, one: Convolution) -> tuple[str, int, int]:
        """Return what a convolution reads, from the corner of its padding, with the stored rows and columns."""
        _, h, w = one.step.input_shape
        border = self.memory.program.borders[one.source]
        columns = w + 2 * border
        return f"{self.memory.value(one.source)} + {(border - one.padding) * (columns + 1)}", h + 2 * border, columns

    def _tail(self, tail: Tail) -> tuple[str, str]:
        """Return source, skip and normalisation of a tail, and its shape with the borders of the first two."""
        source, border = self.memory.source(tail)
        skip, skip_border = "0", 0
        if tail.skip is not None:
            skip, skip_border = self.memory.value(tail.skip), self.memory.program.borders[tail.skip]
        normal = f"n->v.normal{tail.norm.number}" if tail.norm else "0"
        c, h, w = tail.shape
        return f"{source}, {skip}, {normal}", f"{c}, {h}, {w}, {border}, {skip_border}"

    def _normalisation(self, tail: Tail) -> str:
        assert tail.norm is not None
        weights = [self.memory.parameter(weight.name) for weight in tail.norm.weights]
        buffers = [self.memory.buffer(buffer.name) for buffer in tail.norm.buffers]
        return ", ".join([f"n->v.normal{tail.norm.number}", *weights, *buffers])

    def _batch(self, tail: Tail) -> str:
        c, h, w = tail.shape
        return f"n->groups, n->images, {c}, {h * w}"

    def _key(self, tail: Tail, training: bool) -> str:
        return f"dropout_key(n, {tail.target}, g)" if training and Does.DROP in tail.does else "0"
