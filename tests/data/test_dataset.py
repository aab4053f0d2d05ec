import gzip
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import mutants

from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.data import sources
from pennyweight.data.dataset import DATASET_NAMES, Dataset, arrays_digest, hold_out, load
from pennyweight.data.normalisation import normalisation_of
from pennyweight.data.sources import MNIST

Array = NDArray[np.uint8]
Arrays = dict[str, Array]


def made(train: int = 40, test: int = 20, seed: int = 3) -> Arrays:
    """Return well-formed arrays by published file name, ten classes in turn."""
    draw = np.random.default_rng(seed)
    return {
        MNIST.train_images.name: draw.integers(0, 256, (train, 28, 28), dtype=np.uint8),
        MNIST.train_labels.name: (np.arange(train) % 10).astype(np.uint8),
        MNIST.test_images.name: draw.integers(0, 256, (test, 28, 28), dtype=np.uint8),
        MNIST.test_labels.name: (np.arange(test) % 10).astype(np.uint8),
    }


def put(folder: Path, arrays: Arrays, packed: bool = True) -> Path:
    (folder / "mnist").mkdir(exist_ok=True)
    for name, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        content = header + array.tobytes()
        (folder / "mnist" / name).write_bytes(gzip.compress(content, compresslevel=1) if packed else content)
    return folder


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with made-up images under mnist/, unpacked, that stand for the published ones."""
    folder = put(tmp_path, made(), packed=False)
    content = replace(MNIST, content=arrays_digest(*made().values()))
    monkeypatch.setitem(sources.SOURCES, "mnist", content)
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(UnavailableError) as caught:
        load("mnist", folder, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_well_formed_dataset_is_loaded_read_only_whatever_its_content(tmp_path: Path) -> None:
    arrays = made()
    dataset = load("mnist", put(tmp_path, arrays), report=lambda line: None)
    found = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    assert all(np.array_equal(one, other) for one, other in zip(found, arrays.values(), strict=True))
    assert not any(array.flags.writeable for array in found)
    assert (dataset.name, dataset.classes, dataset.class_names[3]) == ("other-mnist", 10, "3")
    with pytest.raises(FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]


def test_the_folder_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENNYWEIGHT_DATA", str(put(tmp_path, made())))
    assert len(load("mnist").train_labels) == 40


def test_the_digest_changes_with_any_pixel_label_or_shape_and_not_with_the_name(tmp_path: Path) -> None:
    arrays = made()
    digest = load("mnist", put(tmp_path, arrays)).digest
    (tmp_path / "mnist").rename(tmp_path / "fashion-mnist")
    assert load("fashion-mnist", tmp_path).digest == digest == arrays_digest(*arrays.values())
    for name, array in arrays.items():
        changed = array.copy()
        changed.flat[-1] ^= 1
        assert arrays_digest(*{**arrays, name: changed}.values()) != digest
    assert arrays_digest(np.zeros((2, 3), np.uint8)) != arrays_digest(np.zeros((3, 2), np.uint8))


def heard(name: str, folder: Path) -> tuple[Dataset, list[str]]:
    said: list[str] = []
    return load(name, folder, report=said.append, download=False), said


@pytest.mark.parametrize("packed", [False, True])
def test_the_published_content_has_the_published_name_however_it_is_packed(published: Path, packed: bool) -> None:
    dataset, said = heard("mnist", put(published, made(), packed))
    assert (dataset.name, said) == ("mnist", [])


OTHER_CONTENT: dict[str, Arrays] = {
    "other images": made(seed=4),
    "a test set of ten images": {
        **made(),
        MNIST.test_images.name: made()[MNIST.test_images.name][:10],
        MNIST.test_labels.name: made()[MNIST.test_labels.name][:10],
    },
    "one pixel": {**made(), MNIST.train_images.name: made()[MNIST.train_images.name] ^ (np.arange(28) == 3)},
    "one label": {
        **made(),
        MNIST.test_labels.name: np.where(np.arange(20) == 7, 1, made()[MNIST.test_labels.name]).astype(np.uint8),
    },
    "two images in each other's place": {
        **made(),
        MNIST.test_images.name: made()[MNIST.test_images.name][[1, 0, *range(2, 20)]],
    },
    "training images twice": {
        **made(),
        MNIST.train_images.name: np.concatenate([made()[MNIST.train_images.name]] * 2),
        MNIST.train_labels.name: np.concatenate([made()[MNIST.train_labels.name]] * 2),
    },
    "tested on the first training images": {
        **made(),
        MNIST.test_images.name: made()[MNIST.train_images.name][:20],
        MNIST.test_labels.name: made()[MNIST.train_labels.name][:20],
    },
    "train and t10k exchanged": dict(
        zip(made(), [made()[file.name] for file in (*MNIST.files[2:], *MNIST.files[:2])], strict=True)
    ),
}


@pytest.mark.parametrize("arrays", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
@pytest.mark.parametrize("name", ["mnist", "other-mnist"])
def test_other_content_under_a_published_name_is_loaded_as_other_and_said(
    published: Path, arrays: Arrays, name: str
) -> None:
    dataset, said = heard(name, put(published, arrays))
    assert (dataset.name, dataset.digest) == ("other-mnist", arrays_digest(*arrays.values()))
    assert said == [
        f"{published}/mnist holds other images or labels than the published mnist "
        f"(digest {dataset.digest[:12]}, published {arrays_digest(*made().values())[:12]}): "
        "they are called other-mnist, and no budget for mnist applies to them."
    ]


def test_published_content_asked_for_as_other_is_called_what_it_is(published: Path) -> None:
    dataset, said = heard("other-mnist", published)
    assert dataset.name == "mnist"
    assert said == [f"{published}/mnist holds the published mnist, so this is mnist and not other-mnist."]


@pytest.mark.parametrize("file", [file.name for file in MNIST.files])
def test_a_mutated_raw_file_is_refused_or_called_other_and_never_taken_for_the_published(
    published: Path, file: str
) -> None:
    path = published / "mnist" / file
    original, seed = path.read_bytes(), 20240607
    counts = {"refused": 0, "other-mnist": 0, "mnist": 0}
    for mutant in mutants(original, 250, seed):
        path.unlink()  # Writing over a file can wait for the disk; a new one does not.
        path.write_bytes(mutant)
        try:
            name = heard("mnist", published)[0].name
        except UnavailableError:
            name = "refused"
        assert (name == "mnist") == (mutant == original), f"seed {seed}"
        counts[name] += 1
    assert counts["refused"] > 0 < counts["other-mnist"], counts


def test_an_unknown_name_is_a_usage_error_with_the_nearest_name() -> None:
    for word, meant in (("MNIST", "mnist"), ("fashionmnist", "fashion-mnist"), ("digit", "digits")):
        with pytest.raises(UsageError, match=f"There is no dataset '{word}'. Did you mean '{meant}'"):
            load(word)


@pytest.mark.parametrize("word", ["other-digits", "other-other-mnist", "other-", "kuzushiji"])
def test_names_of_other_content_are_in_no_list_of_known_names(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(word)
    begin = f"There is no dataset '{word}'."
    assert str(caught.value).startswith(begin)
    assert "other-" not in str(caught.value).removeprefix(begin)


def test_missing_files_are_named_with_the_folder_and_the_way_out(tmp_path: Path) -> None:
    arrays = made()
    del arrays[MNIST.test_labels.name]
    message = refused(put(tmp_path, arrays))
    for words in (f"{tmp_path}/mnist lacks {MNIST.test_labels.name}.", *MNIST.mirrors, "--dataset digits"):
        assert words in message
    assert MNIST.train_images.name not in message


@pytest.mark.parametrize("label", [10, 255])
@pytest.mark.parametrize("name", [MNIST.train_labels.name, MNIST.test_labels.name])
def test_a_label_out_of_range_is_refused_with_its_index(tmp_path: Path, name: str, label: int) -> None:
    arrays = made()
    arrays[name][13] = label
    message = refused(put(tmp_path, arrays))
    assert f"label {label} at index 13 of {tmp_path}/mnist/{name}, but mnist has classes 0 to 9" in message


def test_a_class_missing_in_training_is_refused_by_name(tmp_path: Path) -> None:
    arrays = made()
    arrays[MNIST.train_labels.name][arrays[MNIST.train_labels.name] == 7] = 8
    assert "no image of class 7 (7) among its 40 labels" in refused(put(tmp_path, arrays))


def test_unequal_counts_are_refused_with_both(tmp_path: Path) -> None:
    arrays = made()
    arrays[MNIST.train_labels.name] = arrays[MNIST.train_labels.name][:-1]
    message = refused(put(tmp_path, arrays))
    assert "holds 40 images" in message
    assert "holds 39 labels" in message


def test_images_of_another_size_are_refused_with_both(tmp_path: Path) -> None:
    arrays = made()
    arrays[MNIST.test_images.name] = np.zeros((20, 32, 30), np.uint8)
    message = refused(put(tmp_path, arrays))
    assert "32x30 pixels" in message
    assert "28x28" in message


@pytest.mark.parametrize("kinds", [("images",), ("labels",), ("images", "labels")])
def test_train_and_test_files_that_changed_places_are_recognised(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    blank = {"images": np.zeros((60_000, 28, 28), np.uint8), "labels": (np.arange(60_000) % 10).astype(np.uint8)}
    arrays: Arrays = {}
    for kind, name in (("images", "-images-idx3-ubyte.gz"), ("labels", "-labels-idx1-ubyte.gz")):
        counts = (10_000, 60_000) if kind in kinds else (60_000, 10_000)
        arrays |= {"train" + name: blank[kind][: counts[0]], "t10k" + name: blank[kind][: counts[1]]}
    message = refused(put(tmp_path, arrays))
    assert "train and t10k files are mixed up" in message
    assert "10,000" in message
    assert "60,000" in message


def test_one_file_of_the_other_part_is_recognised(tmp_path: Path) -> None:
    arrays = made()
    arrays[MNIST.train_images.name] = np.zeros((60_000, 28, 28), np.uint8)
    arrays[MNIST.train_labels.name] = np.zeros(10_000, np.uint8)
    message = refused(put(tmp_path, arrays))
    assert "60,000 images" in message
    assert "10,000 labels; the train and t10k files are mixed up" in message


def test_testing_on_the_training_images_is_refused(tmp_path: Path) -> None:
    arrays = made()
    arrays[MNIST.test_images.name] = arrays[MNIST.train_images.name]
    arrays[MNIST.test_labels.name] = arrays[MNIST.train_labels.name]
    assert "hold the same 40 images" in refused(put(tmp_path, arrays))


def of_labels(labels: Array, classes: int = 10) -> Dataset:
    """Return a dataset whose image number i holds i in its first bytes, so that images can be told apart."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)) % 256, np.arange(len(labels)) // 256
    return Dataset("made", tuple("0123456789"[:classes]), images, labels, images[:1], labels[:1], "")


