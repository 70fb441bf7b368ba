"""The ledger's tables: the only truth about what is done, due, failed or unknown."""

from imports.models.apis import AccessToken, CustomerApi
from imports.models.batches import Attempt, ImportBatch, ImportResult
from imports.models.deeds import Deed
from imports.models.dry_runs import DryRun
from imports.models.files import ImportFile, RetryFile
from imports.models.heartbeats import Heartbeat
from imports.models.jobs import Gate, ImportJob, JobEvent
from imports.models.notices import Channel, Delivery, Notice
from imports.models.plans import Plan, PlanPart

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
