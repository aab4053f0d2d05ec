"""Homographies: sizes of movements, keys of draws, and agreement with an independent composition of matrices."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennyweight.base.errors import UsageError
from pennyweight.base.random import uniforms
from pennyweight.data.augment import DRAWS_PER_IMAGE, Augmentation, homographies

SIZE = 28
CENTRE = 13.5
EVERYTHING = Augmentation(
    rotation_degrees=10,
    shift_fraction=0.1,
    scale_low=0.8,
    scale_high=1.2,
    shear_degrees=10,
    perspective_distortion=0.5,
    perspective_probability=0.5,
)


def moved(matrices: np.ndarray, x: float, y: float) -> np.ndarray:
    """Return where an output pixel is read from, shape (n, 2)."""
    mapped = matrices.astype(np.float64) @ np.array([x, y, 1.0])
    return mapped[:, :2] / mapped[:, 2:]


def make(augmentation: Augmentation, images: int = 500, seed: int = 3, epoch: int = 1) -> np.ndarray:
    return homographies(augmentation, images, SIZE, SIZE, seed=seed, epoch=epoch)


@settings(max_examples=25, deadline=None)
@given(fraction=st.floats(0, 0.5), seed=st.integers(0, 2**31))
def test_shift_never_moves_a_pixel_more_than_asked(fraction: float, seed: int) -> None:
    places = moved(make(Augmentation(shift_fraction=fraction), seed=seed), 5.0, 20.0)
    assert np.abs(places - [5.0, 20.0]).max() <= fraction * SIZE + 1e-4


@settings(max_examples=25, deadline=None)
@given(degrees=st.floats(0, 90), seed=st.integers(0, 2**31))
def test_rotation_keeps_the_centre_and_every_distance_from_it(degrees: float, seed: int) -> None:
    matrices = make(Augmentation(rotation_degrees=degrees), seed=seed)
    assert moved(matrices, CENTRE, CENTRE) == pytest.approx(np.full((500, 2), CENTRE), abs=1e-3)
    arm = moved(matrices, CENTRE + 10, CENTRE) - CENTRE
    assert np.hypot(*arm.T) == pytest.approx(np.full(500, 10.0), abs=1e-3)
    turned = np.abs(np.rad2deg(np.arctan2(arm[:, 1], arm[:, 0])))
    assert turned.max() <= degrees + 1e-3


def test_scale_enlarges_by_at_most_what_is_asked_and_uses_the_whole_range() -> None:
    arm = moved(make(Augmentation(scale_low=0.8, scale_high=1.3), 5000), CENTRE + 10, CENTRE) - CENTRE
    enlarged = 10 / arm[:, 0]
    assert 0.8 - 1e-4 <= enlarged.min() < 0.81
    assert 1.29 < enlarged.max() <= 1.3 + 1e-4


def test_affine_is_the_inverse_of_scale_shear_turn_shift() -> None:
    augmentation = Augmentation(
        rotation_degrees=20, shift_fraction=0.1, scale_low=0.7, scale_high=1.4, shear_degrees=15
    )
    draws = uniforms(50 * DRAWS_PER_IMAGE, "augment", 9, 4).reshape(50, DRAWS_PER_IMAGE)
    found = homographies(augmentation, 50, SIZE, SIZE, seed=9, epoch=4)
    for draw, matrix in zip(draws, found, strict=True):
        angle = np.deg2rad(20 * (2 * draw[0] - 1))
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        slant = np.array([[1, np.tan(np.deg2rad(15 * (2 * draw[4] - 1))), 0], [0, 1, 0], [0, 0, 1]])
        scale = np.diag([0.7 + 0.7 * draw[3], 0.7 + 0.7 * draw[3], 1])
        centre = np.array([[1, 0, CENTRE], [0, 1, CENTRE], [0, 0, 1]])
        shift = np.eye(3)
        shift[:2, 2] = 0.1 * SIZE * (2 * draw[1:3] - 1)
        forward = shift @ centre @ turn @ slant @ scale @ np.linalg.inv(centre)
        assert matrix == pytest.approx(np.linalg.inv(forward), abs=1e-4)


def test_perspective_reads_the_corners_of_the_image_at_the_moved_corners() -> None:
    augmentation = Augmentation(perspective_distortion=0.4, perspective_probability=1.0)
    draws = uniforms(50 * DRAWS_PER_IMAGE, "augment", 1, 1).reshape(50, DRAWS_PER_IMAGE)[:, 6:14].reshape(50, 4, 2)
    found = homographies(augmentation, 50, SIZE, SIZE, seed=1, epoch=1)
    inwards = draws * 0.4 * SIZE / 2
    for corner, (x, y) in enumerate([(0, 0), (27, 0), (27, 27), (0, 27)]):
        for image in range(50):
            dx, dy = inwards[image, corner] * [1 if x == 0 else -1, 1 if y == 0 else -1]
            assert moved(found[image : image + 1], x + dx, y + dy)[0] == pytest.approx([x, y], abs=1e-3)


def test_perspective_is_applied_to_the_share_that_was_asked() -> None:
    matrices = make(Augmentation(perspective_distortion=0.3, perspective_probability=0.3), 10_000)
    touched = ~np.isclose(matrices, np.eye(3), atol=1e-6).all(axis=(1, 2))
    assert touched.mean() == pytest.approx(0.3, abs=0.02)


def test_no_two_images_and_no_two_epochs_or_seeds_share_a_draw() -> None:
    everything = np.concatenate([make(EVERYTHING, seed=s, epoch=e) for s in (0, 1) for e in (1, 2)])
    assert len(np.unique(everything.reshape(len(everything), 9), axis=0)) == len(everything)


def test_a_draw_depends_on_seed_epoch_and_sample_alone() -> None:
    assert (make(EVERYTHING, 500)[:100] == make(EVERYTHING, 100)).all()


def test_a_new_kind_of_movement_does_not_change_the_draws_of_the_others() -> None:
    alone = make(Augmentation(rotation_degrees=5))
    with_shift = make(Augmentation(rotation_degrees=5, shift_fraction=0.1))
    assert (alone[:, :2, :2] == with_shift[:, :2, :2]).all()


@pytest.mark.parametrize(
    ("augmentation", "moves"),
    [
        (Augmentation(), False),
        (Augmentation(fill=255), False),
        (Augmentation(perspective_probability=0.5), False),
        (Augmentation(perspective_distortion=0.5), False),
        (Augmentation(shift_fraction=0.1), True),
        (Augmentation(scale_high=1.1), True),
        (Augmentation(perspective_distortion=0.5, perspective_probability=0.1), True),
    ],
)
def test_images_are_left_alone_unless_something_moves_them(augmentation: Augmentation, moves: bool) -> None:
    assert augmentation.moves_images is moves


PERSPECTIVE = {"perspective_distortion", "perspective_probability"}


@pytest.mark.parametrize("name", sorted({field.name for field in fields(Augmentation)} - {"fill"} - PERSPECTIVE))
def test_every_field_but_the_fill_moves_images_by_itself(name: str) -> None:
    assert replace(Augmentation(), **{name: 0.5}).moves_images


@pytest.mark.parametrize(
    "bad",
    [{"rotation_degrees": -1.0}, {"shift_fraction": 2.0}, {"scale_low": 1.5}, {"fill": 256}, {"shear_degrees": 90.0}],
)
def test_a_range_that_cannot_be_is_refused_by_name(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"augmentation.{next(iter(bad))}"):
        replace(Augmentation(), **bad).check()


def test_an_image_without_corners_to_move_is_refused() -> None:
    with pytest.raises(UsageError, match="Images of 1x1 pixels cannot be moved"):
        homographies(EVERYTHING, 3, 1, 1, seed=0, epoch=1)
    assert np.isfinite(homographies(EVERYTHING, 3, 2, 2, seed=0, epoch=1)).all()
