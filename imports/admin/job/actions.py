"""What an operator does with a job's records, and which records were chosen for it.

Retry, send again, exclude, mark as imported or failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import connection
from django.db.models import Count, Min, Q
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imports import error_codes, job_types
from imports.admin import formatting, permissions
from imports.admin.formatting import whole_number
from imports.admin.job import page
from imports.admin.job.page import to_tab
from imports.customers.api.mapping import BadMapping
from imports.customers.api.record_results import filter_code
from imports.customers.api.setup import mapping_of, most_of
from imports.engine import queue
from imports.error_codes import ERROR_CODES, ErrorCode
from imports.ledger import bulk_actions, known_before, retries
from imports.ledger.bulk_actions import EXCLUDED_CODE, RETRIES
from imports.ledger.lifecycle import NotAllowed
from imports.ledger.totals import family
from imports.messages import Message, in_general
from imports.models import BulkAction, ImportResult
from imports.models.bulk_actions import ActionType
from imports.models.jobs import Rollout
from imports.rendering import as_sentence, in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, QueryDict

    from imports.ledger.known_before import Later
    from imports.messages import Text
    from imports.models import ImportJob


MOST_CAUSES = 50
GROUPED_BY = ("error_code", "cause", "status")
# What an API's own code means, by the group that its mapping lists the code in.
OWN_CODES: Mapping[str, ErrorCode] = {
    "retryable": ERROR_CODES["FAILED"],
    "rolled_back": ERROR_CODES["FAILED"],
    "not_now": ERROR_CODES["HTTP_429"],
    "permanent": ERROR_CODES["ERROR"],
}
TROUBLE = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Cause:
    """Records of a job with one cause. `waiting` of them are in no later retry."""

    key: str
    status: str
    code: str
    sentence: str
    count: int
    waiting: int
    example: ImportResult
    remedy: ErrorCode | None

    @property
    def follows(self) -> str:
        """What Redrive does next by itself about them."""
        return error_codes.follows(self.status, self.remedy)

    @property
    def filter(self) -> str:
        """As the Failures tab's address names it."""
        return urlencode({"cause": self.key})

    @property
    def choice(self) -> str:
        """All of them, as a question's address names them."""
        return urlencode({"which": "cause", "cause": self.key})


def trouble(job: ImportJob) -> QuerySet[ImportResult]:
    """The records of a job that failed, are unknown or were excluded. An index serves it."""
    return ImportResult.objects.filter(in_trouble(job))


def in_trouble(job: ImportJob) -> Q:
    """The same as a condition."""
    return Q(job=job, status__in=TROUBLE) & ~Q(error_code="")


def causes(job: ImportJob) -> list[Cause]:
    """The job's failures by cause, the most frequent first. Two queries."""
    groups = trouble(job).values(*GROUPED_BY)
    rows = list(
        groups.annotate(
            count=Count("pk"),
            example=Min("pk"),
            waiting=Count("pk", filter=Q(retries__isnull=True)),
        ).order_by("-count", *GROUPED_BY)[:MOST_CAUSES]
    )
    some = ImportResult.objects.filter(pk__in=[row["example"] for row in rows])
    examples = {each.pk: each for each in some.defer("refused_record")}
    own = own_codes(job)
    return [
        _cause(row, examples[row["example"]], own.get(code) or error_codes.about(code, job.kind))
        for row in rows
        if (code := row["error_code"])
    ]


def own_codes(job: ImportJob) -> dict[str, ErrorCode]:
    """What the API's own codes mean, as its mapping lists them, where another must act."""
    try:
        mapping = mapping_of(job.api) if job.api else None
    except BadMapping:
        mapping = None
    found: dict[str, ErrorCode] = {}
    for code, group in mapping.group_by_code.items() if mapping else ():
        own, name = OWN_CODES.get(group), filter_code(code, "")
        known = error_codes.about(name, job.kind)
        if own and (known is None or known.actor != own.actor):
            found[name] = own
    return found


def more(job: ImportJob, shown: Sequence[Cause]) -> int:
    """How many causes there are beside those that are shown."""
    if len(shown) < MOST_CAUSES:
        return 0
    every: int = trouble(job).values(*GROUPED_BY).distinct().order_by().count()
    return every - len(shown)


