"""How each portal fares: its success by day, and whether it, and not its accounts, is at fault.

A portal that is being visited is judged from the ledger a few times a minute. Refusals in a row
stop its scheduled runs before accounts are locked. A trouble is a row that exists once, so it is
announced once, whoever sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from bills.models import BillRun, Portal, PortalTrouble, TroubleKind
from bills.portals.failures import SAID, Code
from imports.engine import queue
from imports.ledger import lifecycle
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import Heartbeat, ImportJob
from imports.models.notifications import What
from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet

    from imports.messages import Message


PORTAL_CHANGED = sentence(
    "PORTAL_CHANGED",
    _(
        "{portal} looks changed: since {since}, {failing} of {tried} accounts that worked before "
        "fail, most of them with {error_code}: {why_changed}"
    ),
)
PORTAL_STOPPED = sentence(
    "PORTAL_STOPPED",
    _(
        "{portal} has refused, or not recognised, {failing} accounts in a row since {since} (most "
        "of them {error_code}). Before accounts are locked, its scheduled runs stop until you "
        "resume them on the portal’s page."
    ),
)
STOPPED = "PORTAL_STOPPED"  # the code of the jobs that wait
AT_WORK = [JobStatus.RUNNING, JobStatus.PAUSED]

# What says that a page is not what the recipe, or our reading, expects.
CHANGED_CODES = (
    Code.NAVIGATION, Code.UNRECOGNISED_PAGE, Code.NO_BILLS_BUT_HAD_BEFORE, Code.LIST_INCOMPLETE,
    Code.DOCUMENT_UNCLEAR, Code.TWO_BILLS_ONE_KEY, Code.OLDER_BILLS_ELSEWHERE, Code.OTHER_SITE,
    Code.DOWNLOAD_BAD, Code.SCRIPT_ERROR,
)  # fmt: skip
# What portals lock accounts for, or may have: the password was sent, and not accepted.
REFUSED_CODES = (Code.LOGIN_FAILED, Code.LOCKED, Code.UNRECOGNISED_PAGE, Code.FORBIDDEN)
FEWEST = 3  # accounts; fewer say nothing about their portal
DAYS = 35  # that are looked at: a monthly round, and the one before
ROUND_DAYS = 7  # in which all accounts of a portal are tried
LOOK_EVERY = timedelta(seconds=10)
STILL_LOOKED_AT = timedelta(hours=1)  # after a job has ended
NAME = "portals' health"  # of the heartbeat that says when somebody looked last


@dataclass(frozen=True, slots=True)
class Finding:
    """Accounts that failed alike, of those that were tried since then."""

    code: str
    since: datetime
    failing: int
    tried: int
    job_id: int


# An account is judged by how it ended last, and counts if it has worked before.
CHANGED = """
WITH ended AS (
    SELECT DISTINCT ON (u.credential_id) u.credential_id, res.job_id, res.updated_at AS at,
           CASE WHEN res.status = 'success' THEN '' ELSE res.error_code END AS code,
           res.status = 'error' AND res.error_code = ANY(%(codes)s) AS is_changed
    FROM bills_billrun r
    JOIN imports_importjob j ON j.id = r.job_id
    JOIN imports_importbatch b ON b.job_id = j.id
    JOIN bills_credentialuse u ON u.batch_id = b.id
    JOIN import_results res ON res.batch_id = b.id
    JOIN bills_credential c ON c.id = u.credential_id
    WHERE r.portal_id = %(portal)s
      AND (j.status = ANY(%(at_work)s) OR j.finished_at > now() - make_interval(days => %(days)s))
      AND res.status IN ('success', 'error')
      AND res.updated_at > now() - make_interval(days => %(days)s)
      AND c.last_success_at IS NOT NULL AND c.deleted_at IS NULL
    ORDER BY u.credential_id, res.updated_at DESC, res.id DESC
), start AS (  -- of this round: an account that failed a month ago is another matter
    SELECT min(at) AS at FROM ended
    WHERE is_changed AND at > (SELECT max(at) FROM ended) - make_interval(days => %(round)s)
)
SELECT mode() WITHIN GROUP (ORDER BY code) FILTER (WHERE is_changed), min(start.at),
       count(*) FILTER (WHERE is_changed), count(*), max(job_id) FILTER (WHERE is_changed)
