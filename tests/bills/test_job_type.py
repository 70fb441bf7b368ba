"""Bills as a kind: limits on refused passwords, retries, resuming, what is left behind."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import F

from bills.accounts import passwords
from bills.browser.report import AttemptReport, Stage
from bills.models import Bill, BillRun, CredentialUse, Evidence
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.portal_accounts import CORRECT_PASSWORD
from imports import job_types
from imports.engine import sweeper
from imports.ledger import claims, outcomes
from imports.ledger.lifecycle import NotAllowed
from imports.models import ImportBatch, ImportResult
from imports.policy import Verdict, next_step
from tests.bills.runs import PASSWORD, attempts_of, came_of, credential_of, full, result_of, run
from tests.decisions import retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from bills.models import Portal
    from config.dev.sandbox.portal import PortalSite
    from imports.models import ImportJob
    from tests.bills.runs import BillMaker

pytest_plugins = ("tests.bills.browser_fixtures",)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("warm")]


def of(name: str, limit: int = 3) -> passwords.Password:
    credential = credential_of(name)
    return passwords.Password(credential.pk, credential.password_changed_at, limit)


def refused(job: ImportJob, name: str, times: int = 1) -> None:
    """As if the portal had refused the account's password in this job, without a browser."""
    for _ in range(times):
        of(name, 99).count_before_typing()
        report = AttemptReport(stage=Stage.JUDGE, code=Code.LOGIN_FAILED)
        of(name, 99).settle(report, 1)
    ImportResult.objects.filter(pk=result_of(job, name).pk).update(
        status="error", error_code="LOGIN_FAILED", error="Refused.", final_error="Refused."
    )
    ImportBatch.objects.filter(results=result_of(job, name)).update(status="failed", error_count=1)
    job.refresh_from_db()


def test_the_pause_between_attempts_is_always_the_same(make_bills: BillMaker) -> None:
    job = make_bills.draft("good", retry_delay_seconds=10.0, max_attempts=5)
    kind = job_types.get("bills")
    delays = {next_step(kind.lost(job), tried, kind.budget(job)).delay for tried in (1, 2, 3, 4)}
    assert delays == {10.0}


def test_a_lease_is_longer_than_the_longest_attempt(make_bills: BillMaker) -> None:
    job = make_bills.draft("good", timeout_seconds=300.0)
    assert job_types.get("bills").lease_seconds(job) > 300.0 + 75.0