def _cause(row: Mapping[str, Any], example: ImportResult, remedy: ErrorCode | None) -> Cause:
    return Cause(
        key=f"{row['status']}.{row['cause']}.{row['error_code']}",
        status=row["status"],
        code=row["error_code"],
        sentence=_sentence(example.message or "", row["count"]),
        count=row["count"],
        waiting=row["waiting"] if _can_wait(row) else 0,
        example=example,
        remedy=error_codes.for_record(remedy, row["status"]),
    )


def _sentence(message: Text, count: int) -> str:
    """The one record's own message, or what the messages of all have in common."""
    if count == 1:
        return in_words(message)
    common = in_general(message)
    fault = common.own_params.get("what") if isinstance(common, Message) else None
    if isinstance(fault, Message):  # without its place in the file, which is each one's own
        return f"{as_sentence(fault)}."
    return in_words(common)


def _can_wait(row: Mapping[str, Any]) -> bool:
    """Whether a person can still decide about them: not about what was never sent."""
    is_excluded: bool = row["status"] == ResultStatus.EXCLUDED
    return not is_excluded or str(row["error_code"]) == EXCLUDED_CODE


def of_cause(key: str) -> Q:
    """Those of one cause; none for a key that is no cause's."""
    status, _dot, rest = key.partition(".")
    cause, _dot, code = rest.partition(".")
    return Q(status=status, cause=cause, error_code=code)


