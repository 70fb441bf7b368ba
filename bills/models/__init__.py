"""Portals, the credentials to them, the bills that were fetched, and the evidence of failures."""

from bills.models.credentials import (
    BillRun,
    CodeRequest,
    CodeWindow,
    Credential,
    CredentialUse,
    CsvUpload,
)
from bills.models.deliveries import BillDelivery, Destination
from bills.models.files import Bill, Evidence, EvidenceKind, PortalTest
from bills.models.portals import Portal, PortalTrouble, RecordedAct, Recording, TroubleKind
from bills.models.schedules import Repeats, Schedule, ScheduleRun, Weekday

__all__ = [
    "Bill",
    "BillDelivery",
    "BillRun",
    "CodeRequest",
    "CodeWindow",
    "Credential",
    "CredentialUse",
    "CsvUpload",
    "Destination",
    "Evidence",
    "EvidenceKind",
    "Portal",
    "PortalTest",
    "PortalTrouble",
    "RecordedAct",
    "Recording",
    "Repeats",
    "Schedule",
    "ScheduleRun",
    "TroubleKind",
    "Weekday",
]
