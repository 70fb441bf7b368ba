"""Both seeds' stories with every real part, against the sandbox: what `manage.py demo` plays.

Of 1,000 customers two batches fail and are retried; of 12 credentials three fail and one is
corrected. Each step says what was seen and holds it against what must be. The sample API and draft
are also what a first start leaves behind.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q

from bills import error_codes
from bills.accounts import passwords
from bills.csv.retry_files import CSV_NAME
from bills.drafts import new_draft
from bills.models import Bill, Credential
from bills.portal_setup import sandbox_portal
from config.dev.sandbox.portal_accounts import CORRECT_PASSWORD
from config.dev.sandbox.samples import (
    NAMES,
    PASSWORD,
    customer_id,
    login_address,
    write_csv,
    write_files,
)
from imports.commands import wait_for
from imports.customers import drafts
from imports.engine import queue
from imports.ledger import bulk_actions, lifecycle, totals
from imports.models import CustomerApi, ImportJob
from imports.models.bulk_actions import ActionType
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from config.dev.sandbox.customer_api import SandboxApi
    from config.dev.sandbox.portal import PortalSite
    from imports.models import ImportResult


API_NAME = "Sandbox"
SANDBOX_PATH = "/api/customers-import/v1/customers"
SANDBOX_TOKEN = "sandbox-token"


def sandbox_api(url: str = "", **changes: object) -> CustomerApi:
    """The API "Sandbox", created where it is missing; its URL follows the sandbox's port."""
    values = {
        "url": (url or settings.SANDBOX_URL) + SANDBOX_PATH,
        "secret": SANDBOX_TOKEN,
        "batch_size": 50,
        "concurrency": 3,
        "delay_seconds": 0.2,
        "max_attempts": 3,
        "retry_delay_seconds": 1.0,
    } | changes
    api, _ = CustomerApi.objects.update_or_create(name=API_NAME, defaults=values)
    return api


def sample_draft(files: list[Path], name: str = "Sample: 1,000 loyalty customers") -> ImportJob:
    """A draft with these files, ready to be started."""
    job = drafts.new_draft(sandbox_api(), name)
    for file in files:
        drafts.add_path(job, file)
    return job


CUSTOMERS, BATCH_SIZE = 1000, 50


class Disagreement(AssertionError):
    """A number is not what it should be."""


class Story:
    """Plays against a sandbox, says what was seen, and holds it against what must be."""

    say: Callable[[str], object]

    def _run(self, job: ImportJob) -> None:
        lifecycle.start(job, actor="demo")
        queue.enqueue_on_commit(job.pk)
        wait_for(job, self.say)
        job.refresh_from_db()
        self._expect("the job's status", job.status, "finished", quiet=True)

    def _expect(self, what: str, seen: object, wanted: object, *, quiet: bool = False) -> None:
        if seen != wanted:
            raise Disagreement(f"{what}: {seen!r}, and should be {wanted!r}")
        if not quiet:
            self.say(f"  {what}: {'yes' if seen is True else seen}")


