"""A job's page: its head, totals, tabs and addresses, and what may be done on each tab."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from imports import job_types
from imports.admin import formatting, permissions
from imports.admin.permissions import may
from imports.engine import queue
from imports.ledger import retries
from imports.ledger.bulk_actions import RETRIES
from imports.ledger.totals import family, job_totals, totals_of, totals_of_families
from imports.models import BulkAction, ImportJob, RetryFile
from imports.models.bulk_actions import ActionType
from imports.rendering import in_words
from imports.states import ENDED_JOBS, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseRedirect
    from django.http.response import HttpResponseBase
    from django.utils.functional import _StrOrPromise

    from imports.admin.exports import Sheet
    from imports.ledger.totals import Totals
    from imports.models import Attempt, ImportBatch, ImportResult


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done on a tab. The permission is checked before `run` is called.

    Where `run` raises NotAllowed, the operator is told its text and sees the tab again.
    """

    run: Callable[[HttpRequest, ImportJob], HttpResponseBase]
    permission: str  # "imports.retry_job"
    methods: tuple[str, ...] = ("POST",)


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: what its template is given besides what every tab gets, and its acts by name.

    `count` is the small number beside its name; None shows none. `shown` hides a tab from jobs
    that it says nothing about.
    """

    slug: str
    label: _StrOrPromise
    icon: str  # a Material Symbol
    template: str  # extends "imports/job/page.html"
    context: Callable[[HttpRequest, ImportJob], dict[str, Any]]
    acts: Mapping[str, Action] = field(default_factory=dict)
    count: Callable[[ImportJob, Totals], int | None] = lambda job, job_totals: None
    shown: Callable[[ImportJob], bool] = lambda job: True


@dataclass(frozen=True, slots=True)
class FieldWords:
    """What a kind calls one of a job's settings, where that is not what the model calls it."""

    label: _StrOrPromise = ""
    help_text: _StrOrPromise = ""
    choices: Mapping[str, _StrOrPromise] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """How a failed record is put right: what the button says, and where it leads, if anywhere."""

    label: _StrOrPromise
    permission: str
    url: Callable[[ImportResult], str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A portal, as a job's page names it. The address is for those who have any permission."""

    name: str
    url: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobPage:
    """A kind of work as the operator sees it.

    `records(n)` says "1,000 customers"; `done` what became of them ("imported"); `plan(job)` what
    Start will do, in one sentence. `add_url` names the address that makes a new draft, for those
    who have all of `add_permissions`. `sheet` is what an export says of some of a job's results.
    `subject` and `became` begin and end the sentence about one record: "Customer %(name)s", "was
    imported on %(day)s at %(time)s".
    """

    kind: str
    label: _StrOrPromise
    records: Callable[[int], str]
    done: _StrOrPromise
    subject: _StrOrPromise
    became: _StrOrPromise
    new_label: _StrOrPromise
    add_url: str
    add_permissions: tuple[str, ...]
    workload: Callable[[ImportJob], str]
    sheet: Callable[[ImportJob, QuerySet[ImportResult]], Sheet]
    tabs: tuple[Tab, ...]
    fix: Fix
    duplicate: Callable[[ImportJob, str, str], ImportJob]  # a draft of that name, and by whom
    pace_title: _StrOrPromise  # above the settings
    retry_files_hold: _StrOrPromise  # what is in them, and what they are for
    field_words: Mapping[str, FieldWords] = field(default_factory=dict)
    # The lines of the log about attempts, by the attempt's id, beside its verdict.
    log_lines: Callable[[list[Attempt]], dict[int, list[str]]] = lambda attempts: {}
    # Whether one batch holds several records; else pages speak of the records alone.
    has_batches: bool = True
    stage_title: str = "imports/job/parts/stage_title.html"
    # What a batch is called in a list of attempts, and what that reads of other tables.
    batch_name: Callable[[ImportBatch], str] = str
    batch_related: tuple[str, ...] = ()
    # Where the records of a job go or come from, besides an API: name and address.
    place: Callable[[ImportJob], Place | None] = lambda job: None
    related: tuple[str, ...] = ()  # what `place` reads of other tables
    # Each result's own additions to the JSON views, by its id.
    json_of: Callable[[list[ImportResult]], dict[int, dict[str, object]]] = lambda results: {}

    def batches(self, count: int) -> str:
        """ "5 batches"; where each holds one record, as `records` says it."""
        return formatting.batches(count) if self.has_batches else self.records(count)

    def tab(self, slug: str) -> Tab | None:
        """The tab of that name, if this kind has it."""
        return next((tab for tab in self.tabs if tab.slug == slug), None)


_pages: dict[str, JobPage] = {}


def way_to_fix(request: HttpRequest, result: ImportResult) -> dict[str, Any] | None:
    """The button that puts this record right: its label and address; None where there is none."""
    fix = of(result.job.kind).fix
    url = fix.url(result) if may(request, fix.permission) else None
    return {"label": fix.label, "url": url} if url else None


def register(job_page: JobPage) -> None:
    """Called when an app's admin is imported: before addresses are made."""
    _pages[job_page.kind] = job_page


def of(kind: str) -> JobPage:
    """A kind's workspace. Raises KeyError for a kind without one."""
    return _pages[kind]


def every() -> list[JobPage]:
    """All workspaces, as they were registered."""
    return list(_pages.values())


def slugs() -> list[str]:
    """The names of all kinds' tabs, each once."""
    return sorted({tab.slug for job_page in every() for tab in job_page.tabs})


def tab_url(job_id: int, tab: str) -> str:
    """The address of a job's tab."""
    return reverse("admin:imports_importjob_tab", kwargs={"pk": job_id, "tab": tab})


def act_url(job_id: int, tab: str, act: str) -> str:
    """The address of what is done on a tab."""
    return reverse("admin:imports_importjob_act", kwargs={"pk": job_id, "tab": tab, "act": act})


def to_tab(job: ImportJob, tab: str) -> HttpResponseRedirect:
    """After a POST: the tab is read anew."""
    return redirect(tab_url(job.pk, tab))


def first_tab(job: ImportJob) -> str:
    """Where a job's page opens: a draft on its input, anything else on its progress."""

    if job.status == JobStatus.DRAFT:
        return of(job.kind).tabs[0].slug
    return "progress"


LATELY = timedelta(hours=1)  # so long a page tells of what has ended


@dataclass(frozen=True, slots=True)
class Panel:
    """What a job's page says of a plan. `sentences` come after the title."""

    bulk_action: BulkAction
    title: str
    sentences: tuple[str, ...]
    tone: str
    symbol: str
    is_at_work: bool
    no_worker: bool = False


def panel(job: ImportJob) -> Panel | None:
    """What is being done with many of a job's records, or was lately. One query."""
    mine = BulkAction.objects.filter(
        Q(root=job.first, finished_at=None) | Q(job=job) | Q(made=job)
    )
    mine = mine.filter(in_background=True)  # what was done at once was said at once
    lately = Q(finished_at=None) | Q(finished_at__gt=Now() - Value(LATELY))
    bulk_action = mine.filter(lately).select_related("job", "made").order_by("-pk").first()
    if bulk_action is None or (
        bulk_action.finished_at and bulk_action.made_id == job.pk and not _is_worth_it(bulk_action)
    ):
        return None
    return _ended(bulk_action) if bulk_action.finished_at else _at_work(bulk_action)


def _is_worth_it(bulk_action: BulkAction) -> bool:
    """Whether the new job's page has anything to tell of how it was put together."""
    return bool(bulk_action.skipped_changed or bulk_action.trouble)


def _at_work(bulk_action: BulkAction) -> Panel:
    names = {
        "seen": formatting.number(bulk_action.seen),
        "records": of(bulk_action.job.kind).records(bulk_action.total),
        "job": bulk_action.made_id,
    }
    return Panel(
        bulk_action=bulk_action,
        title=_doing(ActionType(bulk_action.action)) % names,
        sentences=tuple(sentence % names for sentence in _meanwhile(bulk_action)),
        tone="info",
        symbol="pending_actions",
        is_at_work=True,
        no_worker=queue.worker_count() == 0,
    )


def _doing(action: ActionType) -> str:
    match action:
        case ActionType.EXCLUDE:
            return _("Excluding %(seen)s of %(records)s")
        case ActionType.RESTORE:
            return _("Undoing the exclusion of %(seen)s of %(records)s")
        case ActionType.ARRIVED:
            return _("Marking as imported: %(seen)s of %(records)s")
        case ActionType.NOT_ARRIVED:
            return _("Marking as failed: %(seen)s of %(records)s")
        case ActionType.LOOK_UP:
            return _("Looking up in the API: %(seen)s of %(records)s")
    return _("Preparing job %(job)s: %(seen)s of %(records)s")


def _meanwhile(bulk_action: BulkAction) -> Iterator[str]:
    if bulk_action.action in RETRIES:
        if bulk_action.starts:
            yield _("Nothing is sent yet. The job starts by itself when it has all its records.")
        else:
            yield _(
                "Nothing is sent. When the job has all its records, change its settings "
                "and start it."
            )
    yield _("This continues without you; you can leave the page.")


def _ended(bulk_action: BulkAction) -> Panel:
    records = of(bulk_action.job.kind).records
    names = {
        "records": records(bulk_action.taken),
        "total": records(bulk_action.total),
        "job": bulk_action.made_id,
        "why": in_words(bulk_action.trouble),
    }
    is_clean = not bulk_action.trouble and not bulk_action.skipped_changed
    return Panel(
        bulk_action=bulk_action,
        title=done(ActionType(bulk_action.action)) % names,
        sentences=tuple(sentence % names for sentence in _afterwards(bulk_action)),
        tone="success" if is_clean else "warning" if bulk_action.trouble else "info",
        symbol="task_alt" if is_clean else "info",
        is_at_work=False,
    )


def done(action: ActionType) -> str:
    """What was done, with `records` and `job` to be filled in."""
    match action:
        case ActionType.EXCLUDE:
            return _("Excluded %(records)s. They are not sent again.")
        case ActionType.RESTORE:
            return _("The exclusion of %(records)s is undone. Retry failed sends them again.")
        case ActionType.ARRIVED:
            return _("Marked %(records)s as imported.")
        case ActionType.LOOK_UP:
            return _("Looked up in the API: decided about %(records)s.")
        case ActionType.NOT_ARRIVED:
            return _("Marked %(records)s as failed. Retry failed sends them again.")
    return _("Retried %(records)s, in job %(job)s.")


def _afterwards(bulk_action: BulkAction) -> Iterator[str]:
    if bulk_action.trouble:
        yield _("It stopped early, out of %(total)s. %(why)s")
        if bulk_action.made_id:
            yield _("Job %(job)s remains a draft with these records: start it or discard it.")
    if bulk_action.skipped_changed and bulk_action.action == ActionType.LOOK_UP:
        yield _("The API proves nothing of %(n)s: they stay unknown.") % {
            "n": formatting.number(bulk_action.skipped_changed)
        }
    elif bulk_action.skipped_changed:
        yield formatting.skipped_changed(bulk_action.skipped_changed) + "."
    if bulk_action.left_out:
        yield formatting.left_out(bulk_action.left_out) + "."


UNREAD = (  # decrypted only to be sent
    "api__secret", "api__client_secret", "api__extra_headers", "api__client_certificate",
)  # fmt: skip
MOST_RETRIES = 30  # listed on a page


def jobs() -> QuerySet[ImportJob]:
    """Jobs with what their pages show of other tables, and without an API's secrets."""
    related = ImportJob.objects.select_related(
        "api", "rate_limit", "root", "retry_of", "created_by"
    )
    places = {name for job_page in every() for name in job_page.related}
    return related.select_related(*places).defer(*UNREAD) if places else related.defer(*UNREAD)


def find(job_id: int) -> ImportJob:
    """The job of that id, or 404."""
    return get_object_or_404(jobs(), pk=job_id)


def page_context(request: HttpRequest, job: ImportJob, tab: Tab) -> dict[str, Any]:
    """The page around a tab. A bounded number of queries, whatever the job's size."""
    return {
        **admin.site.each_context(request),
        "opts": ImportJob._meta,
        "original": job,
        "title": job.name,
        **live_context(request, job),
        "tab": tab,
        "tabs": tabs(job),
    }


def live_context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """What may change while the page is open."""
    members = family(job)
    own = totals_of(members)
    of_family = totals_of_families(members, own)[job.first.pk] if len(members) > 1 else None
    is_ended = job.status in ENDED_JOBS
    bulk = panel(job)
    wait = retries.how_many_wait(job) if is_ended else retries.Waiting(0, 0)
    return {
        "job": job,
        "words": of(job.kind),
        "job_totals": own[job.pk],
        "family_totals": of_family,
        "family_jobs": members[-MOST_RETRIES:] if len(members) > 1 else [],
        "bulk": bulk,
        "live_state": live_state(job, bulk),
        "poll_seconds": poll_seconds(job, bulk),
        "is_ended": is_ended,
        "failed_waiting": wait.failed,
        "failed_in": next((each for each in members if each.pk == wait.failed_in), job),
        **_retry_offer(job, wait.failed),
        "unknown_waiting": wait.unknown,
        "can_duplicate": job.retry_of_id is None
        and permissions.may(request, *of(job.kind).add_permissions),
        "can_load_retry_files": _can_load(request, job, wait.failed),
        "ended_just_now": job.finished_at is not None
        and timezone.now() - job.finished_at < LATELY,
    }


def _retry_offer(job: ImportJob, failed: int) -> dict[str, Any]:
    """How many Retry failed sends, and whether it asks because it leaves some out.

    Of customers it sends all, or asks when it is pressed: there may be a million.
    """
    if not failed or not job_types.get(job.kind).needs_person:
        return {"retry_count": failed, "retry_asks": False}
    able = retries.waiting(job).exclude(retries.needs_person(job))
    count = retries.without_the_hopeless(job, able)[0].count()
    return {"retry_count": count, "retry_asks": count != failed}


def tabs(job: ImportJob) -> list[dict[str, Any]]:
    """The kind's tabs with the small numbers beside their names."""
    added = job_totals(job)
    return [
        {"tab": tab, "count": tab.count(job, added)} for tab in of(job.kind).tabs if tab.shown(job)
    ]


def live_state(job: ImportJob, bulk: Panel | None) -> str:
    """Changes when more of the page than its numbers has to change."""
    if bulk and bulk.is_at_work:
        return f"{job.status}-bulk"
    if job.status in ENDED_JOBS and job.closed_at is None:
        return f"{job.status}-closing"
    return str(job.status)


def poll_seconds(job: ImportJob, bulk: Panel | None = None) -> int:
    """How often an open page asks; 0 when nothing will change by itself."""
    if bulk and bulk.is_at_work:
        return 2
    match job.status:
        case JobStatus.QUEUED | JobStatus.RUNNING:
            return 2
        case JobStatus.PAUSED:
            return 10  # somebody else may resume it
        case JobStatus.DRAFT:
            return 0
        case _:
            return 0 if job.closed_at else 2


def _can_load(request: HttpRequest, job: ImportJob, failed: int) -> bool:
    """Whether there are retry files of customers who still wait, and she may load them."""
    if not failed or not job.retry_directory or job.closed_at is None:
        return False
    if job.api_id is None or not permissions.may(request, permissions.RETRY):
        return False
    files = RetryFile.objects.filter(job=job, directory=job.retry_directory, confirmed=True)
    return files.exists()
