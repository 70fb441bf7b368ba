"""The Failures tab: by cause, one by one, and what is done about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox.samples import customer
from imports.admin.job import actions
from imports.customers import drafts
from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger.totals import job_totals
from imports.models import ImportJob
from imports.policy import Outcome, Verdict
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.jobs import LOST, OK, REFUSED, answer, assert_totals_hold, mixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.jobs import JobMaker


def test_failures_that_differ_only_in_names_are_one_cause(make_job: JobMaker) -> None:
    job = make_job(9)
    for who in ("50000001003", "50000001006", "50000001000"):
        text = f"Customer {who} (“ÅSA”, a.{who}@example.se) has a bad e-mail."
        answer(job, Outcome(Verdict.REJECTED, "BAD_EMAIL", text, 422))
    (cause,) = actions.causes(job)
    assert cause.count == cause.waiting == 9
    assert cause.sentence == "Customer … (…, …) has a bad e-mail."
    assert actions.trouble(job).filter(actions.of_cause(cause.key)).count() == 9


def test_the_places_and_values_of_refused_records_make_no_other_cause(make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "dates")
    for number in (1, 2):
        path = make_job.folder / f"dates_{number}.json"
        people = [bad_birthday(n, f"{1950 + 10 * number}-{n}-5") for n in range(1, 10)]
        path.write_text(json.dumps({"data": people}))
        drafts.add_path(job, path)
    lifecycle.start(job)
    runner.read_input(job)
    (cause,) = actions.causes(job)
    assert (cause.code, cause.count, cause.status) == ("BAD_DATE", 18, "excluded")
    assert cause.sentence == "person.birthday is …, which is not a date."


def bad_birthday(number: int, birthday: str) -> dict[str, Any]:
    person = customer(number)
    person["person"]["birthday"] = birthday
    return person


def test_a_list_of_causes_that_is_cut_says_how_many_more_there_are(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(156)
    names = [f"{one}{other}" for one in "ABCDEFGH" for other in "ABCDEFG"][: job.batches.count()]
    answer(job, *(Outcome(Verdict.REJECTED, f"API_{name}", "No.", 422) for name in names))
    assert len(names) == 52
    assert actions.more(job, actions.causes(job)) == 2
    assert "and 2 more causes" in operator.get(url(job, "failures")).content.decode()


def test_a_cause_says_how_many_who_must_act_and_gives_an_example(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.get(url(job, "failures")).content.decode()
    assert "HTTP_422" in page
    assert "The API refused the data." in page
    assert "Correct the data: “Fix and send again” for one" in page
    example = job.results.filter(status="error").order_by("pk").first()
    assert f"/admin/imports/importresult/{example.pk}/change/" in page  # type: ignore[union-attr]


def test_retry_failed_sends_just_these_and_shows_the_new_job(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.post(url(job, "failures", "retry"), {"which": "all"}, follow=True)
    new = ImportJob.objects.get(retry_of=job)
    assert page.redirect_chain[-1][0] == url(new, "progress")
    assert f"3 customers are being retried in job {new.pk}." in page.content.decode()
    assert (new.status, job_totals(new).total) == ("queued", 3)
    assert_totals_hold(job)


def test_a_second_click_makes_no_second_job_and_leads_to_the_first(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    page = operator.post(url(job, "failures", "retry"), {"which": "all"}, follow=True)
    new = ImportJob.objects.get(retry_of=job)  # just one
    text = page.content.decode()
    assert "All 3 records are already being retried" in text
    assert f'href="{url(new, "progress")}">See job {new.pk}' in text


def test_retry_with_other_settings_makes_a_draft_and_opens_them(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.post(
        url(job, "failures", "retry"), {"which": "all", "start": "later"}, follow=True
    )
    new = ImportJob.objects.get(retry_of=job)
    assert page.redirect_chain[-1][0] == url(new, "settings")
    assert new.status == "draft"
    text = page.content.decode()
    assert "3 customers in 1 batch, 4 at once" in text
    assert 'name="batch_size"' not in text  # its batches are cut
    operator.post(url(new, "progress", "start"))
    new.refresh_from_db()
    assert new.status == "queued"


def test_a_retry_that_waits_for_its_start_takes_no_files(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    operator.post(url(job, "failures", "retry"), {"which": "all", "start": "later"})
    page = operator.get(url(ImportJob.objects.get(retry_of=job), "files")).content.decode()
    assert "it needs no files" in page
    assert 'type="file"' not in page


def test_only_the_ticked_records_go_out(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    ids = list(job.results.filter(status="error").values_list("pk", flat=True))[:2]
    operator.post(url(job, "failures", "retry"), {"ids": ids})
    new = ImportJob.objects.get(retry_of=job)
    assert set(new.results.values_list("retry_of_id", flat=True)) == set(ids)


def test_records_being_retried_are_skipped_and_counted(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    first = job.results.filter(status="error").order_by("pk").values_list("pk", flat=True)[0]
    operator.post(url(job, "failures", "retry"), {"ids": [first]})
    page = operator.post(url(job, "failures", "retry"), {"which": "all"}, follow=True)
    assert "2 customers are being retried" in page.content.decode()
    assert "1 is already being retried" in page.content.decode()


def test_without_a_tick_the_operator_gets_an_explanation(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    page = operator.post(url(failed_job(), "failures", "retry"), {"ids": []}, follow=True)
    assert "Select at least one" in page.content.decode()


def test_one_cause_is_retried_without_the_other(operator: Client, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, REFUSED, Outcome(Verdict.REJECTED, "CONFLICT", "It exists.", 201))
    ended(job)
    cause = next(each for each in actions.causes(job) if each.code == "CONFLICT")
    operator.post(url(job, "failures", "retry"), {"which": "cause", "cause": cause.key})
    new = ImportJob.objects.get(retry_of=job)
    old = new.results.values_list("retry_of__error_code", flat=True)
    assert list(old) == ["CONFLICT"] * 3


@pytest.mark.parametrize("key", ["", "error", "error.x.y", "error..HTTP_422", "'; DROP TABLE"])
def test_a_cause_that_is_none_matches_nothing(
    operator: Client, failed_job: Callable[..., ImportJob], key: str
) -> None:
    job = failed_job()
    operator.post(url(job, "failures", "retry"), {"which": "cause", "cause": key})
    assert not ImportJob.objects.filter(retry_of=job).exists()


def test_records_of_another_job_are_never_touched(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job, other = failed_job(), failed_job()
    ids = list(other.results.filter(status="error").values_list("pk", flat=True))
    operator.post(url(job, "failures", "retry"), {"ids": ids})
    operator.post(url(job, "failures", "exclude"), {"ids": ids, "reason": "x"})
    assert not ImportJob.objects.filter(retry_of__isnull=False).exists()
    assert other.results.filter(status="error").count() == len(ids)


def test_excluding_is_confirmed_with_a_count_and_needs_a_reason(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    address = url(job, "failures", "exclude")
    assert "Exclude 3 customers" in operator.get(address, {"which": "all"}).content.decode()
    refused = operator.post(address, {"which": "all", "reason": "  "})
    assert refused.status_code == 422
    assert "Give a reason" in refused.content.decode()
    assert job_totals(job).excluded == 0
    page = operator.post(address, {"which": "all", "reason": "left the club"}, follow=True)
    assert "Excluded 3 customers." in page.content.decode()
    assert job_totals(job).excluded == 3
    event = job.events.get(code="excluded")
    assert (event.actor, event.reason) == ("anna", "left the club")


@pytest.mark.parametrize(
    ("decision", "status"), [("arrived", "success"), ("not-arrived", "error")]
)
def test_what_became_of_the_unknown_is_decided_with_a_reason(
    operator: Client, failed_job: Callable[..., ImportJob], decision: str, status: str
) -> None:
    job = failed_job()
    ids = list(job.results.filter(status="unknown").values_list("pk", flat=True))
    address = url(job, "failures", "decide")
    assert (
        "3 customers may have arrived" in operator.get(address, {"which": "all"}).content.decode()
    )
    assert operator.post(address, {"which": "all", "decision": decision}).status_code == 422
    data = {"which": "all", "decision": decision, "reason": "looked them up"}
    operator.post(address, data)
    assert set(job.results.filter(pk__in=ids).values_list("status", flat=True)) == {status}
    assert_totals_hold(job)


def test_the_unknown_are_sent_again_only_on_a_persons_word(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    data = {"which": "all", "decision": "send-again", "reason": "the API says it takes it twice"}
    operator.post(url(job, "failures", "decide"), data)
    new = ImportJob.objects.get(retry_of=job)
    assert job_totals(new).total == 3
    assert new.reason == "the API says it takes it twice"


def test_sending_the_unknown_again_needs_the_right_to_retry(
    failed_job: Callable[..., ImportJob],
) -> None:
    job = failed_job()
    client = with_permissions("decider", "resolve_unknown")
    data = {"which": "all", "decision": "send-again", "reason": "why not"}
    assert client.post(url(job, "failures", "decide"), data).status_code == 403
    assert not ImportJob.objects.filter(retry_of=job).exists()


def test_long_lists_come_page_by_page_and_miss_nobody(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(80, batch_size=80)
    answer(job, mixed(*[Verdict.REJECTED] * 70, *[Verdict.SUCCESS] * 10))
    pages = [operator.get(url(job, "failures"), {"page": page}) for page in (1, 2)]
    seen = [row.pk for page in pages for row in page.context["rows"]]
    assert [page.context["page_obj"].number for page in pages] == [1, 2]
    assert 'href="?page=2#rd-records"' in pages[0].content.decode()
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 70


def test_one_customer_is_found_among_the_failures(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    wanted = job.results.filter(status="error").first()
    assert wanted is not None
    page = operator.get(url(job, "failures"), {"q": wanted.key})
    assert [row.pk for row in page.context["rows"]] == [wanted.pk]
    only = operator.get(url(job, "failures"), {"status": "unknown"})
    assert {row.status for row in only.context["rows"]} == {"unknown"}


def test_answers_from_outside_are_shown_as_text(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, Outcome(Verdict.REJECTED, "HTTP_400", "<script>alert(1)</script>", 400))
    for tab in ("failures", "progress"):
        assert "<script>alert" not in operator.get(url(job, tab)).content.decode()


def test_a_job_without_failures_says_so(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    ended(job)
    assert "Nothing failed." in operator.get(url(job, "failures")).content.decode()
    assert LOST.error not in operator.get(url(job, "failures")).content.decode()


def test_each_record_offers_first_what_its_remedy_names(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    rows = operator.get(url(job, "failures")).context["rows"]
    offered = {row.status: [each.label for each in row.row_actions] for row in rows}
    assert offered == {
        "error": ["Fix and send again", "Retry this one"],  # refused data
        "unknown": ["Mark as imported or failed"],
    }
    job.results.filter(status="error").update(error_code="CONNECTION_REFUSED")
    rows = operator.get(url(job, "failures"), {"status": "error"}).context["rows"]
    assert rows[0].row_actions[0].label == "Retry this one"
    question = operator.get(rows[0].row_actions[0].url)
    assert question.context["count"] == 1
    page = operator.get(f"/admin/imports/importresult/{rows[0].pk}/change/")
    labels = [each.label for each in page.context["row_actions"]]
    assert labels == ["Retry this one", "Fix and send again", "Exclude"]


def test_buttons_for_all_say_how_many_the_filter_matches(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.get(url(job, "failures")).content.decode()
    for label in ("Retry all failed (3)", "Exclude all failed (3)", "Resolve all unknown (3)"):
        assert label in page
    one = job.results.filter(status="error").first()
    assert one is not None
    page = operator.get(url(job, "failures"), {"q": one.key}).content.decode()
    assert "Retry all failed (1)" in page
    assert "Resolve all unknown" not in page


def test_an_exclusion_shows_its_reason_and_is_undone(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    operator.post(url(job, "failures", "exclude"), {"which": "all", "reason": "left the club"})
    page = operator.get(url(job, "failures"), {"status": "excluded"})
    assert "Excluded by anna: left the club" in page.content.decode()
    assert "Undo all exclusions (3)" in page.content.decode()
    address = url(job, "failures", "restore")
    assert operator.get(address, {"which": "all"}).context["count"] == 3
    assert operator.post(address, {"which": "all"}).status_code == 422
    page = operator.post(address, {"which": "all", "reason": "a mistake"}, follow=True)
    assert "The exclusion of 3 customers is undone." in page.content.decode()
    assert (job_totals(job).excluded, job_totals(job).error) == (0, 3)
    assert_totals_hold(job)


def test_the_three_decisions_are_three_buttons(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    address = url(failed_job(), "failures", "decide")
    page = operator.get(address, {"which": "all"}).content.decode()
    for decision in ("arrived", "not-arrived", "send-again"):
        assert f'type="submit" class="rd-button" name="decision" value="{decision}"' in " ".join(
            page.split()
        )
    assert "Mark as imported" in page


def test_a_retry_is_asked_for_with_smaller_batches(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    question = operator.get(url(job, "failures", "retry"), {"which": "all"}).content.decode()
    assert f'max="{job.batch_size}"' in question
    operator.post(url(job, "failures", "retry"), {"which": "all", "batch_size": "2"})
    made = ImportJob.objects.get(retry_of=job)
    assert [each.size for each in made.batches.order_by("number", "part")] == [2, 1]


@pytest.mark.parametrize("size", ["0", "-1", "4", "many", "9" * 30])
def test_a_batch_size_that_cannot_be_is_refused_and_nothing_is_sent(
    operator: Client, failed_job: Callable[..., ImportJob], size: str
) -> None:
    job = failed_job()
    data = {"which": "all", "batch_size": size}
    page = operator.post(url(job, "failures", "retry"), data, follow=True)
    assert "1 to 3 customers" in page.content.decode()
    assert not ImportJob.objects.filter(retry_of=job).exists()