def numbers(images: Array) -> list[int]:
    return [int(low) + 256 * int(high) for low, high in zip(images[:, 0, 0], images[:, 0, 1], strict=True)]


@settings(max_examples=60, deadline=None, database=None, print_blob=True)
@given(
    sizes=st.lists(st.integers(2, 60), min_size=10, max_size=10), percent=st.integers(0, 40), seed=st.integers(0, 99)
)
def test_a_hold_out_takes_its_share_of_every_class_and_keeps_the_order(
    sizes: list[int], percent: int, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(10, dtype=np.uint8), sizes))
    dataset = of_labels(labels)
    val_count = len(labels) * percent // 100
    split = hold_out(dataset, val_count)
    train, val = numbers(split.train_images), numbers(split.val_images)
    assert len(val) == val_count
    assert train == sorted(train)
    assert val == sorted(val)
    assert sorted(train + val) == list(range(len(labels)))
    assert np.array_equal(split.train_labels, labels[train])
    assert np.array_equal(split.val_labels, labels[val])
    shares = np.bincount(split.val_labels, minlength=10)
    assert (np.abs(shares - np.array(sizes) * val_count / len(labels)) < 1).all()


def test_sorted_or_not_a_hold_out_has_the_same_counts_per_class() -> None:
    labels = np.random.default_rng(5).integers(0, 10, 700).astype(np.uint8)
    mixed, in_order = hold_out(of_labels(labels), 100), hold_out(of_labels(np.sort(labels)), 100)
    assert np.array_equal(np.bincount(mixed.val_labels), np.bincount(in_order.val_labels))


