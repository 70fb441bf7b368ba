"""Home: what needs attention, what runs, what finished, and whether workers, queue and
database are well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import django_rq
from django.db import DatabaseError, connection
from django.db.models import Exists, OuterRef, Subquery, Value
from django.db.models.functions import Now
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from imports import retry_directory
from imports.admin import permissions
from imports.admin.formatting import duration, number
from imports.admin.job import page
from imports.admin.records import families
from imports.engine import queue, sweeper
from imports.models import CustomerApi, ImportJob, ImportResult, NotificationDelivery
from imports.states import ENDED_JOBS, DeliveryStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """One part's health. `is_well` is None where nobody can say."""

    name: str
    is_well: bool
    sentence: str


def signs() -> list[Sign]:
    """Workers, queue, sweeper and database, in that order. A few cheap queries.

    Retry files follow where some cannot be written, and notifications where some do not arrive.
    """
    return [
        _workers(), _queue(), _sweeper(), _database(), *_retry_files(), *_notifications()
    ]  # fmt: skip


def database_answers() -> bool:
    """Whether a query comes back."""
    try:
        with connection.cursor() as sql:
            sql.execute("SELECT 1")
            return bool(sql.fetchone() == (1,))
    except DatabaseError:
        return False


def redis_answers() -> bool:
    """Whether Redis says PONG."""
    try:
        return bool(django_rq.get_connection(queue.QUEUE).ping())
    except RedisError:
        return False


def _workers() -> Sign:
    count = queue.worker_count()
    if not count:
        return Sign(
            _("Workers"),
            False,
            _("No worker is running, so nothing is sent. An administrator must start one."),
        )
    said = ngettext("%(n)s worker is running", "%(n)s workers are running", count)
    return Sign(_("Workers"), True, said % {"n": number(count)})


def _queue() -> Sign:
    try:
        waiting = len(django_rq.get_queue(queue.QUEUE))
    except RedisError:
        return Sign(
            _("Queue"),
            False,
            _("Redis does not answer. Nothing is lost; work continues when it is back."),
        )
    if not waiting:
        return Sign(_("Queue"), True, _("Redis answers; nothing is waiting for a worker"))
    said = ngettext(
        "%(n)s message is waiting for a worker", "%(n)s messages are waiting for a worker", waiting
    )
    return Sign(_("Queue"), True, said % {"n": number(waiting)})


def _sweeper() -> Sign:
    silent = sweeper.silent_seconds()
    if silent is None:
        said = _(
            "It has never run, so lost work is not recovered. An administrator must start it."
        )
        return Sign(_("Sweeper"), False, said)
    ago = {"time": duration(silent)}
    if sweeper.is_late(silent):
        said = _(
            "Last run %(time)s ago, so lost work is not recovered. An administrator must start it."
        )
        return Sign(_("Sweeper"), False, said % ago)
    return Sign(_("Sweeper"), True, _("Last run %(time)s ago") % ago)


def _database() -> Sign:
    well = database_answers()
    return Sign(
        _("Database"), well, _("PostgreSQL answers") if well else _("PostgreSQL does not answer")
    )


def _retry_files() -> list[Sign]:
    """Jobs whose retry files could not be written, with the reason of the newest."""
    stuck = ImportJob.objects.filter(retry_files_due_at__isnull=False).order_by("-pk")
    newest = stuck.values_list("pk", "retry_files_error").first()
    if newest is None:
        return []
    job, code = newest
    said = ngettext(
        "Redrive could not write the files of job %(job)s: %(why)s",
        "Redrive could not write the files of %(n)s jobs. The newest is job %(job)s: %(why)s",
        count := stuck.count(),
    )
    shown = {"n": number(count), "job": job, "why": retry_directory.reason(code)}
    return [Sign(_("Retry files"), False, said % shown)]


