"""How long bills are kept, the erasure of a person, and a new download of files that are gone."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import groupby, islice
from typing import TYPE_CHECKING

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Now

from bills import drafts
from bills.models import Bill, Credential, CsvUpload, Evidence, PortalTest, Recording
from bills.models.deliveries import BillDelivery, DeliveryState
from bills.models.files import IDENTITY
from bills.storage import are_there
from imports.fields import cipher
from imports.job_types import Trace
from imports.ledger import lifecycle
from imports.models import ImportResult
from imports.retention import FILES_REMOVED, UNDER_WAY, UNRESOLVED, removed, unresolved
from imports.states import OPEN
from imports.storage.stored import STORED
from imports.storage.verify import Expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.models import ImportJob


ERASED = "erased"


def expire() -> int:
    """Remove the files of some bills that are older than BILLS_DAYS; how many.

    Their rows stay, so that the next download knows them. Raises no OSError.
    """
    days: int = settings.BILLS_DAYS
    if not days:
        return 0
    before = Now() - Value(timedelta(days=days))
    old = Bill.objects.filter(fetched_at__lt=before, removed_at=None).order_by("pk")
    old = old.exclude(Exists(_undelivered()))
    some = old.select_related("batch__job")[:500]
    gone = [bill for bill in some if _remove_file(bill)]
    for job, count in Counter(bill.batch.job for bill in gone if bill.batch).items():
        removed(job, count, FILES_REMOVED, days)
    return len(gone)


def _undelivered() -> QuerySet[BillDelivery]:
    """A delivery of the bill that has not ended well: it needs the file, and a person sees it."""
    return BillDelivery.objects.filter(bill=OuterRef("pk")).exclude(status=DeliveryState.DELIVERED)


def _remove_file(bill: Bill) -> bool:
    """False where the storage does not answer: later."""
    with suppress(OSError):
        bill.file.storage.delete(str(bill.file.name))
        return bool(Bill.objects.filter(pk=bill.pk).update(removed_at=Now()))
    return False


def erase(person: str, *, look_only: bool) -> list[Trace]:
    """Find or erase what is kept of an account beside the ledger, or say why it stays."""
    traces = [
        _erase_credential(each, look_only=look_only)
        for each in Credential.objects.filter(email__iexact=person).select_related("portal")
    ]
    found = [trace for group in traces for trace in group]
    bills = Bill.objects.filter(email__iexact=person)
    undelivered = bills.filter(Exists(_undelivered()))
    if count := undelivered.count():
        found.append(Trace("bills", count, stays_because=UNRESOLVED))
    free = bills.exclude(Exists(_undelivered()))
    if (count := free.count()) and not any(
        trace.what == "credentials" and trace.stays_because for trace in found
    ):
        found.append(Trace("bills", count))
        if not look_only:
            _erase_bills(free)
    return [*found, *_erase_uploads(person, look_only=look_only)]


def _erase_credential(credential: Credential, *, look_only: bool) -> list[Trace]:
    where = f"portal {credential.portal}"
    results = ImportResult.objects.filter(batch__credential_use__credential=credential)
    if results.filter(batch__status__in=OPEN).exists():
        return [Trace("credentials", 1, where, UNDER_WAY)]
    if unresolved(results).exists():
        return [Trace("credentials", 1, where, UNRESOLVED)]
    evidence = Evidence.objects.filter(
        Q(batch__credential_use__credential=credential) | Q(test__credential=credential)
    )
    found = [Trace("credentials", 1, where)]
    if count := evidence.count():
        found.append(Trace("evidence", count, where))
    if not look_only:
        with transaction.atomic():
            evidence.delete()
            mine = Q(credential=credential) | Q(account__iexact=credential.email)
            PortalTest.objects.filter(mine).delete()
            Recording.objects.filter(credential=credential).delete()
            name = f"{ERASED}-{credential.pk}"
            credential.code_requests.all().delete()
            Credential.objects.filter(pk=credential.pk).update(
                email=name, account=name, password="", extra={}, totp_secret="", session="",
                session_kept_at=None, customer="", group="", deleted_at=Now(),
            )  # fmt: skip
    return found


def _erase_bills(bills: QuerySet[Bill]) -> None:
    """Files first: a row that still names its file is found again. Raises OSError."""
    for bill in bills:
        bill.file.storage.delete(str(bill.file.name))
        name = f"{ERASED}-{bill.pk}"
        bill.deliveries.update(name=name, error=None)
        Bill.objects.filter(pk=bill.pk).update(
            email=name, account=name, number="", contract="", document="",
            removed_at=bill.removed_at or Now(),
        )  # fmt: skip


def _erase_uploads(person: str, *, look_only: bool) -> list[Trace]:
    """A CSV between its preview and its draft is deleted whole: it can be uploaded again."""
    named = [
        pk for pk, token in CsvUpload.objects.values_list("pk", "content") if _names(token, person)
    ]
    if named and not look_only:
        CsvUpload.objects.filter(pk__in=named).delete()
    return [Trace("csv_uploads", len(named))] if named else []


def _names(token: bytes | memoryview[int], person: str) -> bool:
    try:
        text = cipher().decrypt(bytes(token)).decode(errors="replace")
    except InvalidToken:
        return False
    return person.casefold() in text.casefold()


ASKED_FOR = 500  # files at once


def expected_files() -> Iterator[Expected]:
    """The file of each bill. One that is gone and was fetched again since is not expected."""
    replaced = [bill.pk for bill in _gone() if _was_fetched_again(bill)]
    for bill in (
        Bill.objects.filter(removed_at=None).exclude(pk__in=replaced).order_by("pk").iterator()
    ):
        yield Expected(STORED + str(bill.file.name), bill.sha256, f"bill {bill.pk}", bill.size)


def fetch_again(actor: str = "") -> list[ImportJob]:
    """Start a download for each portal that has bills whose files are gone; the jobs.

    They use the stored credentials. The caller enqueues them.
    """
    gone = [bill for bill in _gone() if not _was_fetched_again(bill)]
    gone.sort(key=lambda bill: bill.portal_id)
    started = []
    for portal, bills in groupby(gone, key=lambda bill: bill.portal):
        accounts = {bill.account for bill in bills}
        credentials = list(Credential.objects.filter(portal=portal, account__in=accounts))
        if credentials:
            job = drafts.of_credentials(portal, credentials, f"Missing bills of {portal}", actor)
            lifecycle.start(job, actor)
            started.append(job)
    return started


def _gone() -> Iterator[Bill]:
    """Those whose file is not there, or not as long as it was."""
    rows = (
        Bill.objects.filter(removed_at=None)
        .select_related("portal")
        .order_by("pk")
        .iterator(chunk_size=ASKED_FOR)
    )
    while some := list(islice(rows, ASKED_FOR)):
        present = are_there([(str(bill.file.name), bill.size) for bill in some])
        yield from (bill for bill, is_there in zip(some, present, strict=True) if not is_there)


def _was_fetched_again(bill: Bill) -> bool:
    """Whether the same bill, as its list shows it, was stored later with another document."""
    shown = {name: getattr(bill, name) for name in IDENTITY}
    nulls = {f"{name}__isnull": True for name, value in shown.items() if value is None}
    same = {name: value for name, value in shown.items() if value is not None}
    return Bill.objects.filter(**same, **nulls, pk__gt=bill.pk).exists()
