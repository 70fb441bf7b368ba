"""Bills whose files are gone: which they are, and a download that fetches them again."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING

from bills import drafts
from bills.models import Bill, Credential
from bills.models.files import IDENTITY
from bills.storage import are_there
from imports.ledger import lifecycle
from imports.storage.stored import STORED
from imports.storage.verify import Expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import ImportJob

ASKED_FOR = 500  # files at once


def expected() -> Iterator[Expected]:
    """The file of each bill. One that is gone and was fetched again since is not expected."""
    replaced = [bill.pk for bill in _gone() if _was_fetched_again(bill)]
    for bill in (
        Bill.objects.filter(removed_at=None).exclude(pk__in=replaced).order_by("pk").iterator()
    ):
        yield Expected(STORED + str(bill.file.name), bill.sha256, f"bill {bill.pk}", bill.size)


def fetch(actor: str = "") -> list[ImportJob]:
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