def _notifications() -> list[Sign]:
    failing = NotificationDelivery.objects.exclude(status=DeliveryStatus.SENT).exclude(error=None)
    count = failing.filter(notification__at__gt=Now() - Value(LATELY)).count()
    if not count:
        return []
    said = ngettext(
        "%(n)s notification was not delivered. See Notifications for the reason.",
        "%(n)s notifications were not delivered. See Notifications for the reasons.",
        count,
    )
    return [Sign(_("Notifications"), False, said % {"n": number(count)})]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs a person and is no job: another app's. `label` is a badge's."""

    title: str
    label: str
    sentence: str
    url: str
    tone: str = "warning"


_more: list[Callable[[HttpRequest], list[Alert]]] = []


def add(alerts: Callable[[HttpRequest], list[Alert]]) -> None:
    """Have another app's alerts among what needs attention."""
    _more.append(alerts)


AT_WORK = (JobStatus.QUEUED, JobStatus.RUNNING)
SHOWN = 8
LOOKED_AT = 200  # of the newest ended jobs: those with something left to do need somebody


def context(request: HttpRequest, shown: dict[str, Any]) -> dict[str, Any]:
    """What Unfold's index page is given. A bounded number of queries."""
    if not permissions.may(request, permissions.VIEW):
        return shown | {"may_view": False}
    return shown | {"may_view": True} | overview(request)


def overview(request: HttpRequest) -> dict[str, Any]:
    """The lists of the first page, and the signs of health."""
    waiting = {
        "paused": page.jobs().filter(status=JobStatus.PAUSED),
        "drafts": page.jobs().filter(status=JobStatus.DRAFT),
        "troubled": troubled_jobs(),
    }
    firsts = {name: families.first_of_each(jobs) for name, jobs in waiting.items()}
    shown = {name: found[:SHOWN] for name, found in firsts.items()} | {"finished": _finished()}
    read = page.jobs().in_bulk([pk for found in shown.values() for pk in found])
    lists = {name: [read[pk] for pk in found if pk in read] for name, found in shown.items()}
    lists["running"] = list(page.jobs().filter(status__in=AT_WORK)[:SHOWN])
    families.attach([job for jobs in lists.values() for job in jobs])
    counts = {name: len(found) for name, found in firsts.items()}
    alerts = [alert for more in _more for alert in more(request)]
    return {
        **{name: [_summary(job) for job in jobs] for name, jobs in lists.items()},
        "counts": counts,
        "alerts": alerts,
        "attention": sum(counts.values()) + len(alerts),
        "has_jobs": any(lists.values()),
        "has_apis": CustomerApi.objects.exists(),
        "signs": signs(),
        "can_add": [
            each for each in page.every() if permissions.may(request, *each.add_permissions)
        ],
    }


def _finished() -> list[int]:
    """The jobs that ended last, by their ids, one of each family."""
    newest = ImportJob.objects.filter(status__in=ENDED_JOBS).order_by("-finished_at")
    found: dict[int, int] = {}
    for pk, root in newest.values_list("pk", "root_id")[:LOOKED_AT]:
        found.setdefault(root or pk, pk)
    return list(found.values())[:SHOWN]


def _summary(job: Any) -> dict[str, Any]:
    """A job with what `attach` gave it: one that has ended with its family's totals."""
    family, is_ended = job.page_family.totals, job.status in ENDED_JOBS
    return {
        "job": job,
        "words": page.of(job.kind),
        "job_totals": family if is_ended else job.page_totals,
        "family": None if is_ended or not family.retries else family,
    }


def troubled_jobs() -> QuerySet[ImportJob]:
    """Ended jobs with failed or unknown records that no later retry has taken on."""
    newest = (
        ImportJob.objects.filter(status__in=ENDED_JOBS).order_by("-pk").values("pk")[:LOOKED_AT]
    )
    retried = ImportResult.objects.filter(retry_of=OuterRef("pk"))
    waiting = ImportResult.objects.filter(
        job=OuterRef("pk"), status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN]
    )
    # The first of each job, by the index of trouble. An EXISTS is planned as a join of them all.
    waiting = waiting.exclude(error_code="").exclude(Exists(retried)).order_by("error_code", "pk")
    found = page.jobs().alias(first_waiting=Subquery(waiting.values("pk")[:1]))
    return found.filter(first_waiting__isnull=False, pk__in=newest)


def live(request: HttpRequest) -> HttpResponse:
    """The moving part of the first page."""
    permissions.require(request, permissions.VIEW)
    return render(request, "imports/home/panel.html", overview(request))
