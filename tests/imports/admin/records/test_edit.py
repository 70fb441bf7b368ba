"""Fix and send again: the editor, its checks, and two windows on one customer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from imports.engine import runner
from imports.ledger.batches import bytes_of
from imports.models import ImportJob, ImportResult, JobEvent
from tests.decisions import exclude, retry
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.jobs import LOST, OK, REFUSED, answer, run

if TYPE_CHECKING:
    from django.test import Client

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker

RESULTS = "/admin/imports/importresult/"


def fix(result: ImportResult, *more: str) -> str:
    return "/".join([f"{RESULTS}{result.pk}/fix", *more, ""])


@pytest.fixture
def failed(make_job: JobMaker) -> ImportResult:
    """A refused customer of an ended job."""
    job = make_job(3)
    answer(job, REFUSED)
    return ended(job).results.order_by("pk")[0]


def written(result: ImportResult, **person: Any) -> dict[str, str]:
    """The form, with another first name (or what is given) and a reason."""
    record = json.loads(bytes_of([result.pk])[result.pk])
    record["person"] |= person or {"firstName": "RIGHT"}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    return {"record": text.replace("\n", "\r\n"), "reason": "The name was misspelt."}


def version_after(result: ImportResult) -> ImportResult:
    return ImportResult.objects.get(retry_of=result)


def test_the_page_shows_the_record_its_error_and_nothing_changed(
    operator: Client, failed: ImportResult
) -> None:
    page = operator.get(fix(failed)).content.decode()
    assert f"&quot;customerId&quot;: &quot;{failed.key}&quot;" in page
    assert REFUSED.error in page
    assert "You have not changed anything yet" in page


def test_a_corrected_customer_goes_out_and_the_record_tells_who_changed_what(
    operator: Client, failed: ImportResult, sandbox: SandboxApi
) -> None:
    sent = operator.post(fix(failed), written(failed))
    new = version_after(failed)
    assert sent.headers["Location"] == f"{RESULTS}{new.pk}/change/"
    run(new.job)
    page = operator.get(f"{RESULTS}{failed.pk}/change/").content.decode()
    assert "was corrected by anna" in page
    assert "and was imported on" in page
    assert "The name was misspelt." in page
    assert "What was changed" in page
    assert "<mark>RIGHT</mark>" in page
    assert sandbox.account.effects(new.key) == 1


def test_the_page_of_a_customer_on_its_way_asks_again_by_itself(
    operator: Client, failed: ImportResult
) -> None:
    operator.post(fix(failed), written(failed))
    new = version_after(failed)
    address = f"{RESULTS}{new.pk}/change/"
    assert f'hx-get="{address}"' in operator.get(address).content.decode()
    run(new.job)
    assert "hx-get" not in operator.get(address).content.decode().partition("rd-record")[2][:400]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"record": "{"}, "key in double quotes"),
        ({"record": ""}, "The record is empty"),
        ({"reason": " "}, "Describe what was wrong"),
    ],
)
def test_what_cannot_be_sent_is_shown_again_with_what_is_wrong(
    operator: Client, failed: ImportResult, change: dict[str, str], said: str
) -> None:
    page = operator.post(fix(failed), written(failed) | change)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not ImportResult.objects.filter(retry_of=failed).exists()


def test_an_unchanged_record_is_not_sent_as_a_correction(
    operator: Client, failed: ImportResult
) -> None:
    compact = {"record": bytes_of([failed.pk])[failed.pk].decode(), "reason": "again"}
    page = operator.post(fix(failed), compact)
    assert page.status_code == 422
    assert "use Retry failed" in page.content.decode()


def test_another_id_is_sent_only_when_it_is_confirmed(
    operator: Client, failed: ImportResult
) -> None:
    other = written(failed, customerId="99")
    page = operator.post(fix(failed), other)
    assert page.status_code == 422
    assert f"The id changes from {failed.key} to 99" in page.content.decode()
    assert not ImportResult.objects.filter(retry_of=failed).exists()
    operator.post(fix(failed), other | {"confirm_id": "1"})
    assert version_after(failed).key == "99"
    for key in ("99", failed.key):
        found = operator.get(f"{RESULTS}find/", {"q": key}, follow=True).content.decode()
        assert f"Customer 99 (before: {failed.key}) was refused" in found
        assert "was corrected by anna" in found


def test_the_open_page_shows_mistakes_and_differences_while_you_type(
    operator: Client, failed: ImportResult
) -> None:
    wrong = written(failed, languageCode="SV")
    summary = operator.post(fix(failed, "check"), wrong).content.decode()
    assert "two lower-case letters" in summary
    assert "data-goes-to-line" in summary
    summary = operator.post(fix(failed, "check"), written(failed)).content.decode()
    assert "it can be sent" in summary
    assert "<mark>" in summary
    assert operator.get(fix(failed, "check")).status_code == 405


def test_the_second_of_two_windows_gets_a_conflict_and_keeps_its_text(
    operator: Client, failed: ImportResult
) -> None:
    operator.post(fix(failed), written(failed))
    first = version_after(failed)
    second = written(failed, firstName="OTHER")
    summary = operator.post(fix(failed, "check"), second).content.decode()
    assert "anna was faster" in summary
    page = operator.post(fix(failed), second)
    text = page.content.decode()
    assert page.status_code == 409
    assert "anna was faster" in text
    assert "OTHER" in text
    assert f"in job {first.job_id}" in text
    assert "can be sent only if the other version fails" in text
    assert ImportResult.objects.filter(key=failed.key).count() == 2


def test_the_second_window_can_send_its_text_after_the_firsts_has_failed(
    operator: Client, failed: ImportResult
) -> None:
    operator.post(fix(failed), written(failed))
    first = version_after(failed)
    runner.read_input(first.job)
    answer(first.job, REFUSED)
    text = operator.post(fix(failed), written(failed, firstName="OTHER")).content.decode()
    assert f'action="{fix(first)}"' in text
    assert "Save once more to send yours" in text
    operator.post(fix(first), written(failed, firstName="OTHER"))
    assert version_after(first).job.retry_number == 2


@pytest.mark.parametrize("status", ["success", "pending", "unknown", "excluded"])
def test_what_has_not_failed_is_not_edited(
    operator: Client, make_job: JobMaker, status: str
) -> None:
    job = make_job(3)
    if status != "pending":
        answer(job, {"success": OK, "unknown": LOST, "excluded": REFUSED}[status])
    if status == "excluded":
        exclude(job, job.results.all(), reason="moved", actor="eva")
    result = job.results.order_by("pk")[0]
    page = operator.get(fix(result))
    assert page.headers["Location"] == f"{RESULTS}{result.pk}/change/"
    assert "Fix and send again" not in operator.get(page.headers["Location"]).content.decode()


def test_the_page_of_an_old_version_leads_to_the_latest(
    operator: Client, failed: ImportResult
) -> None:
    new = retry(failed.job).job
    runner.read_input(new)
    answer(new, REFUSED)
    assert operator.get(fix(failed)).headers["Location"] == fix(version_after(failed))


def test_one_that_could_never_be_sent_can_be_put_right(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.of({"changeType": "MAKE", "type": "PERSON", "person": {"customerId": "7"}})
    result = job.results.get()
    assert fix(result) in operator.get(f"{RESULTS}{result.pk}/change/").content.decode()
    assert "Use one of" in operator.get(fix(result)).content.decode()
    right = {"changeType": "CREATE", "type": "PERSON", "person": {"customerId": "7"}}
    operator.post(fix(result), {"record": json.dumps(right), "reason": "wrong change type"})
    assert version_after(result).status == "pending"


def test_the_failures_tab_leads_to_the_editor_of_those_that_wait(
    operator: Client, failed: ImportResult
) -> None:
    tab = url(failed.job, "failures")
    assert fix(failed) in operator.get(tab).content.decode()
    operator.post(fix(failed), written(failed))
    assert fix(failed) not in operator.get(tab).content.decode()


def test_only_those_who_may_retry_see_the_button_and_get_in(failed: ImportResult) -> None:
    viewer, operator = with_permissions("viewer"), with_permissions("operator", "retry_job")
    page = f"{RESULTS}{failed.pk}/change/"
    assert fix(failed) not in viewer.get(page).content.decode()
    assert fix(failed) in operator.get(page).content.decode()
    for address in (fix(failed), fix(failed, "check")):
        assert viewer.post(address, written(failed)).status_code == 403
    assert viewer.get(fix(failed)).status_code == 403
    assert not ImportJob.objects.filter(retry_of=failed.job).exists()
    assert not JobEvent.objects.filter(actor="viewer").exists()


def test_an_account_at_a_portal_is_no_text_to_be_edited(
    operator: Client, failed: ImportResult
) -> None:
    ImportJob.objects.filter(pk=failed.job_id).update(api=None)
    assert operator.get(fix(failed)).status_code == 404
