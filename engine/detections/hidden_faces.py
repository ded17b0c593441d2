"""Make the faces of a picture unrecognizable."""

from collections.abc import Sequence

from PIL import Image, ImageFilter

from engine.detections.face_detector import FINE, Face, FaceDetector

# Lower than that of the task `faces`: a missed face shows a person, a false one hides some pixels.
THRESHOLD = 0.4
# Parts of the face's box that are added at its sides, above and below: hair, ears and chin.
ASIDE, ABOVE, BELOW = 0.35, 0.5, 0.25
# Blocks along the longer side of a head. Networks recognize people by mosaics of 8 x 8 and more
# (McPherson, Shokri, Shmatikov, "Defeating Image Obfuscation with Deep Learning", 2016).
BLOCKS = 4
ROUNDS = 3  # of hiding and searching again

Box = tuple[int, int, int, int]


def hide_faces(image: Image.Image, detector: FaceDetector) -> Image.Image:
    """Return a copy of an RGB image in which each head is a few blurred blocks, so that no face is
    found in it: if some still are after ROUNDS, the whole picture is made of such blocks.

    A block has the mean color of its pixels, so nothing else of them is left. Raises
    ModelUnavailable if the detector cannot be used.
    """
    hidden = image.copy()
    for _ in range(ROUNDS):
        found = _find(hidden, detector)
        if not found:
            return hidden
        for face in found:
            _hide(hidden, head_of(face, image.size))
    if _find(hidden, detector):
        _hide(hidden, (0, 0, *image.size))
    return hidden


def head_of(face: Face, size: tuple[int, int]) -> Box:
    """Return the box of the whole head as left, top, right, bottom, within an image of this
    size.
    """
    left, top, right, bottom = face.box.tolist()
    width, height = right - left, bottom - top
    return (
        max(0, int(left - ASIDE * width)),
        max(0, int(top - ABOVE * height)),
        min(size[0], int(right + ASIDE * width) + 1),
        min(size[1], int(bottom + BELOW * height) + 1),
    )


def _find(image: Image.Image, detector: FaceDetector) -> Sequence[Face]:
    """Return faces of all sizes: besides those that the task `faces` finds, smaller ones."""
    found = detector.find(image, THRESHOLD)
    if max(image.size) > FINE:
        found += detector.find_at(image, max(image.size), THRESHOLD)
    return found


def _hide(image: Image.Image, box: Box) -> None:
    """Replace the pixels of the box by blurred blocks. Pixels around it are not part of the blur,
    and none of the box remain.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    if width <= 0 or height <= 0:
        return
    block = max(width, height) / BLOCKS
    counts = max(1, round(width / block)), max(1, round(height / block))
    means = image.crop(box).resize(counts, Image.Resampling.BOX)
    blocks = means.resize((width, height), Image.Resampling.NEAREST)
    image.paste(blocks.filter(ImageFilter.GaussianBlur(block / 2)), box)
