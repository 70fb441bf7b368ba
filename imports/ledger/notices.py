"""What people want to know of a job: written down with the move that makes it true."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from imports.event_codes import EventCode
from imports.ledger.left_out import count_left_out
from imports.ledger.sums import sums
from imports.models import Channel, Delivery, JobEvent, Notice
from imports.models.notices import Wanted, What

if TYPE_CHECKING:
    from imports.models import ImportJob

GOES = (EventCode.STARTED, EventCode.RESUMED)  # what people do to set a job going


def announce(job: ImportJob, what: What, cause: str = "") -> None:
    """Have everybody told who wants to know. Called in the transaction that moved the status.

    Nothing is sent here. The same again, before somebody set the job going anew, is no news.
    """
    channels = list(Channel.objects.filter(is_active=True).defer("secret"))
    if not channels:
        return
    notice, is_news = Notice.objects.get_or_create(
        job=job,
        what=what,
        cause=cause,
        go=JobEvent.objects.filter(job=job, code__in=GOES).count(),
        defaults={"sums": asdict(sums(job)) | {"left_out": count_left_out(job)}},
    )
    if is_news:
        wanting = [
            each for each in channels if each.wanted == Wanted.ALL or needs_somebody(notice)
        ]
        Delivery.objects.bulk_create(Delivery(notice=notice, channel=each) for each in wanting)


def needs_somebody(notice: Notice) -> bool:
    """Whether a person has something to do about it."""
    if notice.what in (What.PAUSED, What.REFUSED, What.NOT_WRITTEN):
        return True
    return any(notice.sums.get(each) for each in ("error", "unknown", "left_out"))