class CustomerStory(Story):
    """Plays the story against a sandbox whose outage lasts as long as the job's attempts."""

    def __init__(
        self, api: SandboxApi, url: str, workplace: Path, say: Callable[[str], object]
    ) -> None:
        self.api, self.say, self.workplace = api, say, workplace
        self.target = sandbox_api(url, delay_seconds=0.02, retry_delay_seconds=0.2)

    def play(self) -> None:
        """Raises Disagreement at the first number that is wrong."""
        first = self._import()
        directory = self._look_at_retry_files(first)
        second = self._load_and_start(first, directory)
        self._add_up(first, second)

    def _import(self) -> ImportJob:
        files = write_files(self.workplace / "customers", CUSTOMERS)
        job = drafts.new_draft(self.target, "Demo: 1,000 customers", batch_size=BATCH_SIZE)
        for file in files:
            drafts.add_path(job, file)
        self.say(
            f"Importing {CUSTOMERS:,} customers from {len(files)} files, {BATCH_SIZE} a batch …"
        )
        self._run(job)
        summary = totals.describe(job)
        self._expect("batches that succeeded", summary["batches"]["done"], 18)  # type: ignore[index]
        self._expect("batches that failed", summary["batches"]["failed"], 2)  # type: ignore[index]
        self._expect("customers imported", summary["success"], 900)
        self._expect("customers failed", summary["error"], 100)
        return job

    def _look_at_retry_files(self, job: ImportJob) -> Path:
        directory = Path(job.retry_directory)
        summary = json.loads(_at(directory, "retry_summary.json").read_text())
        self.say(f"Retry files were written: {stored.shown(str(directory))}")
        self._expect("customers in them", summary["total_failed_customers"], 100)
        files = [_at(directory, name) for name in summary["retry_files"]]
        ids = [
            one["person"]["customerId"]
            for file in files
            for one in json.loads(file.read_bytes())["data"]
        ]
        hit = [customer_id(n) for first in (300, 700) for n in range(first, first + 50)]
        self._expect("the failed ones, and no others", ids, hit, quiet=True)
        return directory

    def _load_and_start(self, first: ImportJob, directory: Path) -> ImportJob:
        self.say(
            "“Retry files created. Load them now?” Yes: the outage is over, and they are sent."
        )
        draft = drafts.load_retry_files(first)
        self._expect("files loaded", draft.files.count(), 2)
        self._run(draft)
        self._expect("customers imported now", totals.job_totals(draft).success, 100)
        return draft

    def _add_up(self, first: ImportJob, second: ImportJob) -> None:
        story = totals.family_totals(first)
        self.say(f"{story.success:,} of {story.total:,} imported, after {story.retries} retry.")
        self._expect(
            "imported in all",
            (story.success, story.total, story.retries),
            (CUSTOMERS, CUSTOMERS, 1),
            quiet=True,
        )
        wanted = {customer_id(n): 1 for n in range(CUSTOMERS)}
        self._expect(
            "each customer exactly once in the receiving system's account",
            self.api.account.effects_by_customer == wanted, True,
        )  # fmt: skip
        try:
            bulk_actions.carry_out(first, ActionType.RETRY)
        except lifecycle.NotAllowed as refusal:
            self.say(f"“Retry failed” now says: {refusal}")
        else:
            raise Disagreement("A retry was made though nothing is left to retry.")


ATTEMPTS, REFUSALS = 5, 2  # the sandbox locks an account at its fifth refusal
FLAKY, WRONG = login_address("flaky1"), login_address("wrongpassword1")
EACH, FORTY = 3, 40  # bills of an ordinary account, and of "fortybills"
# Each failure: its code, its attempts, and words of what the operator reads.
FAILURES = {
    WRONG: ("LOGIN_FAILED", REFUSALS, "refused the e-mail or the password"),
    login_address("locked1"): ("LOCKED", 1, "has locked this account"),
    login_address("otp1"): ("OTP_NEEDED", 1, "asks for a one-time code"),
}


