"""What one attempt came to, and what that means to the engine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bills.accounting import RowCounts
from bills.portals.failures import MEANINGS, Code, PortalError, Rule
from imports.messages import Message, Text, render, sentence, to_json
from imports.messages import marked as _
from imports.policy import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bills.browser.plan import FetchedBill

BROUGHT = sentence("BROUGHT", _("{n} new, {old} already here"))
VERDICTS = {
    Rule.RETRY: Verdict.RETRY,
    Rule.STOP: Verdict.REJECTED,
    Rule.DEFER: Verdict.DEFERRED,
    Rule.PAUSE: Verdict.PAUSE,
}


class Stage(StrEnum):
    """How far an attempt got."""

    OPEN = "open"  # the login page is being loaded
    LOGIN = "login"  # e-mail and password are being typed and sent
    JUDGE = "judge"  # what the portal makes of them
    CODE = "code"  # the portal wants a one-time code, and somebody is asked for it
    LIST = "list"  # the bills are being listed
    DOWNLOAD = "download"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a failed attempt looked like, free of the password. `note` says what is missing."""

    screenshot: bytes | None = field(default=None, repr=False)  # PNG
    html: str = field(default="", repr=False)
    trace: Path | None = None  # a zip for Playwright's trace viewer, from after the login
    url: str = ""
    note: str = ""


@dataclass(slots=True)
class AttemptReport:
    """The result of one attempt. `bills` are new and complete, even if the attempt failed.

    Times are in seconds. `code` is empty after a success. The files below `folder` are the
    caller's until `discard`.
    """

    stage: Stage = Stage.OPEN
    code: Code | None = None
    message: Text = ""
    retry_after: float | None = None
    http_status: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    found: int = 0  # bills of this account in the list
    known_before: int = 0  # bills stored by an earlier attempt
    not_ours: int = 0  # rows of other customers, ignored
    older: int = 0  # bills from before the recipe's range of dates, ignored
    rows: RowCounts = field(default_factory=RowCounts)  # of the list, and what became of them
    bills: list[FetchedBill] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    gaps: list[PortalError] = field(default_factory=list)  # why the list is not proven whole
    printed: set[Path] = field(default_factory=set)  # files that are printed pages
    password_submissions: int = 0
    codes_typed: int = 0
    waits_in_vain: bool = False  # nobody has typed the code that was asked for
    resumed: bool = False  # what an earlier login left behind was enough
    session: str = field(default="", repr=False)  # what to remember for the next login
    evidence: Evidence | None = None
    pictures: list[tuple[Stage, bytes]] = field(default_factory=list, repr=False)
    folder: Path | None = None

    @property
    def verdict(self) -> Verdict:
        if self.code is None:
            return Verdict.SUCCESS
        return VERDICTS[MEANINGS[self.code].rule]

    @property
    def who(self) -> str:
        return MEANINGS[self.code].actor if self.code else ""

    @property
    def remedy(self) -> str:
        return MEANINGS[self.code].remedy if self.code else ""

    @property
    def error(self) -> str:
        """The message in English."""
        return render(self.message)

    def fail(self, error: PortalError) -> None:
        """Note why the attempt ended. The first reason stays."""
        if self.code is None:
            self.code, self.message, self.retry_after = (
                error.code,
                error.message,
                error.retry_after,
            )

    def discard(self) -> None:
        """Remove the attempt's files. To be called once the bills are stored."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def outcome_of(report: AttemptReport) -> Outcome:
    """The report in the engine's words. Nothing in it is a file or a secret.

    A try that we ended ourselves is no reason to leave the portal alone.
    """
    interrupted = report.code == Code.INTERRUPTED
    return Outcome(
        verdict=report.verdict,
        code=report.code or "",
        message=report.message,
        http_status=report.http_status,
        retry_after=0.0 if interrupted else report.retry_after,
        counted=not report.waits_in_vain,
        details={
            "stage": str(report.stage),
            "seconds": {name: round(spent, 3) for name, spent in report.seconds.items()},
            "found": report.found,
            "new": len(report.bills),
            "known_before": report.known_before,
            "not_ours": report.not_ours,
            "rows": report.rows.as_json(),
            "password_submissions": report.password_submissions,
            "codes_typed": report.codes_typed,
            "resumed": report.resumed,
            "notes": [to_json(note) for note in report.notes],
        },
    )


def brought(details: Mapping[str, Any]) -> Message | None:
    """What an attempt brought, in a few words: "3 new, 9 already here". From its details."""
    if "new" not in details:
        return None
    return BROUGHT.format(n=details["new"], old=details["known_before"])