FROM ended, start WHERE ended.at >= start.at
"""

# In a row: since the portal's last success, and since somebody resumed its runs.
REFUSED = """
WITH tries AS (
    SELECT u.credential_id, a.job_id, a.ended_at, a.success_count, a.error_code,
           -- A password that is known to be refused is not sent: the portal was not asked.
           a.error_code <> 'LOGIN_FAILED'
               OR a.details ->> 'password_submissions' IS DISTINCT FROM '0' AS was_asked
    FROM bills_billrun r
    JOIN imports_importjob j ON j.id = r.job_id
    JOIN imports_attempt a ON a.job_id = j.id
        AND a.ended_at > now() - make_interval(days => %(days)s)
    JOIN bills_credentialuse u ON u.batch_id = a.batch_id
    WHERE r.portal_id = %(portal)s
      AND (j.status = ANY(%(at_work)s) OR j.finished_at > now() - make_interval(days => %(days)s))
), start AS (
    SELECT greatest(
        (SELECT max(ended_at) FROM tries WHERE success_count > 0),
        (SELECT max(ended_at) FROM bills_portaltrouble
         WHERE portal_id = %(portal)s AND kind = 'stopped')
    ) AS at
)
SELECT mode() WITHIN GROUP (ORDER BY error_code), min(ended_at), count(DISTINCT credential_id),
       count(DISTINCT credential_id), max(job_id)