class BillStory(Story):
    """Plays the story against the sandbox portal at `url`, which must not have been used yet."""

    def __init__(
        self, site: PortalSite, url: str, workplace: Path, say: Callable[[str], object]
    ) -> None:
        self.site, self.say, self.workplace = site, say, workplace
        self.portal = sandbox_portal(
            url,
            max_attempts=ATTEMPTS,
            retry_delay_seconds=0.2,
            attempt_timeout_seconds=60.0,
            refused_password_limit=REFUSALS,
        )

    def play(self) -> None:
        """Raises Disagreement at the first number that is wrong."""
        first = self._download()
        self._read_failures(first)
        self._look_at_failed_rows(first)
        self._look_at_bills(self._accounts_without(FAILURES))
        self._refuse_same_password(first)
        self._correct_and_retry(first)

    def _download(self) -> ImportJob:
        path = write_csv(self.workplace / "credentials.csv")
        draft = new_draft(self.portal, path, path.name, "Demo: 12 credentials", "demo")
        self._expect("rows that can't be used", draft.refused, [], quiet=True)
        self.say(
            f"Fetching the bills of {draft.accepted} credentials, up to {ATTEMPTS} attempts each …"
        )
        self._run(draft.job)
        done = totals.job_totals(draft.job)
        self.say(f"{done.success} of {done.total} succeeded, {done.error} failed.")
        ended = (done.success, done.error, done.unknown, done.excluded, done.pending)
        self._expect(
            "success, error, unknown, excluded, pending", ended, (9, 3, 0, 0, 0), quiet=True
        )
        flaky = self._result(draft.job, FLAKY)
        self._expect(f"attempts that {FLAKY} took", flaky.retry_attempts, 3)
        self._expect("its final error", flaky.final_error, None, quiet=True)
        return draft.job

    def _read_failures(self, job: ImportJob) -> None:
        failed = {row.email: row for row in job.results.filter(status="error")}
        self._expect("credentials that failed", sorted(failed), sorted(FAILURES), quiet=True)
        for email, (code, attempts, words) in FAILURES.items():
            row, advice = failed[email], error_codes.about(failed[email].error_code)
            self._expect(f"the code of {email}", row.error_code, code, quiet=True)
            self._expect(f"the attempts of {email}", row.retry_attempts, attempts, quiet=True)
            final_error = row.final_error or ""
            self._expect(f"“{words}” in {final_error!r}", words in final_error, True, quiet=True)
            times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
            self.say(f"  {email}, {times}: {final_error}")
            if advice is not None:
                self.say(f"    {advice.who}: {advice.remedy}")

    def _look_at_failed_rows(self, job: ImportJob) -> None:
        text = _at(Path(job.retry_directory), CSV_NAME).read_text(encoding="utf-8-sig")
        written = stored.shown(f"{job.retry_directory}/{CSV_NAME}")
        self.say(f"The failed rows were written, without passwords: {written}")
        listed = [email for email in map(login_address, NAMES) if email in text]
        self._expect("the failed rows", listed, list(FAILURES), quiet=True)
        self._expect("a password in them", PASSWORD in text, False, quiet=True)

    def _look_at_bills(self, accounts: list[str]) -> None:
        """Each account's bills, whole, its own, and each fetched once from the portal."""
        bills = list(Bill.objects.filter(portal=self.portal))
        wanted = {email: FORTY if "forty" in email else EACH for email in accounts}
        counted = {email: sum(bill.email == email for bill in bills) for email in wanted}
        self._expect("bills of each account", counted, wanted, quiet=True)
        self._expect("bills stored", len(bills), sum(wanted.values()))
        foreign = [str(bill) for bill in bills if not _is_its_own(bill)]
        self._expect("bills of another customer, or damaged", len(foreign), 0)
        fetched = self.site.accounts.happened()["downloads"]
        once = {f"{bill.email}/{bill.number}": 1 for bill in bills}
        self._expect("each fetched exactly once, by the portal's account", fetched == once, True)

    def _refuse_same_password(self, job: ImportJob) -> None:
        try:
            bulk_actions.carry_out(job, ActionType.RETRY, self._only(job), actor="demo")
        except lifecycle.NotAllowed as refusal:
            self.say(f"“Retry failed” with the same password says: {refusal}")
        else:
            raise Disagreement("A password that was refused went out again unchanged.")

    def _correct_and_retry(self, first: ImportJob) -> None:
        self.say(f"The password of {WRONG} is corrected, and just this one is tried again …")
        credential = Credential.objects.get(portal=self.portal, email=WRONG)
        passwords.change(credential, CORRECT_PASSWORD)
        second = bulk_actions.carry_out(
            first, ActionType.RETRY, self._only(first), actor="demo", starts=False
        ).made
        if second is None:
            raise Disagreement("A retry has no job of its own.")
        self._run(second)
        row = self._result(second, WRONG)
        ended = (row.status, row.retry_attempts, row.final_error)
        self._expect("status, attempts, final error", ended, ("success", 1, None), quiet=True)
        self.say(f"  {WRONG}: success, 1 attempt")
        refused = self.site.accounts.happened()["refused"]
        self._expect("passwords the portal refused", refused, {WRONG: REFUSALS}, quiet=True)
        self._look_at_bills(self._accounts_without(FAILURES.keys() - {WRONG}))
        story = totals.family_totals(first)
        self.say(f"{story.success} of {story.total} succeeded, after {story.retries} retry.")
        in_all = (story.success, story.total, story.retries)
        self._expect("succeeded in all", in_all, (10, 12, 1), quiet=True)

    def _only(self, job: ImportJob) -> Q:
        return Q(job=job, email=WRONG)

    def _result(self, job: ImportJob, email: str) -> ImportResult:
        return job.results.get(email=email)

    def _accounts_without(self, failed: Iterable[str]) -> list[str]:
        return [email for email in map(login_address, NAMES) if email not in set(failed)]


def _is_its_own(bill: Bill) -> bool:
    """Whether the stored file matches its row and names its account."""
    with bill.file.open("rb") as file:
        content = file.read()
    named = b"E-mail: " + bill.email.encode() in content
    return named and hashlib.sha256(content).hexdigest() == bill.sha256


def _at(directory: Path, name: str) -> Path:
    """A path of this host for a file of a retry directory, wherever that lies."""
    return stored.local_path(f"{directory}/{name}")
