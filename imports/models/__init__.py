"""The ledger's tables: the only truth about what is done, due, failed or unknown."""

from imports.models.apis import AccessToken, CustomerApi
from imports.models.batches import Attempt, ImportBatch, ImportResult
from imports.models.bulk_actions import Deed, Plan, PlanPart
from imports.models.files import ImportFile, RetryFile
from imports.models.jobs import DryRun, Gate, Heartbeat, ImportJob, JobEvent
from imports.models.notifications import Channel, Delivery, Notice

__all__ = [
    "AccessToken",
    "Attempt",
    "Channel",
    "CustomerApi",
    "Deed",
    "Delivery",
    "DryRun",
    "Gate",
    "Heartbeat",
    "ImportBatch",
    "ImportFile",
    "ImportJob",
    "ImportResult",
    "JobEvent",
    "Notice",
    "Plan",
    "PlanPart",
    "RetryFile",
]
