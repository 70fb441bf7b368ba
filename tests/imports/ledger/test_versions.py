"""New versions of failed records: in a round of their own, once, the old ones untouched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox import samples
from imports.customers import corrections as customers
from imports.customers.api.setup import checks_of
from imports.engine import runner
from imports.ledger import lifecycle, retries
from imports.ledger.batches import body_of, bytes_of
from imports.ledger.known_before import Later, later_imports
from imports.ledger.totals import family_totals
from imports.models import ImportBatch, ImportJob, ImportResult, JobEvent
from imports.policy import Verdict
from tests.decisions import exclude, retry
from tests.jobs import LOST, OK, REFUSED, answer, assert_totals_hold, at_once, batches, mixed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imports.ledger.retries import NewBatch
    from tests.jobs import JobMaker

pytestmark = pytest.mark.usefixtures("both_ways")
S, X = Verdict.SUCCESS, Verdict.REJECTED


def corrected(result: ImportResult, **changes: str) -> customers.Version:
    """The customer with another first name, as somebody writes it."""
    record = json.loads(bytes_of([result.pk])[result.pk])
    record["person"] |= changes or {"firstName": "RIGHT"}
    raw = json.dumps(record, indent=1).encode()
    return customers.of_text(raw, record["person"]["customerId"], result.email, result)


def new_batches(job: ImportJob, results: Iterable[ImportResult], size: int = 70) -> list[NewBatch]:
    assert job.api is not None
    made = [corrected(each) for each in results]
    return list(customers.new_batches(made, size, checks_of(job.api)))


def failed(job: ImportJob) -> list[ImportResult]:
    return list(job.results.filter(status="error").order_by("pk"))


def resubmit(job: ImportJob, results: list[ImportResult], actor: str = "anna") -> ImportJob:
    new = retries.resubmit(job, new_batches(job, results), reason="Misspelt.", actor=actor)
    assert runner.read_input(new)
    return new


def test_a_corrected_record_goes_out_in_a_round_of_its_own(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    old = failed(job)[0]
    before = batches(job)[0]
    new = resubmit(job, [old])
    assert (new.retry_of_id, new.root_id, new.retry_number, new.reason) == (
        job.pk,
        job.pk,
        1,
        "Misspelt.",
    )
    (batch,) = batches(new)
    assert json.loads(body_of(batch.pk))["data"][0]["person"]["firstName"] == "RIGHT"
    assert batch.idempotency_key != before.idempotency_key
    result = new.results.get()
    assert (result.retry_of_id, result.key, result.position) == (old.pk, old.key, old.position)
    assert (result.file_id, result.status) == (old.file_id, "pending")
    assert_totals_hold(new)


def test_the_old_version_stays_as_it_was(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    columns = [each.attname for each in ImportBatch._meta.concrete_fields]
    batch = ImportBatch.objects.filter(job=job).values_list(*columns)
    rows = ImportResult.objects.filter(job=job).order_by("pk").values()
    before = list(batch), list(rows)
    resubmit(job, failed(job))
    assert (list(batch.all()), list(rows.all())) == before


def test_the_families_numbers_count_each_customer_once(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    new = resubmit(job, failed(job)[:1])
    answer(new, OK)
    summary = family_totals(job)
    assert (summary.total, summary.success, summary.error) == (3, 2, 1)


def test_who_corrected_what_and_why_is_kept_in_both_logs(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    new = resubmit(job, failed(job))
    (here,) = JobEvent.objects.filter(job=job, code="retried")
    (there,) = JobEvent.objects.filter(job=new, code="corrected")
    assert (here.actor, there.actor) == ("anna", "anna")
    assert here.message.own_params == {"n": 2, "job": new.pk}
    assert (here.reason, there.reason) == ("Misspelt.", "Misspelt.")


def test_a_version_can_be_corrected_again_when_it_fails_too(make_job: JobMaker) -> None:
    job = make_job(1)
    answer(job, REFUSED)
    second = resubmit(job, failed(job))
    answer(second, REFUSED)
    third = resubmit(second, failed(second))
    answer(third, OK)
    assert third.retry_number == 2
    assert family_totals(job).success == family_totals(job).total == 1


@pytest.mark.django_db(transaction=True)
def test_two_corrections_at_once_make_one_version(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    old = failed(job)

    def correct() -> object:
        try:
            return retries.resubmit(job, new_batches(job, old), reason="Misspelt", actor="anna")
        except retries.Overtaken:
            return None

    made = at_once(correct, correct, correct)
    assert sum(isinstance(each, ImportJob) for each in made) == 1
    assert ImportResult.objects.filter(retry_of__in=old).count() == 2
    assert ImportJob.objects.filter(retry_of=job).count() == 1


def test_a_retry_and_a_correction_do_not_both_take_a_record(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    old = failed(job)
    retry(job, only=job.results.filter(pk=old[0].pk))
    with pytest.raises(retries.Overtaken) as refusal:
        retries.resubmit(job, new_batches(job, old), reason="Misspelt", actor="anna")
    assert refusal.value.ids == {old[0].pk}
    assert not ImportResult.objects.filter(retry_of=old[1].pk).exists()
    with pytest.raises(lifecycle.NotAllowed, match="already being retried"):
        retry(job, only=job.results.filter(pk=old[0].pk))


def test_records_that_have_not_failed_need_force(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, LOST)
    for status in ("success", "unknown"):
        results = list(job.results.filter(status=status))
        with pytest.raises(retries.Overtaken):
            retries.resubmit(job, new_batches(job, results), reason="Yes", actor="anna")
    good = list(job.results.filter(status="success"))
    new = retries.resubmit(job, new_batches(job, good), reason="Yes", actor="anna", force=True)
    assert new.force
    assert new.results.count() == 3


def test_what_is_on_its_way_is_never_taken(make_job: JobMaker) -> None:
    job = make_job(3)
    results = list(job.results.all())
    with pytest.raises(retries.Overtaken):
        retries.resubmit(job, new_batches(job, results), reason="Yes", actor="a", force=True)


def test_what_a_person_left_out_stays_out(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    exclude(job, job.results.all(), reason="moved away", actor="eva")
    results = list(job.results.all())
    with pytest.raises(retries.Overtaken):
        retries.resubmit(job, new_batches(job, results), reason="Yes", actor="anna")


def test_one_that_could_never_be_sent_goes_out_when_it_is_corrected(make_job: JobMaker) -> None:
    record = {"changeType": "CREATE", "type": "PERSON", "person": {"customerId": "7"}}
    job = make_job.of(record | {"changeType": "MAKE"}, record | {"changeType": "CREATE"})
    refused = job.results.get(status="excluded")
    answer(job, OK)
    new = resubmit(job, [refused])
    answer(new, OK)
    summary = family_totals(job)
    assert (summary.total, summary.success, summary.excluded) == (2, 2, 0)


def test_without_a_reason_or_a_record_nothing_is_sent(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    with pytest.raises(lifecycle.NotAllowed, match="Give a reason"):
        retries.resubmit(job, new_batches(job, failed(job)), reason="  ", actor="anna")
    with pytest.raises(lifecycle.NotAllowed, match="nothing to send"):
        retries.resubmit(job, [], reason="Yes", actor="anna")
    assert not ImportJob.objects.filter(retry_of=job).exists()


def test_a_batch_keeps_the_number_of_the_one_that_it_comes_from(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, OK, mixed(S, X, X), REFUSED)
    new = resubmit(job, failed(job))
    assert [(each.number, each.part, each.size) for each in batches(new)] == [(2, 0, 2), (3, 0, 3)]


def test_many_are_cut_into_batches_of_customers_from_one_file(make_job: JobMaker) -> None:
    job = make_job(5, batch_size=5)
    answer(job, REFUSED)
    made = new_batches(job, failed(job), size=2)
    assert [len(each.records) for each in made] == [2, 2, 1]
    assert [(each.number, each.part) for each in made] == [(1, 0), (1, 1), (1, 2)]
    for new_batch in made:
        whole, head, tail = new_batch.frame
        cut = [whole[each.start : each.start + each.length] for each in new_batch.records]
        assert whole == whole[:head] + b", ".join(cut) + whole[len(whole) - tail :]


@pytest.mark.parametrize("is_corrected", [True, False])
def test_a_corrected_version_is_newer_and_the_same_bytes_again_are_not(
    make_job: JobMaker, is_corrected: bool
) -> None:
    old = make_job.of(samples.customer(1))
    answer(old, REFUSED)
    newer = make_job.of(samples.customer(1, firstName="NEWER"))
    answer(newer, REFUSED)
    again = resubmit(old, failed(old)) if is_corrected else retry(old).job
    (mine,) = failed(newer)
    later = {mine.pk: Later(again.pk, "pending")} if is_corrected else {}
    assert later_imports([mine.pk]) == later
