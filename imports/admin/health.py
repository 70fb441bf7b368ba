"""Whether everything that work needs is there: workers, queue, sweeper, database."""

from __future__ import annotations

from dataclasses import dataclass

import django_rq
from django.db import DatabaseError, connection
from django.db.models import Min
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from imports import jobs, sweeper
from imports.admin.words import duration, number
from imports.models import ImportBatch
from imports.states import IN_FLIGHT

SWEEPER_SILENT_SECONDS = 10.0  # a lease that ran out so long ago was judged by nobody


@dataclass(frozen=True, slots=True)
class Sign:
    """One part's health. `is_well` is None where nobody can say."""

    name: str
    is_well: bool
    sentence: str


def signs() -> list[Sign]:
    """Workers, queue, sweeper and database, in that order. A few cheap queries."""
    return [_workers(), _queue(), _sweeper(), _database()]


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
    """It leaves no mark when all is well; a lease that nobody judged shows that it is not."""
    overdue = ImportBatch.objects.filter(status__in=IN_FLIGHT, lease_until__lt=Now())
    since = overdue.aggregate(first=Min("lease_until"))["first"]
    silent = (timezone.now() - since).total_seconds() if since else 0.0
    if silent > SWEEPER_SILENT_SECONDS:
        told = {"time": duration(silent)}
        sentence = _(
            "A lost batch has waited %(time)s to be judged. Start the sweeper with “make worker”."
        )
        return Sign(_("Sweeper"), False, sentence % told)
    forgotten = sweeper.needing_a_lane().exists() and jobs.worker_count() == 0
    if forgotten:
        return Sign(_("Sweeper"), True, _("No lost batches; work is waiting for a worker"))
    return Sign(_("Sweeper"), True, _("No lost batches"))


def _database() -> Sign:
    well = database_answers()
    return Sign(
        _("Database"), well, _("PostgreSQL answers") if well else _("PostgreSQL does not answer")
    )
