"""A name of the catalogue is a promise of content, and the promised digests are those of the real images."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from pennyweight.base.record_text import run_record_from_json
from pennyweight.data.dataset import Dataset, load
from pennyweight.data.sources import DATASET_NAMES, EMBEDDED, EMBEDDED_CONTENT, SOURCES, Source, content_name
from pennyweight.runs.published import published_tree

PROMISED = {EMBEDDED: EMBEDDED_CONTENT, **{name: source.content for name, source in SOURCES.items()}}


def digest_by_hand(dataset: Dataset) -> str:
    """SHA-256 over `(60000, 28, 28);` and the bytes, of training images and labels, then of those for testing."""
    arrays = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    return sha256(b"".join(f"{array.shape};".encode() + array.tobytes() for array in arrays)).hexdigest()


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_promised_content_is_that_of_the_published_files(mnist_folder: Path, source: Source) -> None:
    for file in source.files:
        path = mnist_folder / source.name / file.name
        if not path.exists():
            pytest.skip(f"{path} is not there as published")
        assert sha256(path.read_bytes()).hexdigest() == file.expected.sha256
    dataset = load(source.name, mnist_folder, report=pytest.fail)
    assert (dataset.name, digest_by_hand(dataset)) == (source.name, source.content)


def test_the_promised_content_of_the_digits_is_that_of_the_package() -> None:
    dataset = load(EMBEDDED)
    assert (dataset.name, digest_by_hand(dataset)) == (EMBEDDED, EMBEDDED_CONTENT)


def test_a_name_belongs_to_its_published_content_alone() -> None:
    assert set(PROMISED) == set(DATASET_NAMES)
    for name in DATASET_NAMES:
        for owner, digest in {**PROMISED, "nobody": "d" * 64, "unknown": ""}.items():
            assert content_name(name, digest) == (name if owner == name else f"other-{name}")
    for name in ("mine", "other-mnist", "MNIST", ""):
        assert {content_name(name, digest) for digest in PROMISED.values()} == {name}


def test_every_published_record_is_of_the_dataset_it_names() -> None:
    texts = published_tree().texts
    paths, records = list(texts), [run_record_from_json(text, str(path)) for path, text in texts.items()]
    assert len(records) > 200
    others = [
        str(path)
        for path, record in zip(paths, records, strict=True)
        if content_name(record.dataset, record.provenance.dataset_digest) != record.dataset
    ]
    assert others == []
    assert {record.dataset for record in records} == {"mnist", "digits"}


def test_the_images_of_another_dataset_are_not_called_by_the_name_of_their_folder(
    mnist_folder: Path, tmp_path: Path
) -> None:
    if not (mnist_folder / "fashion-mnist").is_dir():
        pytest.skip("Fashion-MNIST not found beside MNIST")
    (tmp_path / "mnist").symlink_to((mnist_folder / "fashion-mnist").absolute())
    said: list[str] = []
    dataset = load("mnist", tmp_path, report=said.append)
    assert np.bincount(dataset.train_labels).tolist() == [6_000] * 10  # not so in MNIST
    assert (dataset.name, dataset.digest) == ("other-mnist", SOURCES["fashion-mnist"].content)
    assert len(said) == 1
