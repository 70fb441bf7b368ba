"""What templates need to say numbers, times and addresses. HTML is in templates only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from imports.admin import formatting
from imports.admin.job import page as job_pages
from imports.admin.job.page import act_url, tab_url
from imports.admin.permissions import may
from imports.admin.records.history import LINES
from imports.policy import Verdict
from imports.rendering import stored_in_words
from imports.states import (
    AT_WORK_IN_THE_API,
    FINISHED_WITH_FAILURES,
    TRIED_AGAIN_LATER,
    BatchStatus,
    DeliveryStatus,
    FileStatus,
    JobStatus,
    Look,
    ResultStatus,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from imports.admin.job.page import JobPage
    from imports.admin.job.progress import Chart
    from imports.ledger.totals import Totals
    from imports.models import Attempt, ImportJob, ImportResult, JobEvent, NotificationDelivery

register = template.Library()
_T = TypeVar("_T")
BAR_WIDTH = 1000.0  # units of the drawing; it is stretched to the page
THINNEST = 6.0  # what is there at all can be seen
PARTS = ("success", "error", "unknown", "excluded", "in_flight", "pending")


@register.filter
def number(value: float) -> str:
    """1,000."""
    return formatting.number(value)


@register.filter
def records(count: int, job_page: JobPage) -> str:
    """ "1,000 customers", in the words of the kind."""
    return job_page.records(count)


@register.filter
def batches(count: int, job_page: JobPage) -> str:
    """ "5 batches", or "5 accounts" where a batch is one of them."""
    return job_page.batches(count)


@register.filter
def batch_name(attempt: Attempt, job_page: JobPage) -> str:
    """What an attempt was made on: the account, where a batch is one."""
    return job_page.batch_name(attempt.batch)


@register.filter
def place_name(job: ImportJob) -> str:
    """The portal of a job; empty for jobs without one."""
    place = job_pages.of(job.kind).place(job)
    return place.name if place else ""


@register.simple_tag(takes_context=True)
def place_of(context: dict[str, Any], job: ImportJob) -> dict[str, str] | None:
    """The portal of a job: its name, and its address for those who may open it."""
    place = job_pages.of(job.kind).place(job)
    if place is None:
        return None
    is_open = any(may(context["request"], each) for each in place.permissions)
    return {"name": place.name, "url": place.url if is_open else ""}


@register.filter
def duration(seconds: float | None) -> str:
    """ "2 min 10 s"."""
    return "" if seconds is None else formatting.duration(seconds)


@register.inclusion_tag("imports/parts/badge.html")
def badge(look: Look | Status | Verdict) -> dict[str, str]:
    """A status as it is shown everywhere: its label, with an icon, in its colour."""
    return {"tone": look.tone, "symbol": look.icon, "label": gettext(str(look.label))}


@register.inclusion_tag("imports/parts/badge.html")
def job_badge(status: str, bad: bool = False) -> dict[str, str]:
    """A job's status; one that has finished says whether anything failed."""
    is_finished = status == JobStatus.FINISHED
    return badge(FINISHED_WITH_FAILURES if is_finished and bad else JobStatus(status))


@register.inclusion_tag("imports/parts/badge.html")
def batch_badge(status: str, submission: object = None) -> dict[str, str]:
    """A batch's status; one that waits with a submission waits for the API."""
    is_at_work = status == BatchStatus.PENDING and bool(submission)
    return badge(AT_WORK_IN_THE_API if is_at_work else BatchStatus(status))


@register.inclusion_tag("imports/parts/badge.html")
def result_badge(status: str) -> dict[str, str]:
    """A record's status."""
    return badge(ResultStatus(status))


@register.inclusion_tag("imports/parts/badge.html")
def file_badge(status: str) -> dict[str, str]:
    """A file's status."""
    return badge(FileStatus(status))


@register.inclusion_tag("imports/parts/badge.html")
def delivery_badge(delivery: NotificationDelivery) -> dict[str, str]:
    """Where a notification stands; one that failed and is tried again says so."""
    is_late = delivery.status == DeliveryStatus.WAITING and delivery.error
    return badge(TRIED_AGAIN_LATER if is_late else DeliveryStatus(delivery.status))


@register.inclusion_tag("imports/parts/badge.html")
def verdict_badge(verdict: str) -> dict[str, str]:
    """What a try came to."""
    return badge(ResultStatus.ERROR if verdict == "failed" else Verdict(verdict))


