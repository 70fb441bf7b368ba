"""Ended jobs of many credentials, with attempts, evidence and bills: rows only, no PDF."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from bills.models import Bill, BillRun, Credential, CredentialUse, Evidence, PortalTest
from imports.models import Attempt, ImportBatch, ImportJob, ImportResult, RateLimit
from imports.states import BatchStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from bills.models import Portal

CODE = "LOGIN_FAILED"
SUMMARY = "The portal refused the password."
TRIES = 2


def make(portal: Portal, count: int) -> ImportJob:
    """A job in which every second credential failed twice and the others brought a bill each."""
    rate_limit, _ = RateLimit.objects.get_or_create(key=portal.rate_limit_key)
    job = ImportJob.objects.create(
        kind="bills", name=f"{count} credentials", rate_limit=rate_limit,
        status=JobStatus.FINISHED,
        batch_size=1,
    )  # fmt: skip
    BillRun.objects.create(job=job, portal=portal, csv_name="may.csv", extra_columns=["cred_id"])
    credentials = _credentials(portal, job, count)
    batches = _batches(job, credentials)
    _results(job, batches, credentials)
    _attempts(job, batches)
    _bills(portal, batches, credentials)
    PortalTest.objects.bulk_create(
        PortalTest(portal=portal, credential=credentials[0]) for _ in range(min(count, 10))
    )
    with connection.cursor() as sql:
        sql.execute(
            "UPDATE imports_importjob SET started_at = now() - interval '2 h',"
            " finished_at = now(), closed_at = now() WHERE id = %s",
            [job.pk],
        )
    return job


def _failed(place: int) -> bool:
    return place % 2 == 1


def _credentials(portal: Portal, job: ImportJob, count: int) -> list[Credential]:
    names = [f"account{place}.of{job.pk}@example.test" for place in range(count)]
    return Credential.objects.bulk_create(
        Credential(
            portal=portal, email=name, account=name, password="summary", extra={"cred_id": "1"},
            refused_count=int(_failed(place)),
        )
        for place, name in enumerate(names)
    )  # fmt: skip


def _batches(job: ImportJob, credentials: list[Credential]) -> list[ImportBatch]:
    made = ImportBatch.objects.bulk_create(
        ImportBatch(
            job=job, number=place + 1, size=1, attempts=TRIES, tries=TRIES,
            status=BatchStatus.FAILED if _failed(place) else BatchStatus.DONE,
            error_count=int(_failed(place)), success_count=int(not _failed(place)),
        )
        for place, _ in enumerate(credentials)
    )  # fmt: skip
    CredentialUse.objects.bulk_create(
        CredentialUse(batch=batch, credential=credential)
        for batch, credential in zip(made, credentials, strict=True)
    )
    return made


def _results(job: ImportJob, batches: list[ImportBatch], credentials: list[Credential]) -> None:
    ImportResult.objects.bulk_create(
        ImportResult(
            job=job, batch=batch, position=place, email=credentials[place].email,
            status=ResultStatus.ERROR if _failed(place) else ResultStatus.SUCCESS,
            error_code=CODE if _failed(place) else "",
            error=SUMMARY if _failed(place) else "", message=SUMMARY if _failed(place) else None,
            final_error=SUMMARY if _failed(place) else None, retry_attempts=TRIES,
        )
        for place, batch in enumerate(batches)
    )  # fmt: skip


def _attempts(job: ImportJob, batches: list[ImportBatch]) -> None:
    now = timezone.now()
    Attempt.objects.bulk_create(
        Attempt(
            job=job, batch=batch, number=number, worker="host:1", claimed_at=now, sent_at=now,
            verdict="rejected" if batch.error_count else "success",
            error_code=CODE if batch.error_count else "", answer="1 new",
            details={"seconds": {"open": 1.0}, "notes": []},
        )
        for batch in batches
        for number in range(1, TRIES + 1)
    )  # fmt: skip
    Evidence.objects.bulk_create(
        Evidence(
            batch=batch, attempt_number=number, kind="screenshot", token=b"told",
            expires_at=now + timedelta(days=1),
        )
        for batch in batches
        if batch.error_count
        for number in range(1, TRIES + 1)
    )  # fmt: skip


def _bills(portal: Portal, batches: list[ImportBatch], credentials: list[Credential]) -> None:
    Bill.objects.bulk_create(
        Bill(
            portal=portal, account=credential.account, email=credential.email,
            number=f"{batch.pk}", date=date(2026, 5, 1), amount=125, currency="SEK",
            file="nowhere.pdf", sha256="0" * 64, size=4_000, batch=batch, attempt_number=TRIES,
        )
        for batch, credential in zip(batches, credentials, strict=True)
        if batch.success_count
    )  # fmt: skip


def ids(job: ImportJob) -> dict[str, object]:
    """What stands for the pages of such a job in `tests.pages`: one that failed."""
    failed = ImportResult.objects.filter(job=job, status=ResultStatus.ERROR).order_by("pk")[0]
    portal = BillRun.objects.get(job=job).portal_id
    return {
        "bills": job.pk, "portal": portal, "credential": failed.pk, "account": failed.email,
    }  # fmt: skip
