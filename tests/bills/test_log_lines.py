"""The seed's lines, in the Log tab as in the log file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bills.log_lines import of_attempts
from imports.models import Attempt
from imports.policy import Outcome, Verdict
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bills.runs import BillMaker

AGAIN = Outcome(Verdict.RETRY, "TIMEOUT", "The portal did not answer in time.")
LATER = Outcome(Verdict.DEFERRED, "RATE_LIMITED", "Not now.", retry_after=1)


def test_attempts_of_an_account_have_the_seeds_lines(
    make_bills: BillMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_bills("one", max_attempts=3)
    for outcome in (AGAIN, LATER, OK):
        answer(job, outcome)
        pass_time(400.0)
    lines = of_attempts(list(Attempt.objects.filter(job=job).select_related("job").order_by("pk")))
    assert list(lines.values()) == [
        [
            "[EMAIL] Processing: one@example.test (Attempt 1/3)",
            "[RETRY] Failed to process one@example.test on attempt 1",
        ],
        ["[EMAIL] Processing: one@example.test (Attempt 2/3)"],
        [
            "[EMAIL] Processing: one@example.test (Attempt 2/3)",
            "[SUCCESS] Successfully processed one@example.test on attempt 2",
        ],
    ]