FILTER = ("status", "cause", "q")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a form or an address says. With `as_of`, only records that have not changed since."""

    which: str = ""  # "all", "filter", "cause" (a filter, too), or else those that are ticked
    status: str = ""
    cause: str = ""
    query: str = ""
    ids: tuple[int, ...] = ()
    counted: int | None = None  # how many she was told
    as_of: datetime | None = None

    @classmethod
    def of(cls, data: QueryDict) -> Choice:
        """As a form was sent, or a link says it."""
        return cls(
            which=data.get("which", ""),
            status=data.get("status", ""),
            cause=data.get("cause", ""),
            query=data.get("q", "").strip(),
            ids=tuple(whole_number(each) or 0 for each in data.getlist("ids")[:1_000]),
            counted=whole_number(data.get("counted", "")) or 0 if "counted" in data else None,
            as_of=_moment(data.get("as_of", "")),
        )

    @property
    def is_nothing(self) -> bool:
        """Whether no filter is meant and nothing is ticked."""
        is_filter = self.which in ("all", "filter") or (self.which == "cause" and self.cause)
        return not is_filter and not self.ids

    @property
    def filter(self) -> str:
        """The filter as an address names it."""
        return urlencode({"status": self.status, "cause": self.cause, "q": self.query})

    def fields(self) -> list[tuple[str, str]]:
        """The names and values that say the same in a form."""
        plain = [("which", self.which), ("status", self.status), ("cause", self.cause)]
        ticked = [("ids", str(each)) for each in self.ids]
        return [(name, value) for name, value in [*plain, ("q", self.query), *ticked] if value]

    def matching(self, job: ImportJob) -> Q:
        """What the filter matches among the job's failures, whatever is ticked."""
        found = in_trouble(job)
        if self.cause:
            found &= of_cause(self.cause)
        elif self.status in TROUBLE:
            found &= Q(status=self.status)
        if self.query:
            found &= Q(key=self.query) | Q(email=self.query)
        return found

    def records(self, job: ImportJob) -> Q:
        """The chosen records, whatever their status; "all" includes those of later retries."""
        match self.which:
            case "all":
                chosen = Q()
            case "filter":
                chosen = self.matching(job)
            case "cause" if self.cause:
                chosen = self.matching(job)
            case _:
                chosen = in_trouble(job) & Q(pk__in=self.ids)
        return chosen & Q(updated_at__lte=self.as_of) if self.as_of else chosen

    def waiting(self, job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
        """The chosen records with the needed status that are in no later retry."""
        return retries.waiting(job, status).filter(self.records(job))


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def now() -> str:
    """The database's time, for a form that says which state of things it speaks of."""
    with connection.cursor() as sql:
        sql.execute("SELECT clock_timestamp()")
        moment: datetime = sql.fetchone()[0]
    return moment.isoformat()


def some(records: QuerySet[ImportResult], most: int = 5) -> Iterable[ImportResult]:
    """A few of them, for example."""
    return records.order_by("pk")[:most]


def ask_retry(request: HttpRequest, job: ImportJob, choice: Choice) -> HttpResponse:
    """How many are sent again, how many would only fail again, and how many need a person."""
    asked_at = now()
    chosen, blocked = _chosen_and_blocked(job, choice)
    sensible, left_out, later = bulk_actions.sensible(job, chosen)
    shown = _summary(choice, sensible, asked_at) | {
        "left_out": left_out + later.total(),
        "later": _said(later),
        "hopeless": left_out,
        "blocked": sum(count for _code, count in blocked),
        "most_in_a_batch": most_of(job),
        "blocked_codes": [(error_codes.about(code, job.kind), n) for code, n in blocked],
    }
    return _shown(request, job, "retry", shown)


def _chosen_and_blocked(
    job: ImportJob, choice: Choice
) -> tuple[QuerySet[ImportResult], list[tuple[str, int]]]:
    """The chosen records that wait; and, by code, those that a person must act on first."""
    chosen, needs_person = choice.waiting(job, ResultStatus.ERROR), retries.needs_person(job)
    blocked = chosen.filter(needs_person).order_by().values_list("error_code")
    return chosen.exclude(needs_person), list(blocked.annotate(n=Count("pk")).order_by("-n"))


def must_ask(job: ImportJob, choice: Choice) -> bool:
    """Whether some of the chosen records need a person, or the API has newer versions of them."""
    chosen, blocked = _chosen_and_blocked(job, choice)
    if blocked:
        return True
    *_others, later = bulk_actions.sensible(job, chosen)
    return bool(later)


def _said(later: Counter[Later]) -> list[str]:
    rows = sorted(later.items())
    return known_before.of_later((each.job, each.status, count) for each, count in rows)


def ask(
    request: HttpRequest, job: ImportJob, question: str, choice: Choice, status: ResultStatus,
    *, needs_reason: bool = False, **shown: Any,
) -> HttpResponse:  # fmt: skip
    """A decision that needs a reason. HTTP 422 where one was missing."""
    asked_at = now()
    chosen = choice.waiting(job, status)
    shown |= _summary(choice, chosen, asked_at)
    if status == ResultStatus.UNKNOWN:
        *_others, later = bulk_actions.sensible(job, chosen, ActionType.SEND_AGAIN)
        shown |= {"later": _said(later), "left_out": later.total()}
        shown["can_look_up"] = job_types.get(job.kind).can_look_up(job)
    shown |= {"needs_reason": needs_reason, "reason": request.POST.get("reason", "")}
    return _shown(request, job, question, shown)


def _summary(choice: Choice, chosen: Any, asked_at: str) -> dict[str, Any]:
    count = chosen.count()
    return {
        "count": count,
        "examples": some(chosen),
        "fields": [*choice.fields(), ("counted", str(count)), ("as_of", asked_at)],
        "is_in_background": count > bulk_actions.CHUNK,
    }


def _shown(
    request: HttpRequest, job: ImportJob, question: str, summary: dict[str, Any]
) -> HttpResponse:
    summary["question"] = f"imports/job/questions/{question}.html"
    if request.headers.get("HX-Request"):
        summary |= {"job": job, "words": page.of(job.kind), "in_dialog": True}
        return render(request, "imports/job/ask_dialog.html", summary)
    tab = page.of(job.kind).tab("failures")
    if tab is None:
        raise LookupError("every kind of work has a Failures tab")
    shown = page.page_context(request, job, tab) | summary
    is_lacking = summary.get("needs_reason") or summary.get("needs_decision")
    return render(request, "imports/job/ask.html", shown, status=422 if is_lacking else 200)


def carry_out(
    request: HttpRequest, job: ImportJob, action: ActionType, only: Q | None = None,
    *, reason: str = "", force: bool = False, starts: bool = True,
    rollout: str = Rollout.ALL, batch_size: int | None = None, counted: int | None = None,
) -> BulkAction | None:  # fmt: skip
    """Carry it out and say with counts what happened; None, and why, where nothing was done.

    Workers do what is about many records: the job's page then shows how far they are.
    `counted` is how many records the person was told of.
    """
    try:
        done = bulk_actions.carry_out(
            job, action, only, reason=reason, actor=permissions.actor(request), force=force,
            starts=starts, rollout=rollout, batch_size=batch_size,
        )  # fmt: skip
    except NotAllowed as refusal:
        _say_why_not(request, job, action, in_words(refusal.message))
        return None
    if done.in_background:
        queue.enqueue_on_commit(job.pk)
        return done
    if done.made and starts:
        queue.enqueue_on_commit(done.made.pk)
    messages.success(request, _what_happened(done, counted))
    for said in known_before.of_later(done.imported_later):
        messages.info(request, said)
    return done


def retry_and_show(
    request: HttpRequest, job: ImportJob, only: Q | None = None, counted: int | None = None
) -> HttpResponse:
    """Retry from a job's page: to the new job's progress, or its settings if asked for."""
    starts = request.POST.get("start") != "later"
    wanted = request.POST.get("rollout", "")
    done = carry_out(
        request, job, ActionType.RETRY, only, starts=starts, counted=counted,
        force="force" in request.POST,
        rollout=wanted if wanted in Rollout.values else Rollout.ALL,
        batch_size=_batch_size(request, job),
    )  # fmt: skip
    if done is None or done.made is None:
        return to_tab(job, "failures")
    return to_tab(done.made, "progress" if starts else "settings")


def _batch_size(request: HttpRequest, job: ImportJob) -> int | None:
    """The smaller size that was asked for; None for the job's own. Raises NotAllowed."""
    text, most = request.POST.get("batch_size", "").strip(), most_of(job)
    if not text:
        return None
    size = formatting.whole_number(text)
    if not size or size > most:
        params = {"n": formatting.number(most)}
        raise NotAllowed(_("The retry’s batches can have 1 to %(n)s customers.") % params)
    return size


def decide(
    request: HttpRequest, job: ImportJob, action: ActionType, choice: Choice, reason: str
) -> HttpResponse:
    """Decide from the Failures tab, with a reason; what goes out again is shown where it goes."""
    force = "force" in request.POST
    done = carry_out(
        request, job, action, choice.records(job), reason=reason, force=force,
        counted=choice.counted,
    )  # fmt: skip
    return to_tab(done.made, "progress") if done and done.made else to_tab(job, "failures")


def stop(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Do nothing more of what is being done in the background; what is done stays."""
    bulk_action = (
        BulkAction.objects.filter(root=job.first, finished_at=None).select_related("job").first()
    )
    if bulk_action is None or not bulk_actions.stop(bulk_action, permissions.actor(request)):
        raise NotAllowed(_("It had already ended, so nothing was stopped."))
    return to_tab(bulk_action.job, "failures")


def _what_happened(done: BulkAction, counted: int | None) -> str:
    """ "3 customers go out again in job 8; 1 is being retried already." """
    summary_of = counted or 0
    if done.action == ActionType.SEND_AGAIN:  # that question counts those that are left out, too
        summary_of -= sum(count for _job, _status, count in done.imported_later)
    changed = max(0, summary_of - done.taken)
    records = page.of(done.job.kind).records(done.taken)
    if done.action not in RETRIES:
        said = page.done(ActionType(done.action)) % {"records": records}
        return f"{said} {formatting.skipped_changed(changed)}." if changed else said
    said = _what_goes_out(done.taken) if done.starts else _what_is_ready()
    parts = [said % {"records": records, "job": done.made_id}]
    if changed:
        parts.append(formatting.skipped_changed(changed))
    elif done.skipped_retried:
        parts.append(formatting.being_retried(done.skipped_retried))
    if done.left_out:
        parts.append(formatting.left_out(done.left_out))
    return "; ".join(parts) + "."


def _what_goes_out(count: int) -> str:
    return ngettext(
        "%(records)s is being retried in job %(job)s",
        "%(records)s are being retried in job %(job)s",
        count,
    )


def _what_is_ready() -> str:
    return _("Job %(job)s is ready with %(records)s: change its settings, then press Start")


def _say_why_not(request: HttpRequest, job: ImportJob, action: ActionType, why: str) -> None:
    """Why nothing was done, and where the records of a retry are by now."""
    later = [each for each in family(job) if each.pk > job.pk] if action in RETRIES else []
    shown = {"why": why, "later": later[-1] if later else None}
    messages.warning(request, render_to_string("imports/messages/not_retried.html", shown))
