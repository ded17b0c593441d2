"""Pictures with known text, drawn with the font inside Pillow."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INVOICE: Mapping[str, int] = {  # lines with their font sizes in pixels
    "INVOICE 2041": 60,
    "Blue Heron Hardware Ltd.": 36,
    "12 Quayside Road, Bristol": 28,
    "Date: 14 March 2026": 30,
    "Copper pipe 15 mm": 24,
    "Adjustable wrench": 22,
    "Total due: 48.75 EUR": 40,
    "Thank you for your order!": 20,
}


def invoice(size: tuple[int, int] = (900, 620)) -> Image.Image:
    """The lines of INVOICE, one below the other."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    y = 30
    for text, height in INVOICE.items():
        draw.text((50, y), text, fill="black", font=ImageFont.load_default(size=height))
        y += round(1.6 * height)
    return image


def columns(rows: Sequence[Sequence[str]]) -> Image.Image:
    """A table with columns that are far apart."""
    image = Image.new("RGB", (1000, 60 + 70 * len(rows)), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=32)
    for down, row in enumerate(rows):
        for across, text in enumerate(row):
            draw.text((40 + 380 * across, 40 + 70 * down), text, fill="black", font=font)
    return image


def with_sign(photograph: Image.Image, text: str, corners: Sequence[Sequence[int]]) -> Image.Image:
    """The photograph with a sign that is seen in perspective: its corners are given from the top
    left clockwise, in pixels.
    """
    sign = Image.new("RGB", (600, 160), (20, 70, 140))
    draw = ImageDraw.Draw(sign)
    draw.rectangle((8, 8, 591, 151), outline="white", width=4)
    font = ImageFont.load_default(size=72)
    draw.text((300, 80), text, fill="white", font=font, anchor="mm")
    target = np.array(corners, np.float32)
    source = np.array([[0, 0], [600, 0], [600, 160], [0, 160]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    seen = cv2.warpPerspective(np.asarray(sign), matrix, photograph.size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((160, 600), 255, np.uint8), matrix, photograph.size)
    result = photograph.convert("RGB")
    result.paste(Image.fromarray(np.asarray(seen)), (0, 0), Image.fromarray(np.asarray(mask)))
    return result
