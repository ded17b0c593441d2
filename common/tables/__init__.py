"""The database tables. `migrations/` holds their changes over time."""

from common.tables.accounts import ApiKey, Counter, Login, User
from common.tables.base import Base, Role, State, Visibility
from common.tables.feedback import Click, Lesson, SearchDay, Vote, Voter
from common.tables.housekeeping import (
    Chore,
    DriftSample,
    EngineProcess,
    IdempotencyKey,
    WebhookDelivery,
    WebhookSecret,
)
from common.tables.predictions import Batch, BatchItem, Image, Prediction, StoredObject
from common.tables.social import Follow, Like, Post, ShareLink

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
