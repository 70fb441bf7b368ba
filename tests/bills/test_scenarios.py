"""Each scenario of the sandbox portal through a real browser, the job runner and the ledger."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from bills import error_codes
from bills.models import Bill
from tests.bills.runs import attempts_of, came_of, full, result_of, run
from tests.jobs import assert_totals_hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.portal import PortalSite
    from imports.models import ImportJob
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)

THREE = ("retry", "retry", "retry")
TWO = ("retry", "rejected")  # as often as one password is sent without success
# The account: its bills, and the verdict of each of its attempts.
SUCCEED: dict[str, tuple[int, tuple[str, ...]]] = {
    "good": (3, ("success",)),
    "flaky": (3, ("retry", "retry", "success")),
    "inline": (3, ("success",)),
    "popup": (3, ("success",)),
    "blob": (3, ("success",)),
    "post": (3, ("success",)),
    "drip": (3, ("success",)),
    "nobills": (0, ("success",)),
    "fortybills": (40, ("success",)),
    "otherbill": (3, ("success",)),
    "cookiebanner": (3, ("success",)),
}
# The account: its code, the verdict of each attempt, and what the operator reads.
FAIL: dict[str, tuple[str, tuple[str, ...], str]] = {
    "wrongpassword": ("LOGIN_FAILED", TWO, "refused the e-mail or the password"),
    "locked": ("LOCKED", ("rejected",), "has locked this account"),
    "changepassword": ("PASSWORD_EXPIRED", ("rejected",), "asks for a new password"),
    "otp": ("OTP_NEEDED", ("rejected",), "asks for a one-time code"),
    "captcha": ("CAPTCHA", ("rejected",), "proof that you are human"),
    "500": ("SITE_5XX", THREE, "HTTP 500"),
    "htmlpdf": ("DOWNLOAD_BAD", THREE, "not a PDF"),
    "empty": ("DOWNLOAD_BAD", THREE, "The file is empty"),
    "truncated": ("DOWNLOAD_BAD", THREE, "cut off"),
    "cut": ("DOWNLOAD_BAD", THREE, "broke off"),
    "crash": ("BROWSER_CRASH", THREE, "The browser crashed"),
    "redirect": ("OTHER_SITE", ("rejected",), "It leads to http://localhost"),
    "unknownpage": ("UNRECOGNISED_PAGE", TWO, "Tell us what you think"),
}


def test_every_scenario_ends_as_it_should(
    make_bills: BillMaker, site: PortalSite, caplog: pytest.LogCaptureFixture
) -> None:
    """One job, four at once: 24 accounts, each by itself."""
    caplog.set_level("INFO", logger="bills")
    job = run(make_bills(*SUCCEED, *FAIL))

    came = {name: came_of(job, name) for name in [*SUCCEED, *FAIL]}
    for name, (bills, verdicts) in SUCCEED.items():
        summary = (came[name].status, came[name].bills, came[name].verdicts)
        assert summary == ("success", bills, verdicts), (name, came[name])
        assert came[name].attempts == len(verdicts)
        assert came[name].final_error is None
    for name, (code, verdicts, words) in FAIL.items():
        ended = (came[name].status, came[name].code, came[name].verdicts)
        assert ended == ("error", code, verdicts), (name, came[name])
        assert came[name].attempts == len(verdicts)
        assert words in (came[name].final_error or ""), (name, came[name])
        assert came[name].bills == 0
    assert_totals_hold(job)
    assert_failures_are_explained(job)
    assert_bills_are_whole_and_their_own(site)
    assert_the_seeds_lines(caplog.messages)


def assert_failures_are_explained(job: ImportJob) -> None:
    """Each failed attempt says who must act and how, how far it came, and has evidence."""
    for name in FAIL:
        for attempt in attempts_of(job, name):
            details, advice = attempt.details, error_codes.about(attempt.error_code)
            assert advice is not None, name
            assert advice.who, name
            assert advice.remedy, name
            assert details["seconds"], name
            assert details["evidence"] or name == "crash", name


def assert_bills_are_whole_and_their_own(site: PortalSite) -> None:
    """Each file is what its row says, names its own account, and was downloaded once."""
    for bill in Bill.objects.all():
        with bill.file.open("rb") as file:
            content = file.read()
        assert hashlib.sha256(content).hexdigest() == bill.sha256
        assert len(content) == bill.size
        assert content.startswith(b"%PDF-")
        assert b"E-mail: " + bill.email.encode() in content
    downloads: Any = site.accounts.happened()["downloads"]
    kept = {f"{bill.email}/{bill.number}" for bill in Bill.objects.all()}
    good = {key for key in downloads if key.partition("@")[0] in SUCCEED}
    assert kept == good


def assert_the_seeds_lines(lines: list[str]) -> None:
    flaky, wrong, locked = full("flaky"), full("wrongpassword"), full("locked")
    assert [line for line in lines if flaky in line] == [
        f"[EMAIL] Processing: {flaky} (Attempt 1/3)",
        f"[RETRY] Failed to process {flaky} on attempt 1",
        f"[EMAIL] Processing: {flaky} (Attempt 2/3)",
        f"[RETRY] Failed to process {flaky} on attempt 2",
        f"[EMAIL] Processing: {flaky} (Attempt 3/3)",
        f"[SUCCESS] Successfully processed {flaky} on attempt 3",
    ]
    assert [line for line in lines if wrong in line][
        -1
    ] == f"[FAILED] All 2 attempts failed for {wrong}"
    assert [line for line in lines if locked in line][
        -1
    ] == f"[FAILED] All 1 attempts failed for {locked}"


def test_a_portal_that_does_not_answer_ends_the_attempt_at_its_time_limit(
    make_bills: BillMaker,
) -> None:
    job = run(make_bills("slow", timeout_seconds=8.0, max_attempts=1))
    came = came_of(job, "slow")
    assert (came.status, came.code, came.attempts) == ("error", "TIMEOUT", 1)
    assert "8 s" in (came.final_error or "")


@pytest.mark.parametrize(
    ("name", "code"), [("maintenance", "MAINTENANCE"), ("ratelimited", "RATE_LIMITED")]
)
def test_a_portal_that_says_not_now_gets_a_pause_and_costs_no_attempt(
    make_bills: BillMaker,
    site: PortalSite,
    pass_time: Callable[[float], None],
    name: str,
    code: str,
) -> None:
    site.accounts.settings.retry_after_seconds = 300
    job = run(make_bills(name, "good"))
    result = result_of(job, name)
    job.rate_limit.refresh_from_db()
    assert (result.status, result.error_code, result.retry_attempts) == ("pending", code, 0)
    assert job.rate_limit.paused_until is not None
    assert job.rate_limit.paused_reason

    site.accounts.heal(full(name), 1)
    pass_time(400.0)
    run(job)
    assert came_of(job, name).verdicts == ("deferred", "success")
    assert came_of(job, name).attempts == 1
