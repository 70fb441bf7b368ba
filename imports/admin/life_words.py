"""What became of a record, in one sentence: refused twice, corrected by anna, and imported."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import rendering
from imports.event_codes import EventCode
from imports.ledger.moves import CANCELLED_CODE
from imports.policy import Verdict
from imports.states import JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from django.utils.functional import _StrOrPromise

    from imports.admin.life import Chapter, Round
    from imports.admin.workspace import Workspace
    from imports.messages import Text
    from imports.models import Attempt, JobEvent

LONGEST_REASON = 160  # characters
MOST_REASONS = 2
MOST_DAYS = 4  # more are told as a span
# Tries that say nothing about this record: asked to come later, or halved.
NO_ANSWER = (Verdict.DEFERRED, Verdict.PAUSE, Verdict.SPLIT)
MAY_HAVE_ARRIVED = gettext_lazy("may have arrived on %(day)s (“%(why)s”)")
DEEDS: dict[str, _StrOrPromise] = {
    EventCode.ARRIVED: gettext_lazy("had arrived, as %(who)s found on %(day)s (“%(why)s”)"),
    EventCode.NOT_ARRIVED: gettext_lazy(
        "had not arrived, as %(who)s found on %(day)s (“%(why)s”)"
    ),
    EventCode.EXCLUDED: gettext_lazy("was left out for good by %(who)s on %(day)s (“%(why)s”)"),
    EventCode.PASSWORD_CHANGED: gettext_lazy("got a new password from %(who)s on %(day)s"),
}
# As a line of its own: who stands before it.
LINES: dict[str, _StrOrPromise] = {
    EventCode.CREATED: gettext_lazy("added the job"),
    EventCode.CORRECTED: gettext_lazy("corrected it"),
    EventCode.STARTED: gettext_lazy("started the job"),
    EventCode.CANCELLED: gettext_lazy("cancelled the job"),
    EventCode.ARRIVED: gettext_lazy("found that it had arrived"),
    EventCode.NOT_ARRIVED: gettext_lazy("found that it had not arrived"),
    EventCode.EXCLUDED: gettext_lazy("left it out for good"),
    EventCode.PASSWORD_CHANGED: gettext_lazy("entered a new password"),
}
# Once, twice, and more often.
REFUSED = (
    gettext_lazy("was refused on %(days)s (“%(why)s”)"),
    gettext_lazy("was refused twice on %(days)s (“%(why)s”)"),
    gettext_lazy("was refused %(n)s times on %(days)s (“%(why)s”)"),
)
FAILED = (
    gettext_lazy("failed on %(days)s (“%(why)s”)"),
    gettext_lazy("failed twice on %(days)s (“%(why)s”)"),
    gettext_lazy("failed %(n)s times on %(days)s (“%(why)s”)"),
)


def sentence(chapter: Chapter, words: Workspace) -> str:
    """ "Customer 7 was refused on 1 May (“…”), and was imported on 2 May at 09:14." """
    who = words.subject % {"name": _name(chapter)}
    return f"{who} {_listed(list(_clauses(chapter.rounds, words)))}."


def _name(chapter: Chapter) -> str:
    """What it is called, and what it was called before somebody corrected its id."""
    names = list(dict.fromkeys(str(each.result) for each in reversed(chapter.rounds)))
    if len(names) < 2:
        return names[0]
    return _("%(name)s (before: %(old)s)") % {"name": names[0], "old": ", ".join(names[1:])}


def _clauses(rounds: Sequence[Round], words: Workspace) -> Iterator[str]:
    """What happened, in order; plain failures in a row are told as one."""
    failed: list[Round] = []
    for each in rounds:
        is_plain = _has_failed(each) and not each.deeds
        if each.correction or not is_plain:
            yield from _failures(failed)
            failed = []
        if each.correction:
            yield _("was corrected by %(who)s on %(day)s") % _deed(each.correction)
        if is_plain:
            failed.append(each)
        else:
            yield from _round(each, words)
    yield from _failures(failed)


def _has_failed(told: Round) -> bool:
    result = told.result
    return result.status == ResultStatus.ERROR and result.error_code != CANCELLED_CODE


def _round(told: Round, words: Workspace) -> Iterator[str]:
    """What became of it in one round, and what a person did about it there."""
    actions = {each.code for each in told.deeds}
    if actions & {EventCode.ARRIVED, EventCode.NOT_ARRIVED}:
        last = told.attempts[-1] if told.attempts else None
        if last is not None:
            yield MAY_HAVE_ARRIVED % {"day": day(last.ended_at), "why": in_short(last.message)}
    elif EventCode.EXCLUDED in actions or _has_failed(told):
        yield from _failures([told])
    else:
        yield _status(told, words)
    for each in told.deeds:
        if each.code in DEEDS:
            yield DEEDS[each.code] % _deed(each)


def _status(told: Round, words: Workspace) -> str:
    result = told.result
    names = {
        "job": result.job_id,
        "day": day(result.updated_at),
        "time": date_format(timezone.localtime(result.updated_at), "H:i"),
        "why": in_short(result.message),
    }
    match result.status:
        case ResultStatus.SUCCESS:
            return words.became % names
        case ResultStatus.UNKNOWN:
            return MAY_HAVE_ARRIVED % names
        case ResultStatus.EXCLUDED:
            return _("was not sent (“%(why)s”)") % names
        case ResultStatus.ERROR:
            return _("was not sent, because job %(job)s was cancelled on %(day)s") % names
    return _waiting(told) % names


def _waiting(told: Round) -> str:
    """Where it is held up."""
    match told.result.job.status:
        case JobStatus.DRAFT:
            return _("waits in job %(job)s, which nobody has started yet")
        case JobStatus.PAUSED:
            return _("waits, because job %(job)s is paused")
    if told.attempts and told.result.message:
        return _("was tried in job %(job)s, and is tried again (“%(why)s”)")
    return _("is on its way in job %(job)s")


def _deed(event: JobEvent) -> dict[str, str]:
    why = in_short(event.reason or event.message)
    return {"who": event.actor or "Redrive", "day": day(event.at), "why": why}


def _failures(rounds: Sequence[Round]) -> Iterator[str]:
    """Refusals, or failures on the way, in a row: each in one clause."""
    for refused, group in groupby(rounds, key=lambda each: bool(each.result.http_status)):
        some = list(group)
        tries = [each for told in some for each in _tries(told, refused=refused)]
        ends = [each.ended_at for each in tries] or [each.result.updated_at for each in some]
        whys = [in_short(each.result.message) for each in some]
        names = {
            "n": len(ends),
            "days": days(ends),
            "why": "”, “".join(list(dict.fromkeys(whys))[:MOST_REASONS]),
        }
        yield (REFUSED if refused else FAILED)[min(len(ends), 3) - 1] % names


def _tries(told: Round, *, refused: bool) -> list[Attempt]:
    """Those that came to it: a refusal is an answer, with an HTTP status."""
    return [
        each
        for each in told.attempts
        if each.verdict not in NO_ANSWER and (each.http_status or not refused)
    ]


def in_short(text: Text | None) -> str:
    """What is wrong, in the reader's language."""
    return rendering.in_short(text, LONGEST_REASON)


def day(at: datetime) -> str:
    """ "13 November", with the year where it is another."""
    return _named(timezone.localtime(at).date())


def days(ends: Iterable[datetime]) -> str:
    """ "12 and 13 November"; more than a few as a span."""
    found = sorted({timezone.localtime(at).date() for at in ends})
    if len(found) > MOST_DAYS:
        names = {"n": len(found), "first": _named(found[0]), "last": _named(found[-1])}
        return _("%(n)s days from %(first)s to %(last)s") % names
    same_month = len({(each.year, each.month) for each in found}) == 1
    named = [str(each.day) if same_month else _named(each) for each in found[:-1]]
    return _and([*named, _named(found[-1])])


def _named(each: date) -> str:
    this_year = each.year == timezone.localdate().year
    return date_format(each, "j F" if this_year else "j F Y")


def _and(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def _listed(clauses: Sequence[str]) -> str:
    """ "a, b, and c": clauses have commas of their own."""
    if len(clauses) < 2:
        return "".join(clauses)
    return _("%(first)s, and %(last)s") % {"first": ", ".join(clauses[:-1]), "last": clauses[-1]}
