"""The ledger's tables: the only truth about what is done, due, failed or unknown."""

from imports.models.apis import AccessToken, CustomerApi
from imports.models.batches import AssignedId, Attempt, ImportBatch, ImportResult
from imports.models.bulk_actions import BulkAction, BulkActionChunk, RecordEvent
from imports.models.files import (
    CorrectedRow,
    ImportFile,
    MemberFile,
    RecordsKey,
    RecordTemplate,
    RetryFile,
)
from imports.models.jobs import DryRun, Heartbeat, ImportJob, JobEvent, RateLimit
from imports.models.notifications import Channel, Notification, NotificationDelivery
from imports.models.watched import WatchedFile, WatchedFolder

__all__ = [
    "AccessToken",
    "AssignedId",
    "Attempt",
    "BulkAction",
    "BulkActionChunk",
    "Channel",
    "CorrectedRow",
    "CustomerApi",
    "DryRun",
    "Heartbeat",
    "ImportBatch",
    "ImportFile",
    "ImportJob",
    "ImportResult",
    "JobEvent",
    "MemberFile",
    "Notification",
    "NotificationDelivery",
    "RateLimit",
    "RecordEvent",
    "RecordTemplate",
    "RecordsKey",
    "RetryFile",
    "WatchedFile",
    "WatchedFolder",
]
