"""A report in the engine's words."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bills import error_codes
from bills.browser.plan import BillKey, FetchedBill, Login
from bills.browser.report import AttemptReport, Stage, brought, outcome_of
from bills.portals.failures import MEANINGS, Code, PortalError, Rule
from imports.policy import Verdict
from tests.bills.browsing import CANARY, EMAIL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("code", Code)
def test_the_codes_rule_becomes_the_verdict(code: Code) -> None:
    report = AttemptReport()
    report.fail(PortalError(code, "Seen.", retry_after=7.0))
    outcome = outcome_of(report)
    verdicts = {
        Rule.RETRY: Verdict.RETRY,
        Rule.STOP: Verdict.REJECTED,
        Rule.DEFER: Verdict.DEFERRED,
        Rule.PAUSE: Verdict.PAUSE,
    }
    assert outcome.verdict is verdicts[MEANINGS[code].rule]
    # what we ended ourselves is no reason to leave the portal alone
    later = 0.0 if code is Code.INTERRUPTED else 7.0
    assert (outcome.code, outcome.retry_after) == (code, later)
    assert outcome.error.endswith("Seen.")
    assert outcome.details is not None
    meaning = error_codes.about(code)
    assert meaning is not None
    assert str(meaning.remedy) == MEANINGS[code].remedy


def test_a_success_counts_its_bills_and_is_plain_json(tmp_path: Path) -> None:
    bill = FetchedBill("F1", date(2026, 10, 1), Decimal("1.50"), "SEK", tmp_path / "1", "ab", 2)
    report = AttemptReport(stage=Stage.DONE, found=4, known_before=3, bills=[bill])
    report.seconds[Stage.LIST] = 1.23456
    outcome = outcome_of(report)
    assert outcome.verdict is Verdict.SUCCESS
    assert (outcome.code, outcome.error) == ("", "")
    details = json.loads(json.dumps(outcome.details))
    assert str(brought(details)) == "1 new, 3 already here"
    assert details["stage"] == "done"
    assert details["seconds"] == {"list": 1.235}


def test_the_first_reason_for_a_failure_stays() -> None:
    report = AttemptReport()
    report.fail(PortalError(Code.LOCKED))
    report.fail(PortalError(Code.BROWSER_CRASH))
    assert report.code is Code.LOCKED


def test_discard_removes_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "attempt"
    folder.mkdir()
    (folder / "1.pdf").write_bytes(b"x")
    AttemptReport(folder=folder).discard()
    assert not folder.exists()


def test_a_bill_without_anything_that_tells_it_from_others_has_no_key() -> None:
    with pytest.raises(ValueError, match="number, a date"):
        BillKey.of("", None, None)


def test_a_login_does_not_show_its_password() -> None:
    assert CANARY not in repr(Login(EMAIL, CANARY, extra={"pin": CANARY}))