@register.filter
def verdict_shown(attempt: Attempt) -> str:
    """An attempt's verdict; one by record that was the same for all is told as that.

    So is a retryable one after which no attempt was left.
    """
    if attempt.verdict == Verdict.RETRY and _is_last(attempt):
        return "failed"
    if attempt.verdict != Verdict.MIXED or attempt.unknown_count:
        return attempt.verdict
    if not attempt.success_count:
        return "failed"
    return attempt.verdict if attempt.error_count else Verdict.SUCCESS.value


def _is_last(attempt: Attempt) -> bool:
    batch = attempt.batch
    return batch.status == BatchStatus.FAILED and attempt.number >= batch.attempts


@register.filter
def seconds_taken(attempt: Attempt) -> str:
    """How long a try took, from sending to its end."""
    since = attempt.sent_at or attempt.claimed_at
    return formatting.seconds((attempt.ended_at - since).total_seconds())


@register.filter
def percent(part: int, whole: int) -> str:
    """A whole number of percent; 100 only where it is all."""
    return str(100 if part >= whole else min(99, 100 * part // whole)) if whole else "0"


@register.simple_tag
def job_url(job: ImportJob | int, tab: str, act: str = "") -> str:
    """The address of a job's tab, or of what is done on it."""
    pk = job if isinstance(job, int) else job.pk
    return act_url(pk, tab, act) if act else tab_url(pk, tab)


@register.inclusion_tag("imports/parts/icon.html")
def icon(name: str) -> dict[str, str]:
    """A symbol beside words that say the same."""
    return {"name": name}


@register.inclusion_tag("imports/parts/when.html")
def when(at: datetime | None, style: str = "") -> dict[str, Any]:
    """A time in the operator's zone; `style` "time" leaves the day out when it is today.

    "seconds" has the day and the seconds.
    """
    if at is None:
        return {"at": None}
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    is_short = style == "time" and is_today
    return {"at": local, "is_short": is_short, "has_seconds": style == "seconds"}


@register.inclusion_tag("imports/parts/clock.html")
def clock(at: datetime, chart: Chart) -> dict[str, Any]:
    """A time as a chart writes all of its times, in the operator's zone."""
    return {"at": timezone.localtime(at), "chart": chart}


@register.inclusion_tag("imports/parts/bar.html")
def bar(job_totals: Totals, is_thin: bool = False) -> dict[str, Any]:
    """The equation as a stacked bar. Widths are attributes of a drawing, in its own units."""
    counts = {name: getattr(job_totals, name, 0) for name in PARTS}
    counts["pending"] = max(0, counts["pending"] - counts["in_flight"])
    return {
        "segments": _segments(counts, job_totals.total),
        "is_thin": is_thin,
        "job_totals": job_totals,
    }


def _segments(counts: dict[str, int], total: int) -> list[dict[str, str]]:
    shown = {name: count for name, count in counts.items() if count and name != "pending"}
    widths = {name: max(THINNEST, BAR_WIDTH * count / total) for name, count in shown.items()}
    too_much = max(1.0, sum(widths.values()) / BAR_WIDTH)
    at, segments = 0.0, []
    for name, width in widths.items():
        segments.append(
            {"name": name, "x": f"{at / too_much:.2f}", "width": f"{width / too_much:.2f}"}
        )
        at += width
    return segments


@register.filter
def event_phrase(event: JobEvent) -> str:
    """What somebody did to a record, as a phrase that follows the name."""
    return str(LINES.get(event.code, event.get_code_display()))


@register.filter
def in_words(message: Any) -> str:
    """A stored message in the reader's language; somebody's own words as they are."""
    return stored_in_words(message)


@register.simple_tag(takes_context=True)
def way_to_fix(context: dict[str, Any], result: ImportResult) -> dict[str, Any] | None:
    """The link that puts a failed record right, for those who may; None where there is none."""
    return job_pages.way_to_fix(context["request"], result)


@register.filter
def after(items: Sequence[_T], index: int) -> _T | None:
    """The item of that index, counted from 0; None behind the last one."""
    return items[index] if index < len(items) else None


@register.filter
def has_trouble(job_totals: Totals) -> bool:
    """Whether any record failed or is unknown."""
    return bool(job_totals.error or job_totals.unknown)


@register.simple_tag
def single_sign_on_name() -> str:
    """What the button of single sign-on says; empty where there is none."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""


@register.simple_tag
def passwords_let_in() -> bool:
    """Whether a password is a way in."""
    return bool(settings.PASSWORD_LOGIN)
