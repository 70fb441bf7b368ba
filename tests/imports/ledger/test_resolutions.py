"""What a person decides about unknown and failed records, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox.samples import customer
from imports.ledger import bulk_actions, retries
from imports.ledger.lifecycle import NotAllowed
from imports.models.bulk_actions import ActionType
from imports.policy import Verdict
from imports.states import ResultStatus
from tests.decisions import exclude, resolve_unknown, retry
from tests.jobs import LOST, OK, REFUSED, answer, assert_totals_hold, batches, keys, mixed

if TYPE_CHECKING:
    from tests.jobs import JobMaker

S, X, U = Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN


def test_unknown_records_that_a_person_found_are_successes(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, LOST)
    assert resolve_unknown(job, job.results.all(), arrived=True, reason="seen", actor="anna") == 3
    assert set(job.results.values_list("status", "error", "error_code", "final_error")) == {
        ("success", "", "", None)
    }
    assert batches(job)[0].status == "done"
    event = job.events.get(code="unknown_arrived")
    assert (event.actor, str(event.message), event.reason) == ("anna", "3 records.", "seen")
    assert_totals_hold(job)


def test_unknown_records_that_did_not_arrive_have_failed_and_can_be_retried(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, LOST)
    resolve_unknown(job, job.results.all(), arrived=False, reason="not there", actor="anna")
    assert set(job.results.values_list("status", "error_code", "final_error")) == {
        ("error", "NOT_ARRIVED", "Marked as failed by anna: not there")
    }
    assert batches(job)[0].status == "failed"
    assert retry(job).records == 3
    assert_totals_hold(job)


def test_a_batch_stays_unknown_until_its_last_unknown_record_is_decided(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, mixed(U, S, U))
    for index, status in ((0, "unknown"), (0, "done")):
        one = job.results.filter(key=keys(job, "unknown")[index])
        assert resolve_unknown(job, one, arrived=True, reason="seen", actor="anna") == 1
        assert batches(job)[0].status == status
        assert_totals_hold(job)


def test_only_unknown_records_are_resolved_and_only_failed_ones_excluded(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    answer(job, mixed(U, S, X), OK)
    assert resolve_unknown(job, job.results.all(), arrived=True, reason="seen", actor="a") == 1
    assert exclude(job, job.results.all(), reason="left", actor="a") == 1
    assert (len(keys(job, "success")), len(keys(job, "excluded"))) == (5, 1)
    assert batches(job)[0].status == "done"
    assert_totals_hold(job)


def test_an_excluded_record_keeps_its_error_and_is_not_retried(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    assert exclude(job, job.results.all()[:0], reason="none", actor="anna") == 0
    assert not job.events.filter(code="excluded").exists()
    assert exclude(job, job.results.all(), reason="closed accounts", actor="anna") == 3
    assert set(job.results.values_list("error_code", "error")) == {
        ("EXCLUDED_BY_HAND", "The API refused the data. Excluded by anna: closed accounts")
    }
    with pytest.raises(NotAllowed):
        retry(job)


@pytest.mark.parametrize("reason", ["", "  "])
def test_every_decision_needs_a_reason(reason: str, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LOST, REFUSED)
    with pytest.raises(NotAllowed, match="Give a reason"):
        resolve_unknown(job, job.results.all(), arrived=True, reason=reason, actor="anna")
    with pytest.raises(NotAllowed, match="Give a reason"):
        exclude(job, job.results.all(), reason=reason, actor="anna")
    assert (len(keys(job, "unknown")), len(keys(job, "error"))) == (3, 3)


def test_a_record_that_is_being_retried_is_not_decided_here(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LOST, REFUSED)
    retry(job, status=ResultStatus.UNKNOWN, reason="looked up")
    retry(job)
    assert resolve_unknown(job, job.results.all(), arrived=True, reason="r", actor="a") == 0
    assert exclude(job, job.results.all(), reason="r", actor="a") == 0


def test_records_of_another_import_are_not_touched(make_job: JobMaker) -> None:
    job, other = make_job(3), make_job(3)
    answer(job, LOST)
    answer(other, LOST)
    assert resolve_unknown(job, other.results.all(), arrived=True, reason="r", actor="a") == 0
    assert len(keys(other, "unknown")) == 3


def test_an_excluded_record_keeps_its_reason_and_the_exclusion_can_be_undone(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    before = [without_wrapping(row) for row in job.results.order_by("pk").values(*KEPT)]
    exclude(job, job.results.all(), reason="Moved\naway", actor="eva")
    excluded = job.results.order_by("pk").first()
    assert excluded is not None
    assert (excluded.status, excluded.error_code) == ("excluded", "EXCLUDED_BY_HAND")
    assert excluded.english == f"{REFUSED.error} Excluded by eva: Moved away"
    assert excluded.error == excluded.final_error == excluded.english
    assert_totals_hold(job)
    done = bulk_actions.carry_out(job, ActionType.RESTORE, reason="She is back", actor="eva")
    assert done.taken == 3
    assert [without_wrapping(row) for row in job.results.order_by("pk").values(*KEPT)] == before
    assert_totals_hold(job)
    assert job.events.filter(code="exclusion_undone", actor="eva").exists()
    assert retries.how_many_wait(job).failed == 3


KEPT = ("status", "error_code", "error", "final_error", "cause", "http_status", "message")


def without_wrapping(row: dict[str, Any]) -> dict[str, Any]:
    """Somebody's own words are kept as a message of ours while a record is excluded."""
    return row | {"message": str(row["message"])}


def test_what_was_never_sent_has_no_exclusion_to_undo(make_job: JobMaker) -> None:
    unsendable = customer(3) | {"person": None}
    job = make_job.of(unsendable, customer(1), customer(2))
    assert job.unsendable_count == 1
    with pytest.raises(bulk_actions.NothingLeft):
        bulk_actions.carry_out(job, ActionType.RESTORE, reason="Why not", actor="eva")
