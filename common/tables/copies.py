"""The table of images that have been compared with the other images of their owner."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from common.tables.base import UTF8, Base


class ComparedImage(Base):
    """An image that was compared, and the group of copies that it joined.

    `group_id` is NULL if no other image of the owner is a copy. `hash_distance` and `common_part`
    compare it with the first image of the group; they are NULL for that image itself.
    """

    __tablename__ = "compared_images"
    __table_args__ = (
        Index("ix_compared_images_group", "owner_id", "group_id", "image_id"),
        UTF8,
    )

    image_id: Mapped[UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    owner_id: Mapped[UUID]
    group_id: Mapped[UUID | None]
    hash_distance: Mapped[int | None]
    common_part: Mapped[float | None]
