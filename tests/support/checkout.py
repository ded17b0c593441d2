"""The folder of this checkout, so that tests find its files wherever they themselves are."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
