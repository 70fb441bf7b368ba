"""Records that could not be sent wait until a corrected version was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.samples import customer
from imports.ledger.left_out import left_out
from imports.models import ImportResult

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_record_that_could_not_be_sent_waits_until_its_correction_is_sent(
    make_job: JobMaker,
) -> None:
    job = make_job.of({"person": {}}, customer(1))
    bad = job.results.get(status="excluded")
    assert list(left_out([job.pk])) == [bad]
    ImportResult.objects.create(job=job, batch=job.batches.get(), position=1, retry_of=bad)
    assert list(left_out([job.pk])) == []
