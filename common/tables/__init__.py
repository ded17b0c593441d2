"""The database tables. `migrations/` holds their changes over time."""

from common.tables.accounts import ApiKey, Counter, Login, User
from common.tables.base import Base, Role, State, Visibility
from common.tables.copies import ComparedImage
from common.tables.feedback import Click, SearchDay, TermScore, Vote, Voter
from common.tables.housekeeping import (
    DriftSample,
    EngineProcess,
    IdempotencyKey,
    JobLock,
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
    "Click",
    "ComparedImage",
    "Counter",
    "DriftSample",
    "EngineProcess",
    "Follow",
    "IdempotencyKey",
    "Image",
    "JobLock",
    "Like",
    "Login",
    "Post",
    "Prediction",
    "Role",
    "SearchDay",
    "ShareLink",
    "State",
    "StoredObject",
    "TermScore",
    "User",
    "Visibility",
    "Vote",
    "Voter",
    "WebhookDelivery",
    "WebhookSecret",
]