def test_the_same_images_are_held_out_every_time_and_the_parts_are_read_only() -> None:
    dataset = load("digits")
    first, second = hold_out(dataset, 143), hold_out(dataset, 143)
    assert arrays_digest(first.val_images, first.val_labels) == arrays_digest(second.val_images, second.val_labels)
    assert not any(part.flags.writeable for part in vars(first).values())
    larger = {image.tobytes() for image in hold_out(dataset, 300).val_images}
    assert {image.tobytes() for image in first.val_images} <= larger  # A larger hold-out contains the smaller one.


def test_holding_out_nothing_copies_nothing() -> None:
    dataset = load("digits")
    split = hold_out(dataset, 0)
    assert split.train_images is dataset.train_images
    assert split.val_images.shape == (0, 28, 28)
    assert split.val_labels.shape == (0,)


def test_an_impossible_hold_out_is_a_usage_error_with_both_numbers() -> None:
    dataset = load("digits")
    for val_count in (-1, 1437, 5000):
        with pytest.raises(UsageError, match=f"{val_count:,} of 1,437 training images"):
            hold_out(dataset, val_count)
    rare = of_labels(np.array([0] * 50 + [1], np.uint8), classes=2)
    with pytest.raises(UsageError, match="Holding out 40 of 51 training images takes all 1 of class '1'"):
        hold_out(rare, 40)


