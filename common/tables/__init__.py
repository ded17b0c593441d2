"""The tables. Their meaning is DESIGN's; their changes over time are in `migrations/`."""

from common.tables.base import Base, Role, State, Visibility
from common.tables.housekeeping import (
    Chore,
    DriftSample,
    EngineProcess,
    IdempotencyKey,
    WebhookDelivery,
    WebhookSecret,
)
from common.tables.learning import Click, Lesson, SearchDay, Vote, Voter
from common.tables.people import ApiKey, Counter, Login, User
from common.tables.predicting import Batch, BatchItem, Image, Prediction, StoredObject
from common.tables.sharing import Follow, Like, Post, ShareLink

__all__ = [
    "ApiKey",
    "Base",
    "Batch",
    "BatchItem",
    "Chore",
    "Click",
    "Counter",
    "DriftSample",
    "EngineProcess",
    "Follow",
    "IdempotencyKey",
    "Image",
    "Lesson",
    "Like",
    "Login",
    "Post",
    "Prediction",
    "Role",
    "SearchDay",
    "ShareLink",
    "State",
    "StoredObject",
    "User",
    "Visibility",
    "Vote",
    "Voter",
    "WebhookDelivery",
    "WebhookSecret",
]
