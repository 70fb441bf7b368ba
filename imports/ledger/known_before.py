"""Notes, made before sending, about records that an API has, or may have, from earlier jobs.

Stored as codes with parameters and rendered when they are read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.utils.functional import _StrOrPromise

MOST_SENTENCES = 20
# Of a retry's records that are older than what the API has by now.
LATER = {
    ResultStatus.SUCCESS: ngettext_lazy(
        "%(n)s of these was imported into this API later, in job %(job)s. It is left out "
        "unless you send it anyway.",
        "%(n)s of these were imported into this API later, in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    ResultStatus.UNKNOWN: ngettext_lazy(
        "%(n)s of these may have been imported into this API later, in job %(job)s. It is "
        "left out unless you send it anyway.",
        "%(n)s of these may have been imported into this API later, in job %(job)s. They are "
        "left out unless you send them anyway.",
        "count",
    ),
    ResultStatus.PENDING: ngettext_lazy(
        "A newer version of %(n)s of these is being sent to this API in job %(job)s. It is "
        "left out unless you send it anyway.",
        "Newer versions of %(n)s of these are being sent to this API in job %(job)s. They are"
        " left out unless you send them anyway.",
        "count",
    ),
}
# Of files.
OTHER_API, SAME_FILE, CHANGED_RETRY_FILE = "OTHER_API", "SAME_FILE", "CHANGED_RETRY_FILE"
NOT_IN_RETRY_FILE = "NOT_IN_RETRY_FILE"
OF_FILES: dict[str, _StrOrPromise] = {
    OTHER_API: ngettext_lazy(
        "%(n)s of these records failed at “%(from)s” (job %(job)s) and goes to “%(api)s”. It "
        "will still count as failed at “%(from)s”.",
        "%(n)s of these records failed at “%(from)s” (job %(job)s) and go to “%(api)s”. They "
        "will still count as failed at “%(from)s”.",
        "count",
    ),
    SAME_FILE: _(
        "The same file, %(file)s, was already imported into “%(api)s” in job %(job)s, on "
        "%(day)s at %(time)s."
    ),
    CHANGED_RETRY_FILE: _(
        "%(file)s is a retry file of job %(job)s that was changed after Redrive wrote it. Its"
        " records are treated as corrections of those that failed there."
    ),
    NOT_IN_RETRY_FILE: ngettext_lazy(
        "%(n)s record of %(file)s was not in that retry file. It is sent as a new record.",
        "%(n)s records of %(file)s were not in that retry file. They are sent as new records.",
        "count",
    ),
    "ALREADY_IMPORTED": ngettext_lazy(
        "%(n)s of these records was already imported in job %(job)s. It is left out unless "
        "you send it anyway.",
        "%(n)s of these records were already imported in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    "IMPORTED_LATER": ngettext_lazy(
        "%(n)s of these records was imported into this API later, in job %(job)s. This older "
        "version is left out unless you send it anyway.",
        "%(n)s of these records were imported into this API later, in job %(job)s. These "
        "older versions are left out unless you send them anyway.",
        "count",
    ),
    "MAY_BE_IMPORTED": ngettext_lazy(
        "%(n)s of these records may have been imported in job %(job)s. It is left out unless "
        "you send it anyway.",
        "%(n)s of these records may have been imported in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    "EXCLUDED_BEFORE": ngettext_lazy(
        "%(n)s of these records was excluded in job %(job)s. It is left out unless you send "
        "it anyway.",
        "%(n)s of these records were excluded in job %(job)s. They are left out unless you "
        "send them anyway.",
        "count",
    ),
    "CORRECTED_SINCE": ngettext_lazy(
        "%(n)s of these records was corrected later in job %(job)s. This older version is "
        "left out unless you send it anyway.",
        "%(n)s of these records were corrected later in job %(job)s. These older versions are"
        " left out unless you send them anyway.",
        "count",
    ),
    "BEING_RETRIED": ngettext_lazy(
        "%(n)s of these records is already being sent in job %(job)s. It is left out.",
        "%(n)s of these records are already being sent in job %(job)s. They are left out.",
        "count",
    ),
    "TWICE": ngettext_lazy(
        "%(n)s of these records is also in another file of this import. It is sent once.",
        "%(n)s of these records are also in another file of this import. They are sent once.",
        "count",
    ),
}
FORCEABLE = (
    "ALREADY_IMPORTED", "IMPORTED_LATER", "MAY_BE_IMPORTED", "EXCLUDED_BEFORE", "CORRECTED_SINCE",
)  # fmt: skip
OF_ONE_FILE = (SAME_FILE, CHANGED_RETRY_FILE, NOT_IN_RETRY_FILE)  # the others are added up


def can_be_forced(note: dict[str, Any]) -> bool:
    """Whether a note is about records that only `force` sends."""
    return note["code"] in FORCEABLE


def of_later(imported_later: Iterable[Sequence[Any]]) -> list[str]:
    """A sentence for each job that has newer versions: [job, status there, count]."""
    return [
        str(LATER[ResultStatus(status)] % {"count": count, "n": _number(count), "job": job})
        for job, status, count in imported_later
    ]


def of_files(notes: Iterable[dict[str, Any]]) -> list[str]:
    """What is known of a draft's files, in sentences; equal ones are added up."""
    counts: Counter[tuple[tuple[str, Any], ...]] = Counter()
    for note in notes:
        own = {name: value for name, value in note.items() if name != "count"}
        if note["code"] not in OF_ONE_FILE:
            own.pop("file", None)
        counts[tuple(own.items())] += note.get("count", 1)
    said = [_sentence(dict(own), count) for own, count in counts.items()]
    more = len(said) - MOST_SENTENCES
    cut = [_("and %(n)s more") % {"n": _number(more)}] if more > 0 else []
    return [*said[:MOST_SENTENCES], *map(str, cut)]


def _sentence(note: dict[str, Any], count: int) -> str:
    summary = {**note, "count": count, "n": _number(count)}
    if at := parse_datetime(note.get("at") or ""):
        here = localtime(at)
        summary |= {"day": date_format(here, "DATE_FORMAT"), "time": date_format(here, "H:i T")}
    return str(OF_FILES[note["code"]] % summary)


def _number(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)
