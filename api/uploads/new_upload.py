"""What the request for an upload, or for predictions of a stored image, is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from api.http.idempotency_store import Key
from common.predictions import PredictionRecord, TaskRequest
from common.tables import Image

AlsoInsert = Callable[[Session, UUID], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """The columns of an image to insert. An object of the ORM costs ten times as much to create."""

    id: UUID
    owner_id: UUID | None
    sha256: bytes
    file_name: str
    width: int
    height: int
    visibility: str
    posts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """The columns of an object to insert; its bytes are in the object store already."""

    sha256: bytes
    size: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPredictions:
    """Predictions to insert for an image, and what is inserted in the same transaction: the
    request's idempotency key, and what `also_insert` inserts for the id of the image.
    """

    image: Image | NewImage
    task_requests: Sequence[TaskRequest]
    key: Key | None = None
    also_insert: AlsoInsert | None = None

    @property
    def ids(self) -> list[UUID]:
        """The ids of the predictions, in the order of the request."""
        return [task_request.id for task_request in self.task_requests]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload(NewPredictions):
    """An image to insert with its object and its predictions."""

    image: NewImage
    stored: NewObject
    visibility: str | None = None  # from the request; None keeps that of an existing image

    @property
    def may_be_grouped(self) -> bool:
        """Whether it may share a transaction with the uploads of other requests."""
        return self.key is None and self.also_insert is None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The id of the image that was stored, and its predictions in the order of the request."""

    image: UUID
    predictions: list[PredictionRecord]
    is_new: bool = True  # False if the owner had sent these bytes before
