"""Acting on all that a filter matches: counted, asked, done at once or in the background."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from imports.admin.job import actions
from imports.engine import queue
from imports.ledger import bulk_actions
from imports.models import BulkAction, ImportJob
from imports.policy import Outcome, Verdict
from tests.decisions import exclude
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.jobs import LOST, REFUSED, answer, assert_totals_hold, keys, mixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
CONFLICT = Outcome(Verdict.REJECTED, "CONFLICT", "It exists.", 201)
ASKED = {"HX-Request": "true"}
LEFT = {"reason": "left the club"}
EXCLUDE = {"which": "filter", "status": "error"} | LEFT


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than four records are very many."""
    monkeypatch.setattr(bulk_actions, "CHUNK", 4)


@pytest.fixture
def troubled(make_job: JobMaker) -> ImportJob:
    """An ended job: six refused, three in conflict, three unknown."""
    job = make_job(12)
    answer(job, REFUSED, REFUSED, CONFLICT, LOST)
    return ended(job)


def page(client: Client, job: ImportJob, tab: str = "failures") -> str:
    return client.get(url(job, tab)).content.decode()


def question(client: Client, job: ImportJob, act: str, **which: str) -> tuple[str, dict[str, Any]]:
    """The question that a button brings, and what its form would send."""
    answer_ = client.get(url(job, "failures", act), which, headers=ASKED)
    assert answer_.status_code == 200
    text = answer_.content.decode()
    found = re.findall(r'type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', text)
    return text, {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def live(client: Client, job: ImportJob) -> str:
    shown = client.get(url(job, "progress", "live"), {"tab": "failures", "was": "finished-bulk"})
    return shown.content.decode()


# The question


@pytest.mark.parametrize(
    ("act", "which", "title"),
    [
        ("retry", {"which": "all"}, "Retry 9 customers?"),
        ("retry", {"which": "filter", "q": "50000001006"}, "Retry 1 customer?"),
        ("exclude", {"which": "filter", "status": "error"}, "Exclude 9 customers?"),
        ("decide", {"which": "all"}, "3 customers may have arrived"),
    ],
)
def test_a_question_says_how_many_are_meant_and_does_nothing(
    operator: Client, troubled: ImportJob, act: str, which: dict[str, str], title: str
) -> None:
    text, _fields = question(operator, troubled, act, **which)
    assert title in text
    assert text.lstrip().startswith("<dialog")
    alone = operator.get(url(troubled, "failures", act), which).content.decode()
    assert title in alone  # a page of its own where no script runs
    assert "<html" in alone
    assert (len(keys(troubled, "error")), len(keys(troubled, "unknown"))) == (9, 3)
    assert ImportJob.objects.count() == 1


def test_the_buttons_of_a_cause_ask_about_just_that_cause(
    operator: Client, troubled: ImportJob
) -> None:
    cause = next(each for each in actions.causes(troubled) if each.code == "CONFLICT")
    shown = page(operator, troubled)
    for act in ("retry", "exclude"):
        address = f"{url(troubled, 'failures', act)}?{cause.choice}".replace("&", "&amp;")
        assert f'hx-get="{address}"' in shown
    text, fields = question(operator, troubled, "retry", which="cause", cause=cause.key)
    assert "Retry 3 customers?" in text
    operator.post(url(troubled, "failures", "retry"), fields)
    assert set(ImportJob.objects.get(retry_of=troubled).results.values_list(
        "retry_of__error_code", flat=True
    )) == {"CONFLICT"}  # fmt: skip


def test_all_that_a_filter_matches_is_more_than_a_page(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(80, batch_size=80)
    answer(job, mixed(*[Verdict.REJECTED] * 60, *[Verdict.UNKNOWN] * 20))
    ended(job)
    _text, fields = question(operator, job, "exclude", which="filter", status="error")
    shown = operator.post(
        url(job, "failures", "exclude"), fields | {"reason": "left"}, follow=True
    )
    assert "Excluded 60 customers." in shown.content.decode()
    assert (len(keys(job, "excluded")), len(keys(job, "unknown"))) == (60, 20)
    assert_totals_hold(job)


def test_records_that_change_before_the_confirmation_are_skipped_and_reported(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED)
    _text, fields = question(operator, job, "exclude", which="filter", status="error")
    assert fields["counted"] == "6"
    one = job.results.filter(key=keys(job, "error")[0])
    exclude(job, one, reason="somebody else was first", actor="olle")
    answer(job, REFUSED)  # three more failed: nobody asked about those
    shown = operator.post(
        url(job, "failures", "exclude"), fields | {"reason": "left"}, follow=True
    )
    text = shown.content.decode()
    assert "Excluded 5 customers." in text
    assert "1 changed in the meantime and was skipped." in text
    assert len(keys(job, "error")) == 3


def test_a_retry_reports_what_changed_meanwhile_too(operator: Client, troubled: ImportJob) -> None:
    _text, fields = question(operator, troubled, "retry", which="filter", status="error")
    one = troubled.results.filter(key=keys(troubled, "error")[0])
    exclude(troubled, one, reason="somebody else was first", actor="olle")
    shown = operator.post(url(troubled, "failures", "retry"), fields, follow=True)
    text = shown.content.decode()
    assert "8 customers are being retried" in text
    assert "1 changed in the meantime and was skipped" in text


def test_where_nothing_is_left_to_do_the_question_says_so(
    operator: Client, troubled: ImportJob
) -> None:
    exclude(troubled, troubled.results.all(), reason="left", actor="olle")
    for act in ("retry", "exclude"):
        text, _fields = question(operator, troubled, act, which="filter", status="error")
        assert "None of these records can be" in text
        assert 'type="submit"' not in text


# In the background


@pytest.mark.usefixtures("few")
def test_very_many_are_done_in_the_background_with_progress_on_the_page(
    operator: Client, troubled: ImportJob, messages: Any
) -> None:
    text, fields = question(operator, troubled, "exclude", which="filter", status="error")
    assert "runs in the background" in text
    shown = operator.post(url(troubled, "failures", "exclude"), fields | LEFT, follow=True)
    assert "Excluding 0 of 9 customers" in shown.content.decode()
    assert queue.enqueued_jobs() == {troubled.pk}
    bulk_action = BulkAction.objects.get()
    bulk_actions.carry_on(bulk_action)
    part = live(operator, troubled)
    assert "Excluding 6 of 9 customers" in part
    assert re.search(r'<progress[^>]*max="9"[^>]*value="6"', part)
    assert "hx-trigger" not in part  # the page goes on asking as it did
    assert "every 2s" in page(operator, troubled)
    queue.run_job(troubled.pk)
    part = live(operator, troubled)
    assert "Excluded 9 customers." in part
    assert "Show what is left" in part
    assert 'id="rd-poller"' in part
    assert "every 2s" not in part
    assert_totals_hold(troubled)


@pytest.mark.usefixtures("few")
def test_a_second_click_is_refused_while_a_bulk_action_is_under_way(
    operator: Client, troubled: ImportJob
) -> None:
    operator.post(url(troubled, "failures", "exclude"), EXCLUDE)
    shown = page(operator, troubled)
    assert "Retry failed" not in shown.replace("Retry failed sends", "").replace(
        "Retry failed leaves", ""
    )
    assert url(troubled, "failures", "retry") + "?" not in shown
    for act, data in (("exclude", EXCLUDE), ("retry", {"which": "all"})):
        again = operator.post(url(troubled, "failures", act), data, follow=True)
        assert "Another action on many of these records" in again.content.decode()
    assert BulkAction.objects.count() == 1


@pytest.mark.usefixtures("few")
def test_a_large_retry_shows_how_its_job_is_put_together_and_then_how_it_runs(
    operator: Client, troubled: ImportJob
) -> None:
    shown = operator.post(url(troubled, "failures", "retry"), {"which": "all"}, follow=True)
    new = ImportJob.objects.get(retry_of=troubled)
    assert shown.redirect_chain[-1][0] == url(new, "progress")
    text = shown.content.decode()
    assert f"Preparing job {new.pk}: 0 of 9 customers" in text
    assert "starts by itself when it has all its records" in text
    assert url(new, "progress", "start") not in text
    assert url(new, "progress", "discard") not in text
    queue.run_job(troubled.pk)
    new.refresh_from_db()
    assert new.status == "queued"
    assert f"Retried 9 customers, in job {new.pk}." in page(operator, troubled)
    assert "together" not in page(operator, new, "progress")


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("decision", "summary"),
    [("arrived", "as imported"), ("not-arrived", "as failed")],
)
def test_many_unknown_are_decided_in_the_background(
    operator: Client, make_job: JobMaker, decision: str, summary: str
) -> None:
    job = make_job(6)
    answer(job, LOST, LOST)
    ended(job)
    data = {"which": "all", "decision": decision, "reason": "looked them up"}
    operator.post(url(job, "failures", "decide"), data)
    assert len(keys(job, "unknown")) == 6
    queue.run_job(job.pk)
    assert keys(job, "unknown") == []
    assert summary in page(operator, job)


@pytest.mark.usefixtures("few")
def test_many_unknown_go_out_again_on_a_persons_word(operator: Client, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LOST, LOST)
    ended(job)
    data = {"which": "all", "decision": "send-again", "reason": "the API takes it twice"}
    operator.post(url(job, "failures", "decide"), data)
    queue.run_job(job.pk)
    new = ImportJob.objects.get(retry_of=job)
    assert (new.status, new.results.count(), new.reason) == ("queued", 6, data["reason"])


@pytest.mark.usefixtures("few")
def test_it_can_be_stopped_by_whoever_may_cancel_jobs(
    operator: Client, troubled: ImportJob
) -> None:
    operator.post(url(troubled, "failures", "exclude"), EXCLUDE)
    bulk_actions.carry_on(BulkAction.objects.get())
    excluder = with_permissions("excluder", "exclude_records")
    stop = url(troubled, "failures", "stop")
    assert stop not in page(excluder, troubled)
    assert excluder.post(stop).status_code == 403
    assert stop in page(operator, troubled)
    text = operator.post(stop, follow=True).content.decode()
    assert "Excluded 6 customers." in text
    assert "It stopped early, out of 9 customers. Stopped by anna." in text
    assert len(keys(troubled, "excluded")) == 6
    assert "had already ended" in operator.post(stop, follow=True).content.decode()


@pytest.mark.usefixtures("few")
def test_a_page_beside_a_plan_asks_the_database_no_more(
    operator: Client,
    troubled: ImportJob,
    failed_job: Callable[..., ImportJob],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    operator.post(url(troubled, "failures", "exclude"), EXCLUDE)
    with django_assert_max_num_queries(30):
        page(operator, troubled)
    with django_assert_max_num_queries(22):
        live(operator, troubled)
