"""Rows of images: finding, listing, changing and removing them.

Functions take the session first and never commit. A transaction that locks an image and the object
of its bytes locks the object first.
"""

from common.images.lifecycle import lock_own, lock_shared, rename, set_visibility
from common.images.queries import find_by_sha256, list_images
from common.images.removal import Removed, remove_image, remove_images_of
from common.images.unused import RemovedImages, remove_unused_images

__all__ = [
    "Removed",
    "RemovedImages",
    "find_by_sha256",
    "list_images",
    "lock_own",
    "lock_shared",
    "remove_image",
    "remove_images_of",
    "remove_unused_images",
    "rename",
    "set_visibility",
]
