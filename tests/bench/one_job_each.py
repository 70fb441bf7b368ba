"""The other peer: an RQ job for each batch, run by the default worker, which forks for each.

A module that imports little, because the default worker imports it anew for each job.
"""

from __future__ import annotations

import requests
from django.db import transaction
from django.db.models.functions import Now

from imports.models import Attempt, ImportBatch

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer bench-token"}


def post_and_record(url: str, batch_id: int) -> None:
    """Post one batch of the ledger, and write down what became of it and of its records."""
    batch = ImportBatch.objects.get(pk=batch_id)
    answer = requests.post(url, data=bytes(batch.body), headers=HEADERS, timeout=30)
    answer.raise_for_status()
    with transaction.atomic():
        changes = {"http_status": answer.status_code}
        batch.results.update(status="success", retry_attempts=1, updated_at=Now(), **changes)
        ImportBatch.objects.filter(pk=batch_id).update(
            status="done", success_count=batch.size, attempts=1, ended_at=Now(), **changes
        )
        Attempt.objects.create(
            job_id=batch.job_id, batch_id=batch_id, number=1, worker="rq", claimed_at=Now(),
            verdict="success", answer=answer.text, success_count=batch.size, **changes,
        )  # fmt: skip


def post(url: str, batch_id: int) -> None:
    """Post one batch of the ledger, and record nothing."""
    body = bytes(ImportBatch.objects.values_list("body", flat=True).get(pk=batch_id))
    requests.post(url, data=body, headers=HEADERS, timeout=30).raise_for_status()
