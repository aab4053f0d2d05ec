"""Weight files: what was written is read, and anything else is refused by name."""

import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as save_plain
from support import mnist_plan

from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Linear
from pennyweight.nets.plan import make_plan
from pennyweight.nets.weights import load_weights, read_sealed, save_weights, seal, unseal
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

PLAN = mnist_plan((Conv(2, kernel=3), BatchNorm(), Conv(CLASSES, kernel=1), GlobalAvgPool()))
FACTS = {"recipe": "small", "mean": 0.1307, "classes": ["0", "1"]}
WEIGHTS = initial_weights(PLAN, 0)
SEALED = seal(WEIGHTS, FACTS)


def same(tensors, facts) -> bool:
    return (
        facts == FACTS
        and set(tensors) == set(WEIGHTS)
        and all(tensors[name].dtype == WEIGHTS[name].dtype for name in WEIGHTS)
        and all(tensors[name].shape == WEIGHTS[name].shape for name in WEIGHTS)
        and all(tensors[name].tobytes() == WEIGHTS[name].tobytes() for name in WEIGHTS)
    )


def refused_or_same(content: bytes) -> bool:
    """Return whether `content` is refused, as only a MismatchError may do it; what is accepted must be the same."""
    try:
        tensors, facts = unseal(content, "weights")
    except MismatchError:
        return True
    assert same(tensors, facts)
    return False


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_the_weights_of_every_published_network_survive_a_file(name: str, tmp_path: Path) -> None:
    plan = mnist_plan(find_recipe(name).layers)
    weights = initial_weights(plan, 3)
    save_weights(tmp_path / "weights", plan, weights, {"recipe": name})
    read = load_weights(tmp_path / "weights", plan, name)
    assert set(read) == set(weights)
    assert all(read[key].tobytes() == weights[key].tobytes() for key in weights)


@given(
    shapes=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple), max_size=4),
    kind=st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
    facts=st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=3),
)
def test_any_tensors_and_facts_come_back_as_they_were(shapes, kind, facts) -> None:
    facts.pop("sha256", None)
    generator = np.random.default_rng(len(shapes))
    tensors = {str(number): (100 * generator.random(shape)).astype(kind) for number, shape in enumerate(shapes)}
    read, said = unseal(seal(tensors, facts), "weights")
    assert said == facts
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in read.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in tensors.items()
    }


def test_the_same_content_is_always_the_same_bytes() -> None:
    assert seal(dict(reversed(WEIGHTS.items())), dict(reversed(FACTS.items()))) == SEALED
    strided = {name: np.asfortranarray(array) for name, array in WEIGHTS.items()}
    assert seal(strided, FACTS) == SEALED