def test_an_attempt_that_nobody_saw_the_end_of_is_made_again(
    make_bills: BillMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_bills("good")
    claims.intend(claims.claim(job, "host:1", 1, 60.0).works, 60.0)
    pass_time(100.0)
    assert outcomes.expire() == {job.pk}
    (attempt,) = attempts_of(job, "good")
    assert (attempt.verdict, attempt.error_code) == (Verdict.RETRY, "WORKER_LOST")
    assert result_of(job, "good").status == "pending"


# Refused passwords


def test_a_password_is_counted_before_it_is_typed(make_bills: BillMaker) -> None:
    make_bills("good")
    of("good").count_before_typing()
    assert credential_of("good").unproven_count == 1


def test_a_password_sent_as_often_as_allowed_is_not_sent_again(make_bills: BillMaker) -> None:
    make_bills("good")
    for _ in range(2):
        of("good", limit=2).count_before_typing()
    assert of("good", limit=2).is_spent()
    with pytest.raises(PortalError) as unknown:
        of("good", limit=2).count_before_typing()
    assert unknown.value.code is Code.UNRECOGNISED_PAGE  # nobody has seen a refusal
    assert credential_of("good").unproven_count == 2


def test_only_a_refusal_that_was_seen_is_called_one(make_bills: BillMaker) -> None:
    make_bills("good")
    refusal = AttemptReport(stage=Stage.JUDGE, code=Code.LOGIN_FAILED)
    for _ in range(2):
        of("good", limit=2).count_before_typing()
        of("good", limit=2).settle(refusal, 1)
    with pytest.raises(PortalError) as known:
        of("good", limit=2).count_before_typing()
    assert known.value.code is Code.LOGIN_FAILED


def test_a_changed_password_is_not_blamed_for_the_old_one(make_bills: BillMaker) -> None:
    make_bills("good")
    old = of("good")
    old.count_before_typing()
    assert passwords.change(credential_of("good"), "a new one")
    old.settle(AttemptReport(stage=Stage.JUDGE, code=Code.LOGIN_FAILED), 1)
    credential = credential_of("good")
    assert (credential.refused_count, credential.unproven_count) == (0, 0)
    with pytest.raises(Exception, match="changed while this attempt ran"):
        old.count_before_typing()


@pytest.mark.parametrize(
    ("stage", "code", "refused_count", "unproven_count"),
    [
        (Stage.JUDGE, Code.LOGIN_FAILED, 1, 0),
        (Stage.JUDGE, Code.UNRECOGNISED_PAGE, 0, 1),
        (Stage.JUDGE, Code.FORBIDDEN, 0, 1),
        (Stage.JUDGE, Code.NAVIGATION, 0, 1),
        (Stage.LOGIN, Code.NAVIGATION, 0, 0),
        (Stage.JUDGE, Code.SITE_5XX, 0, 0),
        (Stage.JUDGE, Code.TIMEOUT, 0, 0),
        (Stage.DOWNLOAD, Code.DOWNLOAD_BAD, 0, 0),
        (Stage.DONE, None, 0, 0),
    ],
)
def test_only_what_may_be_a_refusal_counts(
    make_bills: BillMaker, stage: Stage, code: Code | None, refused_count: int, unproven_count: int
) -> None:
    make_bills("good")
    of("good").count_before_typing()
    of("good").settle(AttemptReport(stage=stage, code=code), 1)
    credential = credential_of("good")
    counted = (credential.refused_count, credential.unproven_count)
    assert counted == (refused_count, unproven_count)


def test_a_portal_can_have_one_refused_password_submitted_once(
    make_bills: BillMaker, site: PortalSite, portal: Portal
) -> None:
    portal.refused_password_limit = 1
    portal.save()
    job = run(make_bills("wrongpassword"))
    came = came_of(job, "wrongpassword")
    assert (came.code, came.attempts, came.verdicts) == ("LOGIN_FAILED", 1, ("rejected",))
    assert "refused the e-mail or the password" in (came.final_error or "")
    assert "sent once without success" in (came.final_error or "")

    other = run(make_bills("wrongpassword"))
    assert attempts_of(other, "wrongpassword")[0].details["password_submissions"] == 0
    assert site.accounts.happened()["refused"] == {full("wrongpassword"): 1}


# Retry failed


def test_a_refused_password_is_left_out_of_a_retry_until_it_is_changed(
    make_bills: BillMaker,
) -> None:
    job = make_bills("wrongpassword", "500")
    refused(job, "wrongpassword")
    refused(job, "500")
    credential_of("500").__class__.objects.filter(email=full("500")).update(refused_count=0)

    made = retry(job, actor="tester")
    assert (made.records, made.left_out) == (1, 1)
    assert [each.email for each in made.job.results.all()] == [full("500")]
    with pytest.raises(NotAllowed, match="nothing was corrected"):
        retry(job, actor="tester")

    passwords.change(credential_of("wrongpassword"), CORRECT_PASSWORD)
    made = retry(job, actor="tester")
    assert [each.email for each in made.job.results.all()] == [full("wrongpassword")]


def test_force_sends_a_refused_password_again(make_bills: BillMaker) -> None:
    job = make_bills("wrongpassword")
    refused(job, "wrongpassword", times=3)
    made = retry(job, actor="tester", force=True)
    assert made.records == 1
    assert not of("wrongpassword").is_spent()


def test_a_retry_goes_to_the_same_portal_with_the_same_credentials(make_bills: BillMaker) -> None:
    job = make_bills("500", "good")
    refused(job, "500")
    credential_of("500").__class__.objects.update(refused_count=0)
    again = retry(job, actor="tester").job
    assert BillRun.objects.get(job=again).portal == make_bills.portal
    uses = CredentialUse.objects.filter(batch__job=again)
    assert [use.credential.email for use in uses] == [full("500")]


def test_a_corrected_password_turns_the_retry_green(
    make_bills: BillMaker, site: PortalSite
) -> None:
    site.accounts.set_password(full("asa"), CORRECT_PASSWORD)
    job = run(make_bills("asa", max_attempts=1))
    assert came_of(job, "asa").code == "LOGIN_FAILED"
    passwords.change(credential_of("asa"), CORRECT_PASSWORD)
    again = run(retry(job, actor="tester").job)
    assert (came_of(again, "asa").status, came_of(again, "asa").bills) == ("success", 3)
    assert credential_of("asa").refused_count == 0


# Bills


def test_a_later_job_fetches_only_what_is_new(make_bills: BillMaker, site: PortalSite) -> None:
    run(make_bills("good"))
    site.accounts.add_bills(full("good"), 2)
    job = run(make_bills("good"))
    (attempt,) = attempts_of(job, "good")
    assert (attempt.details["new"], attempt.details["known_before"]) == (2, 3)
    assert (attempt.details["new"], attempt.details["known_before"]) == (2, 3)
    assert Bill.objects.filter(batch__job=job).count() == len(attempt.details["bills"]) == 2
    downloads: Any = site.accounts.happened()["downloads"]
    assert set(downloads.values()) == {1}


def test_a_bill_whose_row_was_lost_in_a_kill_is_written_over_and_not_doubled(
    make_bills: BillMaker, settings: Any
) -> None:
    run(make_bills("good"))
    files = sorted(Path(settings.MEDIA_ROOT).rglob("*.pdf"))
    Bill.objects.all().delete()
    files[0].write_bytes(b"%PDF-half")
    run(make_bills("good"))
    assert sorted(Path(settings.MEDIA_ROOT).rglob("*.pdf")) == files
    assert [bill.size for bill in Bill.objects.all()] == [
        bill.file.size for bill in Bill.objects.all()
    ]
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.suffix == ".part"] == []


