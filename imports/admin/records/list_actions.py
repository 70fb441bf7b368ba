"""What the lists of jobs, batches and results offer for the rows that are ticked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from imports import job_types, retry_directory
from imports.admin import permissions
from imports.admin.job import actions as job_actions
from imports.admin.job.page import to_tab
from imports.engine import queue
from imports.ledger import lifecycle, retries
from imports.models import ImportBatch, ImportJob
from imports.models.bulk_actions import ActionType

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

MOST_NAMED = 20  # jobs, in a question
# What came of an action, in counts: the first is what was asked for.
WRITTEN = ngettext_lazy(
    "Wrote the retry files of %(n)s job", "Wrote the retry files of %(n)s jobs", "n"
)
NOTHING_FAILED = ngettext_lazy(
    "%(n)s has nothing left to retry", "%(n)s have nothing left to retry", "n"
)
NEED_PERSON = ngettext_lazy(
    "%(n)s needs a person first and was not retried: see Failures on its job’s page.",
    "%(n)s need a person first and were not retried: see Failures on their jobs’ pages.",
    "n",
)
REQUEUED = ngettext_lazy("Re-queued %(n)s job", "Re-queued %(n)s jobs", "n")
DUE_NOW = ngettext_lazy(
    "%(n)s waiting batch is due now", "%(n)s waiting batches are due now",
    "n",
)  # fmt: skip
IDLE = ngettext_lazy("%(n)s has nothing to do", "%(n)s have nothing to do", "n")
PAUSED = ngettext_lazy("Paused %(n)s job", "Paused %(n)s jobs", "n")
RESUMED = ngettext_lazy("Resumed %(n)s job", "Resumed %(n)s jobs", "n")
CANCELLED = ngettext_lazy(
    "Cancelled %(n)s job; records that were not sent are kept as failed",
    "Cancelled %(n)s jobs; records that were not sent are kept as failed",
    "n",
)
OTHERS = ngettext_lazy(
    "%(n)s was not in a suitable state and was left unchanged",
    "%(n)s were not in a suitable state and were left unchanged",
    "n",
)


class ListActions:
    """For a list of rows that are jobs, or belong to jobs by `job_path`."""

    job_path: ClassVar[str] = "job_id"  # from a row to its job's id
    batch_path: ClassVar[str] = "batch_id"  # and to its batch's
    actions: Any = ("retry_failed", "regenerate_retry_files", "requeue")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """For the actions; Django asks for it by this name."""
        return permissions.may(request, permissions.RETRY)

    def has_start_permission(self, request: HttpRequest) -> bool:
        """The same for those that steer a job."""
        return permissions.may(request, permissions.START)

    def records_of(self, rows: QuerySet[Any]) -> Q | None:
        """The results that the rows stand for; None: all of their jobs'."""
        return Q(pk__in=rows.order_by().values("pk"))

    def batches_of(self, rows: QuerySet[Any], job: ImportJob) -> QuerySet[ImportBatch]:
        """The batches of `job` that the rows stand for."""
        return job.batches.filter(pk__in=rows.order_by().values(self.batch_path))

    def jobs_of(self, rows: QuerySet[Any]) -> list[ImportJob]:
        """The jobs of the rows, each once."""
        ids = rows.order_by().values(self.job_path)
        return list(ImportJob.objects.filter(pk__in=ids).order_by("pk"))

    def families_of(self, rows: QuerySet[Any]) -> list[list[ImportJob]]:
        """The jobs that one row stands for, for each row that is a job of its own."""
        return [[job] for job in self.jobs_of(rows)]

    @admin.action(description=gettext_lazy("Retry failed"), permissions=["retry"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """The failed records of the rows, in one new job for each of their jobs.

        Those that need a person first are left to the job's own page, which asks about them.
        """
        chosen, records = self.jobs_of(queryset), self.records_of(queryset) or Q()
        done, blocked = [], 0
        for job in chosen:
            needs_person = retries.needs_person(job)
            here = retries.waiting(job).filter(records & needs_person).count()
            only = records & ~needs_person
            blocked += here
            if not here or retries.waiting(job).filter(only).exists():
                done.append(job_actions.carry_out(request, job, ActionType.RETRY, only))
        if blocked:
            messages.info(request, NEED_PERSON % {"n": blocked})
        made = [each.made for each in done if each and each.made]
        return to_tab(made[0], "progress") if len(chosen) == len(made) == 1 else None

    @admin.action(description=gettext_lazy("Regenerate retry files"), permissions=["retry"])
    def regenerate_retry_files(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """A new retry directory for each job, with what waits by now."""
        parent = retry_directory.home()
        written = nothing = 0
        for job in self.jobs_of(queryset):
            try:
                directory = job_types.get(job.kind).write_retry_files(job, parent)
            except OSError as error:
                params = {"place": retry_directory.place(), "why": error.strerror, "job": job.pk}
                said = _("Job %(job)s: Redrive cannot write to %(place)s: %(why)s.")
                messages.error(request, said % params)
                continue
            written, nothing = written + bool(directory), nothing + (directory is None)
        say(request, (WRITTEN, written), (NOTHING_FAILED, nothing))

    @admin.action(description=gettext_lazy("Re-queue"), permissions=["start"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Jobs whose queue message was lost are enqueued; batches due later are due now."""
        actor = permissions.actor(request)
        queued = due = idle = 0
        for family in self.families_of(queryset):
            due += sum(
                lifecycle.make_due(job, self.batches_of(queryset, job), actor) for job in family
            )
            needy = [job for job in family if lifecycle.needs_a_worker(job)]
            for job in needy:
                queue.enqueue_on_commit(job.pk)
            queued, idle = queued + len(needy), idle + (not needy)
        say(request, (REQUEUED, queued), (DUE_NOW, due), (IDLE, idle))


class JobListActions(ListActions):
    """For the list of jobs: also what steers them."""

    job_path = "pk"
    actions: Any = (*ListActions.actions, "pause", "resume", "cancel")

    def records_of(self, rows: QuerySet[Any]) -> Q | None:
        return None

    def batches_of(self, rows: QuerySet[Any], job: ImportJob) -> QuerySet[ImportBatch]:
        return job.batches.all()

    def families_of(self, rows: QuerySet[Any]) -> list[list[ImportJob]]:
        """Each first job with its retries: a row stands for all of them."""
        found = {first.pk: [first] for first in self.jobs_of(rows)}
        for retry in ImportJob.objects.filter(root__in=found).order_by("pk"):
            found[retry.root_id or 0].append(retry)
        return list(found.values())

    @admin.action(description=gettext_lazy("Pause"), permissions=["start"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send nothing more for now."""
        done, other = _each(request, self.families_of(queryset), lifecycle.pause)
        say(request, (PAUSED, done), (OTHERS, other))

    @admin.action(description=gettext_lazy("Resume"), permissions=["start"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Go on with those that are paused."""
        done, other = _each(request, self.families_of(queryset), lifecycle.resume, enqueues=True)
        say(request, (RESUMED, done), (OTHERS, other))

    @admin.action(description=gettext_lazy("Cancel"), permissions=["start"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Stop for good, once it is confirmed; what was not sent is kept as failed."""
        rows = self.families_of(queryset)
        able = [[job for job in row if lifecycle.can_be_cancelled(job)] for row in rows]
        if "confirmed" not in request.POST:
            chosen = [row[0] for row, some in zip(rows, able, strict=True) if some]
            return self._ask(
                request, chosen, [job for some in able for job in some], able.count([])
            )
        done, other = _each(request, able, lifecycle.cancel, enqueues=True)
        say(request, (CANCELLED, done), (OTHERS, other))
        return None

    def _ask(
        self, request: HttpRequest, chosen: list[ImportJob], able: list[ImportJob], others: int
    ) -> HttpResponse:
        """Which jobs would be cancelled; of the rows that are selected, those with any."""
        shown = {
            **admin.site.each_context(request),
            "opts": ImportJob._meta,
            "title": _("Cancel jobs"),
            "action": "cancel",
            "chosen": chosen,
            "able": able,
            "named": able[:MOST_NAMED],
            "others": others,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return render(request, "imports/list/ask_cancel.html", shown)


def _each(
    request: HttpRequest, chosen: list[list[ImportJob]], act: Callable[[ImportJob, str], bool],
    *, enqueues: bool = False,
) -> tuple[int, int]:  # fmt: skip
    """How many jobs were moved, and of how many rows no job was in a state for it."""
    done = others = 0
    for row in chosen:
        moved = [job for job in row if act(job, permissions.actor(request))]
        for job in moved if enqueues else []:
            queue.enqueue_on_commit(job.pk)
        done, others = done + len(moved), others + (not moved)
    return done, others


def say(request: HttpRequest, *counts: tuple[_StrPromise, int]) -> None:
    """One message of the counts that are not zero; of the last alone it is a warning."""
    parts = [str(said % {"n": count}) for said, count in counts if count]
    is_done = any(count for _said, count in counts[:-1])
    level = messages.SUCCESS if is_done else messages.WARNING
    messages.add_message(request, level, "; ".join(parts or [_("Nothing was done")]) + ".")
