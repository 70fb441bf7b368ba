"""Whoever vanished with a batch: their lease runs out, and the batch is judged without them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from imports import kinds
from imports.ledger.outcomes import apply
from imports.models import ImportBatch
from imports.states import BatchStatus

AT_ONCE = 200  # leases judged in one sweep


def expire() -> set[int]:
    """Judge every batch whose lease is over; the ids of their jobs.

    Claimed: nothing was sent, so it is pending again. Sending: it may have been sent, and the
    kind says what that means (unknown; or again, where repeating is safe).
    """
    return _unclaim() | _judge()


def _unclaim() -> set[int]:
    over = Q(status=BatchStatus.CLAIMED, lease_until__lt=Now())
    with transaction.atomic():
        rows = dict(
            ImportBatch.objects.select_for_update(skip_locked=True)
            .filter(over)
            .values_list("pk", "job_id")[:AT_ONCE]
        )
        ImportBatch.objects.filter(over, pk__in=rows).update(
            status=BatchStatus.PENDING, token=None, lease_until=None
        )
    return set(rows.values())


def _judge() -> set[int]:
    over = Q(status=BatchStatus.SENDING, lease_until__lt=Now())
    touched: set[int] = set()
    for pk in list(ImportBatch.objects.filter(over).values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            batch = (
                ImportBatch.objects.select_for_update(of=("self",), skip_locked=True)
                .filter(over, pk=pk)
                .defer("body")
                .select_related("job")
                .first()
            )
            if batch is not None:
                kind = kinds.get(batch.job.kind)
                budget = kind.budget(batch.job)
                apply(batch.job, batch, kind.lost(batch.job), budget, seen=False)
                touched.add(batch.job_id)
    return touched
