"""Whether everything that work needs is there: workers, queue, sweeper, database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import django_rq
from django.db import DatabaseError, connection
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from imports import jobs, retry_directory, sweeper
from imports.admin.words import duration, number
from imports.models import Delivery, ImportJob
from imports.models.notices import DeliveryStatus

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
        return bool(django_rq.get_connection(jobs.QUEUE).ping())
    except RedisError:
        return False


def _workers() -> Sign:
    count = jobs.worker_count()
    if not count:
        return Sign(
            _("Workers"),
            False,
            _("No worker is listening: nothing is sent. Start one with “make worker”."),
        )
    told = ngettext("%(n)s worker is listening", "%(n)s workers are listening", count)
    return Sign(_("Workers"), True, told % {"n": number(count)})


def _queue() -> Sign:
    try:
        waiting = len(django_rq.get_queue(jobs.QUEUE))
    except RedisError:
        return Sign(
            _("Queue"), False, _("Redis does not answer. Nothing is lost: work waits for it.")
        )
    if not waiting:
        return Sign(_("Queue"), True, _("Redis answers; nobody waits for a worker"))
    told = ngettext("%(n)s call waits for a worker", "%(n)s calls wait for a worker", waiting)
    return Sign(_("Queue"), True, told % {"n": number(waiting)})


def _sweeper() -> Sign:
    silent = sweeper.silent_seconds()
    if silent is None:
        told = _("It has never swept. Start it with “make worker”: it finds what got lost.")
        return Sign(_("Sweeper"), False, told)
    ago = {"time": duration(silent)}
    if sweeper.is_late(silent):
        told = _("Last swept %(time)s ago: what gets lost waits. Start it with “make worker”.")
        return Sign(_("Sweeper"), False, told % ago)
    return Sign(_("Sweeper"), True, _("Last swept %(time)s ago") % ago)


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
    told = ngettext(
        "Those of job %(job)s could not be written: %(why)s",
        "Those of %(n)s jobs could not be written, of job %(job)s for one: %(why)s",
        count := stuck.count(),
    )
    shown = {"n": number(count), "job": job, "why": retry_directory.reason(code)}
    return [Sign(_("Retry files"), False, told % shown)]


def _notifications() -> list[Sign]:
    failing = Delivery.objects.exclude(status=DeliveryStatus.SENT).exclude(error=None)
    count = failing.filter(notice__at__gt=Now() - Value(LATELY)).count()
    if not count:
        return []
    told = ngettext(
        "%(n)s does not arrive. “Notifications” says why.",
        "%(n)s do not arrive. “Notifications” says why.",
        count,
    )
    return [Sign(_("Notifications"), False, told % {"n": number(count)})]