def test_every_single_flipped_bit_is_noticed() -> None:
    """All of them: in the length, the header and the tensors; a bit that only changes padding may pass."""
    refused = 0
    for bit in range(8 * len(SEALED)):
        content = bytearray(SEALED)
        content[bit // 8] ^= 1 << bit % 8
        refused += refused_or_same(bytes(content))
    assert refused >= 8 * len(SEALED) - 80


def mutated(generator: random.Random) -> bytes:
    content = bytearray(SEALED)
    at = generator.randrange(len(content))
    until = at + generator.randrange(1, 40)
    match generator.choice(["truncate", "insert", "delete", "zero", "ones", "append", "head"]):
        case "truncate":
            del content[at:]
        case "insert":
            content[at:at] = generator.randbytes(until - at)
        case "delete":
            del content[at:until]
        case "zero":
            content[at:until] = bytes(len(content[at:until]))
        case "ones":
            content[at:until] = b"\xff" * len(content[at:until])
        case "append":
            content += generator.randbytes(until - at)
        case "head":
            content[:8] = generator.randbytes(generator.randrange(9))
    return bytes(content)


def test_a_damaged_file_is_a_mismatch_and_nothing_else() -> None:
    refused = sum(refused_or_same(mutated(random.Random(number))) for number in range(500))
    assert refused > 400


def forged(header: dict[str, object] | str, body: bytes = b"") -> bytes:
    """A safetensors file by hand, with a seal that states no digest of it."""
    seal_text = {"__metadata__": {"pennyweight": '{"sha256":"0"}'}}
    text = (header if isinstance(header, str) else json.dumps({**seal_text, **header})).encode()
    return len(text).to_bytes(8, "little") + text + body


def held(*offsets: int, shape: tuple[int, ...] = (1,), dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


FOREIGN = [
    ("empty", b""),
    ("one byte", b"\0"),
    ("a pickle", pickle.dumps({"1.weight": [1.0]})),
    ("a torch file", b"PK\x03\x04" + bytes(100)),
    ("text", b"progressive-3\n" * 20),
    ("a header longer than the file", (2**40).to_bytes(8, "little") + b"{}"),
    ("a header that is a list", (2).to_bytes(8, "little") + b"[]"),
    ("a header nested deep", (50_000).to_bytes(8, "little") + b"[" * 50_000),
    ("safetensors without a seal", save_plain({"1.weight": np.zeros(3, dtype=np.float32)})),
    ("safetensors of another program", save_plain({"x": np.zeros(3, dtype=np.float32)}, {"format": "pt"})),
    ("a seal that is no JSON", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": "{"})),
    ("a seal that is a list", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": "[]"})),
    ("a seal that is nothing", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": "null"})),
    ("a seal without a digest", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": "{}"})),
    ("a seal with a nan", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": '{"sha256":"0","a":NaN}'})),
    ("tensors that overlap", forged({"a": held(0, 4), "b": held(2, 6)}, bytes(6))),
    ("a hole between tensors", forged({"a": held(0, 4), "b": held(8, 12)}, bytes(12))),
    ("an offset behind the end", forged({"a": held(0, 4), "b": held(4, 8)}, bytes(4))),
    ("a negative offset", forged({"a": held(-4, 0)}, bytes(4))),
    ("an offset that overflows", forged({"a": held(0, 2**64 + 4)}, bytes(4))),
    ("a tensor larger than its bytes", forged({"a": held(0, 4, shape=(2**36,))}, bytes(4))),
    ("sizes whose product overflows", forged({"a": held(0, 4, shape=(2**33, 2**33))}, bytes(4))),
    ("a type NumPy has not", forged({"a": held(0, 4, shape=(2,), dtype="BF16")}, bytes(4))),
    ("a type there is not", forged({"a": held(0, 4, dtype="F33")}, bytes(4))),
    ("one name twice", forged('{"a":' + json.dumps(held(0, 4)) + ',"a":' + json.dumps(held(4, 8)) + "}", bytes(8))),
    ("a header nested very deep", forged("[" * 100_000)),
    ("a claim of a header of 100 MB", (100 << 20).to_bytes(8, "little") + b"{}"),
    ("a digest of another kind", save_plain({"x": np.zeros(1, dtype=np.float32)}, {"pennyweight": '{"sha256":[1]}'})),
]


@pytest.mark.parametrize("content", [case[1] for case in FOREIGN], ids=[case[0] for case in FOREIGN])
def test_a_file_of_another_kind_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(MismatchError) as refused:
        load_weights(path, PLAN, "recipe 'small'")
    assert str(path) in str(refused.value)
    assert "damaged" in str(refused.value)
    assert "\n" not in str(refused.value)


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


def test_a_pickle_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(MismatchError):
        load_weights(path, PLAN, "recipe 'small'")
    assert not (tmp_path / "sprung").exists()
    pickle.loads(path.read_bytes())
    assert (tmp_path / "sprung").exists()


def changed(**arrays: np.ndarray | None) -> dict[str, np.ndarray]:
    names = {name.replace("_", ".", 1): array for name, array in arrays.items()}
    return {name: array for name, array in {**WEIGHTS, **names}.items() if array is not None}


f32 = np.float32
UNFIT = [
    ("a missing tensor", changed(**{"1_weight": None}), "layer 1 (Conv) holds nothing for '1.weight'"),
    ("a missing buffer", changed(**{"2_running_mean": None}), "layer 2 (BatchNorm) holds nothing"),
    (
        "another shape",
        changed(**{"3_weight": np.zeros((10, 4, 1, 1), f32)}),
        "layer 3 (Conv) holds float32 (10, 4, 1, 1) for '3.weight', the network needs float32 (10, 2, 1, 1)",
    ),
    (
        "the same size in another order",
        changed(**{"3_weight": np.ascontiguousarray(WEIGHTS["3.weight"].transpose(1, 0, 2, 3))}),
        "layer 3 (Conv) holds float32 (2, 10, 1, 1)",
    ),
    ("a flat tensor", changed(**{"1_weight": WEIGHTS["1.weight"].ravel()}), "layer 1 (Conv) holds float32 (18,)"),
    ("double precision", changed(**{"1_weight": WEIGHTS["1.weight"].astype(float)}), "layer 1 (Conv) holds float64"),
    ("whole numbers", changed(**{"2_bias": np.zeros(2, np.int32)}), "layer 2 (BatchNorm) holds int32"),
    ("not a number", changed(**{"2_bias": np.array([0, np.nan], f32)}), "layer 2 (BatchNorm) holds a number that is"),
    ("infinite", changed(**{"2_running_var": np.array([1, np.inf], f32)}), "layer 2 (BatchNorm) holds a number that"),
    ("a tensor too many", changed(**{"9_weight": np.zeros(1, f32)}), "it also holds '9.weight'"),
]


@pytest.mark.parametrize(("tensors", "words"), [case[1:] for case in UNFIT], ids=[case[0] for case in UNFIT])
def test_weights_that_do_not_fit_are_refused_by_their_layer(tensors, words: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(seal(tensors, FACTS))
    with pytest.raises(MismatchError) as refused:
        load_weights(path, PLAN, "recipe 'small'")
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("other", [name for name in RECIPE_NAMES if name != "progressive-3"])
def test_the_weights_of_another_recipe_end_in_exit_code_4(other: str, tmp_path: Path) -> None:
    plan = mnist_plan(find_recipe(other).layers)
    save_weights(tmp_path / "weights", plan, initial_weights(plan, 0), {})
    with pytest.raises(MismatchError, match=r"does not fit recipe 'progressive-3': ") as refused:
        load_weights(tmp_path / "weights", mnist_plan(find_recipe("progressive-3").layers), "recipe 'progressive-3'")
    assert refused.value.exit_code == 4


def test_a_network_of_other_classes_does_not_fit(tmp_path: Path) -> None:
    rows = (GlobalAvgPool(), Linear(CLASSES))
    plan = make_plan(rows, 10, (1, 28, 28))
    save_weights(tmp_path / "weights", plan, initial_weights(plan, 0), {})
    with pytest.raises(MismatchError, match=r"layer 2 \(Linear\)"):
        load_weights(tmp_path / "weights", make_plan(rows, 9, (1, 28, 28)), "it")


def test_no_file_and_no_room_are_the_machine_refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="is missing"):
        read_sealed(tmp_path / "nothing")
    with pytest.raises(UnavailableError, match="not a file"):
        read_sealed(tmp_path)
    (tmp_path / "large").write_bytes(SEALED)
    monkeypatch.setattr("pennyweight.nets.weights.LARGEST_FILE_BYTES", 10)
    with pytest.raises(MismatchError, match="at most 10 are read"):
        read_sealed(tmp_path / "large")


def test_only_the_tensors_of_the_plan_are_written(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights", PLAN, {**WEIGHTS, "optimizer.mean.1.weight": WEIGHTS["1.weight"]}, {})
    tensors, facts = read_sealed(tmp_path / "weights")
    assert set(tensors) == set(WEIGHTS)
    assert facts["format"] == "pennyweight-weights"