# What is left behind


def test_the_failed_rows_are_a_csv_without_passwords(make_bills: BillMaker, settings: Any) -> None:
    job = make_bills("=cmd|x", "wrongpassword", max_attempts=1)
    run(job)
    directory = Path(job.retry_directory)
    assert directory.parent == settings.RETRY_FILES_DIR
    with (directory / "failed_credentials.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = [row for row in rows if row["email"] == full("wrongpassword")]
    assert (row["code"], row["attempts"], row["cred_id"]) == ("LOGIN_FAILED", "1", "00002")
    assert row["who_must_act"] == "You"
    assert row["remedy"].startswith("Correct the password")
    written = b"".join(path.read_bytes() for path in directory.iterdir())
    assert PASSWORD.encode() not in written
    assert not {name for name in row if "password" in name}


def test_expired_evidence_is_removed_by_the_sweep(make_bills: BillMaker) -> None:
    run(make_bills("otp"))
    assert {piece.kind for piece in Evidence.objects.all()} == {"screenshot", "page"}
    assert Evidence.objects.get(kind="screenshot").opened().startswith(b"\x89PNG")
    sweeper.sweep()
    assert Evidence.objects.count() == 2
    Evidence.objects.update(expires_at=F("made_at"))
    sweeper.sweep()
    assert Evidence.objects.count() == 0


def test_a_job_pauses_when_there_is_no_browser(
    make_bills: BillMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bills.job_type.find_browser", lambda: None)
    job = run(make_bills("good"))
    assert (job.status, job.pause_code) == ("paused", "NO_BROWSER")
    assert "Install chromium" in str(job.pause_message)
    assert result_of(job, "good").retry_attempts == 0
