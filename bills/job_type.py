"""Bill downloads, as the engine sees them."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from bills import health, keeping, retention, schedules
from bills.accounts import codes, passwords
from bills.csv import retry_files
from bills.deliveries import sending
from bills.models import BillRun, CredentialUse
from bills.portal_setup import browsers_folder, plan_of
from bills.portals.failures import MEANINGS, Actor, Code, Rule
from bills.portals.recipe_schema import RecipeError
from bills.portals.scripts import ScriptError
from config.dev.browser import find_browser
from imports import retry_directory
from imports.job_types import UnreadableInput
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, ImportResult
from imports.policy import Budget, Outcome, Patience, Verdict
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from django.db.models import QuerySet

    from imports.job_types import Runner, Trace
    from imports.policy import LookedUp

LOST = sentence("ATTEMPT_LOST", _("The worker that ran this attempt died before it ended."))
BAD_RECIPE = sentence(
    "BAD_RECIPE", _("The recipe of {portal} cannot be used: {error} Correct it, then resume.")
)
NO_CREDENTIALS = sentence(
    "NO_CREDENTIALS", _("This job has no credentials. Make a new one from a CSV.")
)
NO_BROWSER = sentence(
    "NO_BROWSER_FOUND",
    _(
        "No browser was found, and none could be installed here: bills cannot be downloaded yet "
        "(customer imports can). Install chromium or google-chrome, then: make browser"
    ),
)
logger = logging.getLogger(__name__)

# A retry's batches point at the credentials of the batches they were made from.
LINK_RETRY = """
INSERT INTO bills_credentialuse (batch_id, credential_id)
SELECT DISTINCT mine.batch_id, use.credential_id
FROM import_results mine
JOIN import_results old ON old.id = mine.retry_of_id
JOIN bills_credentialuse use ON use.batch_id = old.batch_id
WHERE mine.job_id = %s
"""


class BillJobType:
    """Bill downloads: a CSV of credentials, one batch and browser login each, PDFs stored."""

    name = "bills"
    record_noun = "credential"
    record_done = "downloaded"
    needs_person = frozenset(
        str(code)
        for code, meaning in MEANINGS.items()
        if meaning.rule == Rule.STOP and meaning.actor == Actor.OPERATOR
    )

    def budget(self, job: ImportJob) -> Budget:
        """The seed's: so many attempts, always the same time apart."""
        return Budget(job.max_attempts, job.retry_delay_seconds, exponential=False)

    def patience(self) -> Patience:
        return Patience(settings.STOP_AFTER_ACCOUNTS)

    def lease_seconds(self, job: ImportJob) -> float:
        """Starting a browser and keeping evidence come on top of the attempt's own limit."""
        from bills.browser.browser import (
            LONGEST_OVERTIME_SECONDS,  # Playwright: not for every command
        )

        margin: float = settings.LEASE_MARGIN_SECONDS
        return job.timeout_seconds + LONGEST_OVERTIME_SECONDS + margin

    def rests_until(self, job: ImportJob) -> datetime | None:
        """The end of the quiet hours of the schedule that made the job: retries wait, too."""
        run = BillRun.objects.filter(job=job).select_related("schedule").first()
        return schedules.quiet_until(run.schedule) if run and run.schedule else None

    def bring_input(self, job: ImportJob) -> None:
        """A job of bills is all in the ledger."""

    def read(self, job: ImportJob) -> None:
        """The draft has read the credentials, so that no CSV with passwords is stored."""
        raise UnreadableInput(NO_CREDENTIALS)

    def reading(self, job: ImportJob) -> AbstractContextManager[Callable[[], bool]]:
        """The draft has read all."""
        return nullcontext(lambda: False)

    def read_rest(self, job: ImportJob) -> None:
        """The draft has read all."""

    def prepare_draft(self, job: ImportJob) -> None:
        """A draft of bills is complete when it is made."""

    def unprepared_drafts(self) -> QuerySet[ImportJob]:
        return ImportJob.objects.none()

    @contextmanager
    def runner(self, job: ImportJob, in_flight: int) -> Iterator[Runner]:
        # Playwright: not for every command.
        from bills.batch_sender import BillRunner, DatabaseThread, Limits, Stuck
        from bills.browser.browser import Browser

        portal = BillRun.objects.select_related("portal").get(job=job).portal
        executable = find_browser()
        if executable is None:
            yield Stuck(Outcome(Verdict.PAUSE, "NO_BROWSER", NO_BROWSER))
            return
        try:
            plan = plan_of(portal, job.timeout_seconds)
        except RecipeError as error:
            text = BAD_RECIPE.format(portal=str(portal), error=str(error))
            yield Stuck(Outcome(Verdict.PAUSE, "BAD_RECIPE", text))
            return
        except ScriptError as error:
            yield Stuck(Outcome(Verdict.PAUSE, Code.BAD_SCRIPT, error.message))
            return
        limits = Limits(portal.password_limit, portal.code_wait_seconds, self.lease_seconds(job))
        with DatabaseThread() as database, Browser(executable, browsers_folder()) as browser:
            is_retry = job.retry_of_id is not None
            yield BillRunner(browser, database, plan, limits, traced=is_retry)

    def can_look_up(self, job: ImportJob) -> bool:
        return False

    def looker(self, job: ImportJob) -> Callable[[bytes], LookedUp]:
        raise TypeError("a portal is not asked for one credential's bills")

    def lost(self, job: ImportJob) -> Outcome:
        """A log-in may be repeated, and what was downloaded before is known by its identity."""
        return Outcome(Verdict.RETRY, "WORKER_LOST", LOST)

    def close(self, job: ImportJob) -> None:
        retry_directory.write_at_end(job, retry_files.write)

    def write_retry_files(self, job: ImportJob, parent: Path) -> Path | None:
        return retry_files.write(job, parent)

    def prepare_retry(self, retry: ImportJob) -> None:
        """The portal, and what the CSV was."""
        first = BillRun.objects.get(job=retry.retry_of)
        BillRun.objects.create(
            job=retry,
            portal=first.portal,
            csv_name=first.csv_name,
            extra_columns=first.extra_columns,
        )

    def copy_records(self, retry: ImportJob) -> None:
        """The credentials; `force` resets the count of their passwords."""
        with connection.cursor() as sql:
            sql.execute(LINK_RETRY, [retry.pk])
        if retry.force:
            uses = CredentialUse.objects.filter(batch__job=retry)
            passwords.force(uses.values_list("credential_id", flat=True))

    def retryable(self, job: ImportJob) -> QuerySet[ImportResult] | None:
        """All that failed but those whose password was refused and is still the same."""
        return ImportResult.objects.exclude(
            status=ResultStatus.ERROR,
            error_code=Code.LOGIN_FAILED,
            batch__credential_use__credential__refused_count__gt=0,
        )

    def tidy(self) -> int:
        """What was entered and is not needed any more; bills that are kept long enough."""
        codes.sweep()
        return retention.expire()

    def erase(self, person: str, *, look_only: bool) -> list[Trace]:
        return retention.erase(person, look_only=look_only)

    def sweep(self) -> None:
        """Browsers and folders of dead workers, old evidence; deliveries and schedules."""
        if any(browsers_folder().iterdir()):
            from bills.browser.chromium import clean_abandoned

            clean_abandoned(browsers_folder())
        keeping.expire_evidence()
        _deliver()
        health.sweep()
        schedules.sweep()


def _deliver() -> None:
    """If Redis is down, deliveries wait for the next sweep."""
    try:
        sending.sweep()
    except RedisError:
        logger.warning("Redis does not answer; bills are delivered when it does")