def test_mean_and_std_are_those_of_all_pixels_in_floating_point() -> None:
    images = np.random.default_rng(1).integers(0, 256, (9_000, 4, 4), dtype=np.uint8)
    found = normalisation_of(images)
    assert found.mean[0] == pytest.approx(images.mean(dtype=np.float64) / 255, rel=1e-12)
    assert found.std[0] == pytest.approx(images.std(dtype=np.float64) / 255, rel=1e-12)
    assert normalisation_of(np.full((3, 2, 2), 51, np.uint8)).std == (0,)
    with pytest.raises(UsageError, match="no images"):
        normalisation_of(images[:0])


def test_the_real_mnist_has_the_mean_and_std_everybody_quotes(mnist_folder: Path) -> None:
    dataset = load("mnist", mnist_folder, report=pytest.fail)
    found = normalisation_of(dataset.train_images)
    assert (round(found.mean[0], 4), round(found.std[0], 4)) == (0.1307, 0.3081)
    assert (dataset.train_images.shape, dataset.test_images.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    assert dataset.train_labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert dataset.name == "mnist"


def test_the_real_fashion_mnist_is_balanced(mnist_folder: Path) -> None:
    if not (mnist_folder / "fashion-mnist").is_dir():
        pytest.skip("Fashion-MNIST not found beside MNIST")
    dataset = load("fashion-mnist", mnist_folder, report=pytest.fail)
    assert np.bincount(dataset.train_labels).tolist() == [6_000] * 10
    assert dataset.class_names[9] == "Ankle boot"
    assert dataset.name == "fashion-mnist"


def test_the_three_names_are_known() -> None:
    assert DATASET_NAMES == ("mnist", "fashion-mnist", "digits")


def test_a_dataset_may_be_replaced_in_part() -> None:
    dataset = load("digits")
    assert replace(dataset, name="mine").digest == dataset.digest
