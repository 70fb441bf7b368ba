"""Portals, the credentials to them, the bills that were fetched, and the evidence of failures."""

from bills.models.credentials import BillRun, Credential, CredentialUse, CsvUpload
from bills.models.deliveries import BillDelivery, Destination
from bills.models.evidence import Evidence, EvidenceKind, PortalTest
from bills.models.files import Bill
from bills.models.portals import Portal

__all__ = [
    "Bill",
    "BillDelivery",
    "BillRun",
    "Credential",
    "CredentialUse",
    "CsvUpload",
    "Destination",
    "Evidence",
    "EvidenceKind",
    "Portal",
    "PortalTest",
]
