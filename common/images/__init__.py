"""The life of an image behind its upload: found again, listed, shown to others or not, removed.

Functions take the session first and never commit. Who locks an image and the object of its bytes
locks the object first.
"""

from common.images.lifecycle import find_own, hold, rename, set_visibility
from common.images.queries import known, page
from common.images.removal import Removed, remove_image, remove_images_of

__all__ = [
    "Removed",
    "find_own",
    "hold",
    "known",
    "page",
    "remove_image",
    "remove_images_of",
    "rename",
    "set_visibility",
]
