"""How an image becomes the square input of a model."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.models.catalogue import (
    CROP,
    LETTERBOX,
    SHORTEST,
    SQUASH,
    Fit,
    Manifest,
    default_model,
)
from engine.models.fitting import boxes, needed_side, squares
from engine.models.letterbox import Frame, frame_of
from tests.support.images.pictures import picture

WHOLE, MIDDLE, LITTLE = Fit(SQUASH), Fit(CROP, 0.5), Fit(CROP, 0.1)


def test_squash_resizes_the_whole_image() -> None:
    image = picture(size=(300, 100))
    [square] = squares(image, WHOLE, 64)
    assert square.shape == (64, 64, 3)
    assert square.dtype == np.uint8
    # 300 pixels become 64 by way of 100: averages of three, then bilinear interpolation.
    expected = cv2.resize(np.asarray(image.reduce((3, 1))), (64, 64))
    assert (square == expected).all()


def test_of_many_pixels_each_counts() -> None:
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 200
    [square] = squares(Image.fromarray(stripes), WHOLE, 64)
    assert abs(square.astype(int) - 100).max() < 20


@pytest.mark.parametrize(
    "size", [(80, 80), (81, 79), (64, 200), (999, 64), (40, 30), (3, 1), (1, 1)]
)
@pytest.mark.parametrize("fit", [WHOLE, MIDDLE, LITTLE])
def test_a_slope_stays_a_slope(size: tuple[int, int], fit: Fit) -> None:
    slope = np.linspace(0, 255, size[0]).round().astype(np.uint8)
    image = Image.fromarray(np.repeat(np.tile(slope, (size[1], 1))[:, :, None], 3, axis=2))
    for square in squares(image, fit, 64):
        assert square.shape == (64, 64, 3)
        assert (np.diff(square[32, :, 0].astype(int)) >= 0).all()
        assert np.ptp(square.astype(int), axis=(0, 2)).max() <= 1  # OpenCV's rounding


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((100, 100), [(25, 25, 75, 75)]),
        ((160, 100), [(55, 25, 105, 75)]),
        ((100, 160), [(25, 55, 75, 105)]),
        ((200, 100), [(75, 25, 125, 75)]),
        ((250, 100), [(25, 25, 75, 75), (100, 25, 150, 75), (175, 25, 225, 75)]),
        ((100, 900), [(25, 25, 75, 75), (25, 425, 75, 475), (25, 825, 75, 875)]),
    ],
)
def test_crop_takes_squares_along_the_middle(
    size: tuple[int, int], expected: list[tuple[float, float, float, float]]
) -> None:
    assert boxes(size, MIDDLE) == expected


def test_the_longer_side_is_squashed_as_far_as_the_stretch_allows() -> None:
    fit = Fit(CROP, 0.5, stretch=1.2)
    assert boxes((110, 100), fit) == [(27.5, 25, 82.5, 75)]
    assert boxes((200, 100), fit) == [(70, 25, 130, 75)]
    assert boxes((100, 240), fit) == [(25, 30, 75, 90), (25, 150, 75, 210)]


def test_a_crop_has_the_pixels_of_its_box_at_the_needed_size() -> None:
    image = picture(size=(120, 80))
    assert needed_side(MIDDLE, 40) == 80
    [square] = squares(image, MIDDLE, 40)
    assert (square == np.asarray(image.crop((40, 20, 80, 60)))).all()


def test_shortest_takes_one_central_square_whatever_the_length() -> None:
    image = picture(size=(500, 100))
    [square] = squares(image, Fit(SHORTEST), 40)
    resized = image.resize((200, 40), Image.Resampling.BICUBIC)
    middle = np.asarray(resized.crop((80, 0, 120, 40))).astype(int)
    assert square.dtype == np.uint8
    assert abs(square.astype(int) - middle).mean() < 1


@pytest.mark.parametrize(("place", "rows"), [("top-left", slice(0, 20)), ("center", slice(10, 30))])
def test_letterbox_shows_the_whole_image_in_its_place(place: str, rows: slice) -> None:
    image = Image.new("RGB", (200, 100), "red")
    [square] = squares(image, Fit(LETTERBOX, place=place, fill=114), 40)
    assert square.shape == (40, 40, 3)
    assert (square[rows] == (255, 0, 0)).all()
    outside = np.ones(40, bool)
    outside[rows] = False
    assert (square[outside] == 114).all()


def test_points_of_a_centered_frame_are_converted_to_the_images_pixels() -> None:
    frame = frame_of(100, 200, 40, "center")
    assert frame == Frame(100, 200, 20, 40, left=10, top=0)
    corners = np.array([(10.0, 0), (30, 40), (20, 20)])
    assert frame.to_image(corners).tolist() == [[0, 0], [100, 200], [50, 100]]


def test_a_manifest_without_a_fit_squashes() -> None:
    about = json.loads(default_model("classify").dump())
    assert about.pop("fit") == {"kind": "crop", "share": 0.92, "stretch": 1.2}
    assert Manifest.parse(about).fit == WHOLE


@pytest.mark.parametrize(
    "fit",
    [
        {"kind": "fill"},
        {"kind": "crop", "share": 0},
        {"kind": "crop", "stretch": 0.5},
        {"kind": "letterbox", "place": "right"},
        {"kind": "letterbox", "fill": 256},
    ],
)
def test_an_unknown_fit_is_refused(fit: dict[str, object]) -> None:
    about = json.loads(default_model("classify").dump())
    with pytest.raises(ValueError, match="is not a fit"):
        Manifest.parse(about | {"fit": fit})


def test_the_identity_names_the_preprocessing() -> None:
    classify, embed = default_model("classify").identity, default_model("embed").identity
    assert classify["preprocessing"].endswith(": crop 0.92, stretch 1.2")
    assert embed["preprocessing"].endswith(": squash")