FROM tries, start
WHERE error_code = ANY(%(codes)s) AND (start.at IS NULL OR ended_at > start.at) AND was_asked
"""


def sweep() -> None:
    """Judge the portals that are visited, or were until just now; every ten seconds."""
    if not _is_my_turn():
        return
    visited = Q(job__status__in=AT_WORK) | Q(job__finished_at__gt=Now() - Value(STILL_LOOKED_AT))
    runs = BillRun.objects.filter(visited)
    for portal in Portal.objects.filter(pk__in=runs.values("portal")):
        judge(portal)


def _is_my_turn() -> bool:
    """Whether nobody has looked lately; then it is noted that somebody does."""
    _, is_new = Heartbeat.objects.get_or_create(name=NAME)
    late = Heartbeat.objects.filter(name=NAME, at__lt=Now() - Value(LOOK_EVERY))
    return is_new or bool(late.update(at=Now()))


def judge(portal: Portal) -> None:
    """Note what is wrong with it now, or that nothing is any more."""
    changed = _found(CHANGED, portal, CHANGED_CODES)
    if changed and changed.failing >= FEWEST and 2 * changed.failing >= changed.tried:
        _note(portal, TroubleKind.CHANGED, changed)
    else:
        open_troubles().filter(portal=portal, kind=TroubleKind.CHANGED).update(ended_at=Now())
    refused = _found(REFUSED, portal, REFUSED_CODES)
    if refused and 0 < settings.STOP_AFTER_ACCOUNTS <= refused.failing:
        _note(portal, TroubleKind.STOPPED, refused)


def _found(query: str, portal: Portal, codes: Iterable[Code]) -> Finding | None:
    values: dict[str, Any] = {
        "portal": portal.pk, "codes": [str(code) for code in codes], "days": DAYS,
        "at_work": AT_WORK, "round": ROUND_DAYS,
    }  # fmt: skip
    with connection.cursor() as sql:
        sql.execute(query, values)
        row = sql.fetchone()
    return Finding(*row) if row and row[2] else None


def _note(portal: Portal, kind: TroubleKind, found: Finding) -> None:
    """Announce it when it is new; else its numbers follow."""
    facts = {"code": found.code, "failing": found.failing, "tried": found.tried}
    with transaction.atomic():
        trouble, is_new = PortalTrouble.objects.get_or_create(
            portal=portal, kind=kind, ended_at=None, defaults={**facts, "since": found.since}
        )
        if not is_new:
            PortalTrouble.objects.filter(pk=trouble.pk).update(**facts)
            return
        said = words_of(trouble)
        if kind == TroubleKind.STOPPED:
            _pause_scheduled(portal, said)
        path = reverse("admin:bills_portal_change", args=[portal.pk])
        job = ImportJob.objects.get(pk=found.job_id)
        lifecycle.announce(job, What.PORTAL_TROUBLE, f"{kind} {trouble.pk}", said, path)


def _pause_scheduled(portal: Portal, said: Message) -> None:
    runs = BillRun.objects.filter(
        portal=portal, schedule__isnull=False, job__status=JobStatus.RUNNING
    )
    for run in runs.select_related("job"):
        lifecycle.pause_for(run.job, STOPPED, said, announces=False)


def words_of(trouble: PortalTrouble) -> Message:
    """What is wrong, with its numbers as they are by now."""
    since = timezone.localtime(trouble.since)
    known = trouble.code in Code.__members__
    facts = {
        "portal": str(trouble.portal), "since": f"{since:%Y-%m-%d %H:%M}",
        "failing": trouble.failing, "tried": trouble.tried, "error_code": trouble.code,
    }  # fmt: skip
    if trouble.kind == TroubleKind.STOPPED:
        return PORTAL_STOPPED.format(**facts)
    return PORTAL_CHANGED.format(
        **facts, why_changed=SAID[Code(trouble.code)] if known else trouble.code
    )


def open_troubles() -> QuerySet[PortalTrouble]:
    """What is wrong with portals now, the newest first."""
    return PortalTrouble.objects.filter(ended_at=None)


def stopped_portals() -> QuerySet[PortalTrouble]:
    """The troubles that keep their portals out of scheduled runs."""
    return open_troubles().filter(kind=TroubleKind.STOPPED)


def resume(portal: Portal, actor: str) -> bool:
    """Let its scheduled runs go on, and the jobs that wait for it; False if none were stopped."""
    with transaction.atomic():
        mine = stopped_portals().filter(portal=portal)
        if not mine.update(ended_at=Now(), ended_by=actor):
            return False
        waiting = ImportJob.objects.filter(
            bill_run__portal=portal, status=JobStatus.PAUSED, pause_code=STOPPED
        )
        for job in waiting:
            lifecycle.resume(job, actor)
            queue.enqueue_on_commit(job.pk)
    return True


CALENDAR_DAYS = 60  # two months, so that a monthly round can be compared

# Each account counts once a day, as it ended last. Only the jobs that may have results of these
# days are read.
BY_DAY = """
SELECT day, code, count(*) FROM (
    SELECT DISTINCT ON (u.credential_id, day)
           (res.updated_at AT TIME ZONE %(zone)s)::date AS day,
           CASE WHEN res.status = 'success' THEN '' ELSE res.error_code END AS code
    FROM bills_billrun r
    JOIN imports_importjob j ON j.id = r.job_id
    JOIN imports_importbatch b ON b.job_id = j.id
    JOIN bills_credentialuse u ON u.batch_id = b.id
    JOIN import_results res ON res.batch_id = b.id
    WHERE r.portal_id = %(portal)s
      AND (j.status = ANY(%(at_work)s) OR j.finished_at > now() - make_interval(days => %(days)s))
      AND res.status IN ('success', 'error')
      AND res.updated_at > now() - make_interval(days => %(days)s)
    ORDER BY u.credential_id, day, res.updated_at DESC, res.id DESC
) ended GROUP BY day, code ORDER BY day DESC, count(*) DESC, code
"""


@dataclass(slots=True)
class Day:
    """The accounts of one day. `codes` are the failures, the most frequent first."""

    day: date
    success: int = 0
    codes: list[tuple[str, int]] = field(default_factory=list)

    @property
    def error(self) -> int:
        return sum(count for _, count in self.codes)

    @property
    def total(self) -> int:
        return self.success + self.error


def days_of(portal: Portal) -> list[Day]:
    """The days of the last two months on which accounts were tried, the newest first."""
    values: dict[str, Any] = {
        "zone": timezone.get_current_timezone_name(), "portal": portal.pk, "days": CALENDAR_DAYS,
        "at_work": AT_WORK,
    }  # fmt: skip
    found: dict[date, Day] = {}
    with connection.cursor() as sql:
        sql.execute(BY_DAY, values)
        for day, code, count in sql.fetchall():
            one = found.setdefault(day, Day(day))
            if code:
                one.codes.append((code, count))
            else:
                one.success = count
    return list(found.values())
