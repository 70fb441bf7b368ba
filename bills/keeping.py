"""What an attempt brought home: bills first, each once; then the evidence, encrypted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Now

from bills.browser.plan import BillKey, KnownBill
from bills.models import Bill, Evidence, EvidenceKind
from bills.models.files import IDENTITY
from bills.storage import WholeFile, are_there, name_for
from imports import retry_directory
from imports.fields import cipher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.browser.plan import FetchedBill
    from bills.browser.report import AttemptReport
    from bills.browser.report import Evidence as Found
    from bills.models import Credential, PortalTest

LONGEST_TEXT = 200  # characters of what the list shows of a bill
LARGEST_TRACE_BYTES = 20 * 1024 * 1024
NO_TRACE = f"The trace was not kept: it is larger than {LARGEST_TRACE_BYTES >> 20} MB."


KEY_FIELDS = ("number", "date", "amount", "contract", "date_text", "document")


def known_bills(credential: Credential) -> tuple[KnownBill, ...]:
    """The stored bills of this account. One whose file is gone is not known: it comes again."""
    rows = Bill.objects.filter(portal_id=credential.portal_id, account=credential.account)
    found = list(rows.values_list("file", "size", "removed_at", "sha256", *KEY_FIELDS))
    present = are_there([(name, size) for name, size, *_ in found])
    return tuple(
        KnownBill(BillKey(*shown), sha256)
        for (_name, _size, removed_at, sha256, *shown), is_there in zip(
            found, present, strict=True
        )
        if is_there or removed_at
    )


def keep_bills(
    credential: Credential, report: AttemptReport, batch_id: int, attempt_number: int
) -> list[int]:
    """Store the new bills; their ids. One that another attempt has stored meanwhile stays.

    Their files come first, outside any transaction: a row never stands without its file. Raises
    DatabaseError, and OSError once what came before is stored.
    """
    broken: OSError | None = None
    stored: list[Bill] = []
    for fetched in report.bills:
        bill = _row(credential, fetched)
        bill.batch_id, bill.attempt_number = batch_id, attempt_number
        try:
            _store(bill, fetched)
        except OSError as error:
            broken = error
            break
        stored.append(bill)
    with transaction.atomic():
        kept = [bill.pk for bill in _keep_all(stored)]
    if broken is not None:
        raise broken
    return kept


def _row(credential: Credential, fetched: FetchedBill) -> Bill:
    return Bill(
        portal_id=credential.portal_id,
        account=credential.account,
        email=credential.email,
        number=fetched.number,
        date=fetched.date,
        amount=fetched.amount,
        contract=fetched.contract[:LONGEST_TEXT],
        date_text=fetched.date_text[:LONGEST_TEXT],
        document=fetched.document,
        currency=fetched.currency,
        file=name_for(credential.portal_id, credential.account, fetched.key, fetched.sha256),
        sha256=fetched.sha256,
        size=fetched.size,
        is_printed=fetched.is_printed,
        due_date=fetched.facts.due_date,
        differs=[str(each) for each in fetched.facts.differs],
    )


def _store(bill: Bill, fetched: FetchedBill) -> None:
    """The file, under a name that says what it holds: only the same bill is written over."""
    retry_directory.sync(fetched.path)
    with WholeFile(fetched.path) as whole:
        bill.file.storage.save(bill.file.name, whole)


def _keep_all(bills: list[Bill]) -> list[Bill]:
    """The rows, in one statement; one by one where another attempt has stored any meanwhile."""
    try:
        with transaction.atomic():
            return Bill.objects.bulk_create(bills)
    except IntegrityError:
        return [bill for bill in bills if _keep(bill)]


def _keep(bill: Bill) -> bool:
    """The row; False where another attempt has stored the bill meanwhile."""
    try:
        with transaction.atomic():
            bill.save(force_insert=True)
    except IntegrityError:
        if not is_kept(bill):
            raise
        return False
    return True


def is_kept(bill: Bill) -> bool:
    """Whether a bill of this identity is in the database."""
    same = {field: getattr(bill, field) for field in (*IDENTITY, "sha256")}
    nulls = {f"{field}__isnull": True for field, value in same.items() if value is None}
    given = {field: value for field, value in same.items() if value is not None}
    return Bill.objects.filter(**given, **nulls).exists()


def keep_evidence(report: AttemptReport, batch_id: int, attempt_number: int) -> list[int]:
    """Store what the failure looked like; the ids."""
    found = report.evidence
    if found is None:
        return []
    made = [
        _sealed(kind, content, found, stage=str(report.stage)) for kind, content in _pieces(found)
    ]
    for piece in made:
        piece.batch_id, piece.attempt_number = batch_id, attempt_number
    return [piece.pk for piece in Evidence.objects.bulk_create(made)]


def keep_test(test: PortalTest, report: AttemptReport) -> None:
    """Store the pictures of a portal's test, stage by stage, and of its failure."""
    made = []
    for stage, picture in report.pictures:
        piece = _sealed(EvidenceKind.SCREENSHOT, picture, None, stage=str(stage))
        made.append(piece)
    if report.evidence is not None:
        made += [
            _sealed(kind, content, report.evidence, stage=str(report.stage))
            for kind, content in _pieces(report.evidence)
        ]
    for piece in made:
        piece.test = test
    Evidence.objects.bulk_create(made)


def _pieces(found: Found) -> Iterator[tuple[EvidenceKind, bytes]]:
    if found.screenshot:
        yield EvidenceKind.SCREENSHOT, found.screenshot
    if found.html:
        yield EvidenceKind.PAGE, found.html.encode()
    if found.trace is not None and found.trace.stat().st_size <= LARGEST_TRACE_BYTES:
        yield EvidenceKind.TRACE, found.trace.read_bytes()


def _sealed(kind: EvidenceKind, content: bytes, found: Found | None, *, stage: str) -> Evidence:
    days = settings.EVIDENCE_DAYS
    return Evidence(
        kind=kind,
        stage=stage,
        token=cipher().encrypt(content),
        url=found.url if found else "",
        note=_note(found) if found else "",
        expires_at=Now() + Value(timedelta(days=days)),
    )


def _note(found: Found) -> str:
    large = found.trace is not None and found.trace.stat().st_size > LARGEST_TRACE_BYTES
    return f"{found.note} {NO_TRACE}".strip() if large else found.note


def expire_evidence() -> int:
    """Remove what has expired; how many pieces. One statement: each sweep asks."""
    with connection.cursor() as sql:
        sql.execute("DELETE FROM bills_evidence WHERE expires_at < statement_timestamp()")
        return int(sql.rowcount)
