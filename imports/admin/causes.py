"""Failures by cause: the same code and, but for names and numbers, the same sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Count, Min, Q
from django.utils.translation import gettext_lazy as _

from imports.customers.entries import filter_code
from imports.customers.mapping import BadMapping
from imports.customers.setup import mapping_of
from imports.ledger.causes import with_sentence
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise

    from imports.models import ImportJob

MOST_CAUSES = 50
GROUPED_BY = ("error_code", "cause", "status")
TROUBLE = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Who must act on a code, and how."""

    who: _StrOrPromise
    text: _StrOrPromise


YOU, API_SIDE = _("You"), _("Whoever runs the API")
CORRECT = Remedy(
    YOU, _("Correct the data: “Fix and send again” for one, a corrected retry file for many.")
)
LOOK_UP = Remedy(YOU, _("Look in the API whether they arrived, then decide about them here."))
NOT_UP = Remedy(API_SIDE, _("Nothing was sent. Retry when the API can be reached."))
WRONG_URL = Remedy(YOU, _("The API’s URL is wrong. Correct it, then retry."))
OVERLOADED = Remedy(API_SIDE, _("The API was overloaded. Retry later, with fewer at once."))
REMEDIES: Mapping[str, Remedy] = {
    "HTTP_400": CORRECT,
    "HTTP_403": Remedy(API_SIDE, _("The credential lacks a right. Ask for it, then retry.")),
    "HTTP_404": WRONG_URL,
    "HTTP_405": WRONG_URL,
    "HTTP_413": Remedy(YOU, _("Give the API smaller batches, then import the retry files.")),
    "HTTP_415": WRONG_URL,
    "HTTP_422": CORRECT,
    "HTTP_500": Remedy(API_SIDE, _("The API itself failed. Retry when it is well again.")),
    "HTTP_502": OVERLOADED,
    "HTTP_503": OVERLOADED,
    "HTTP_504": OVERLOADED,
    "FAILED": Remedy(API_SIDE, _("Nothing was stored. Retry, later or with fewer at once.")),
    "ERROR": CORRECT,
    "CONFLICT": Remedy(YOU, _("The customer exists. Make it an update, or exclude it.")),
    "NOT_FOUND": Remedy(YOU, _("There is no such customer. Make it a creation, or exclude it.")),
    "DNS_FAILED": Remedy(YOU, _("Check the host in the API’s URL, then retry.")),
    "CONNECTION_REFUSED": NOT_UP,
    "CONNECT_TIMEOUT": NOT_UP,
    "CONNECT_FAILED": NOT_UP,
    "TLS_FAILED": NOT_UP,
    "TIMEOUT": LOOK_UP,
    "CONNECTION_LOST": LOOK_UP,
    "ANSWER_CUT_SHORT": LOOK_UP,
    "ANSWER_UNREADABLE": LOOK_UP,
    "ANSWER_TOO_LARGE": LOOK_UP,
    "NOT_IN_ANSWER": LOOK_UP,
    "COUNT_DISAGREES": LOOK_UP,
    "FAILURE_UNNAMED": LOOK_UP,
    "REFUSAL_PROVES_NOTHING": LOOK_UP,
    "REDIRECTED": LOOK_UP,
    "WORKER_LOST": LOOK_UP,
    "CANCELLED": Remedy(YOU, _("They were never sent. Retry failed sends them.")),
    "NOT_ARRIVED": Remedy(YOU, _("Retry failed sends them again.")),
    "ALREADY_IMPORTED": Remedy(YOU, _("Nothing to do: they were imported in another job.")),
    "MAY_BE_IMPORTED": LOOK_UP,
    "IMPORTED_LATER": Remedy(
        YOU, _("Nothing to do: a newer version was imported. Insist if the older one is right.")
    ),
    "CORRECTED_SINCE": Remedy(YOU, _("Write the retry files again, then load those.")),
}


# Who must act on an API's own code, by the group that its mapping lists the code in.
OWN_CODES: Mapping[str, Remedy] = {
    "retryable": REMEDIES["FAILED"],
    "rolled_back": REMEDIES["FAILED"],
    "not_now": OVERLOADED,
    "permanent": CORRECT,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Records of a job with one cause. `waiting` of them are in no later round."""

    key: str
    status: str
    code: str
    sentence: str
    count: int
    waiting: int
    example: ImportResult
    remedy: Remedy | None

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


def causes(job: ImportJob, remedies: Mapping[str, Remedy] = REMEDIES) -> list[Cause]:
    """The job's failures by cause, the most frequent first. Two queries."""
    rows = list(
        trouble(job)
        .values(*GROUPED_BY)
        .annotate(
            count=Count("pk"),
            example=Min("pk"),
            waiting=Count("pk", filter=Q(retries__isnull=True)),
        )
        .order_by("-count", *GROUPED_BY)[:MOST_CAUSES]
    )
    some = ImportResult.objects.filter(pk__in=[row["example"] for row in rows])
    examples = {each.pk: each for each in with_sentence(some)}
    remedies = with_own_codes(job, remedies)
    return [_cause(row, examples[row["example"]], remedies) for row in rows]


def with_own_codes(job: ImportJob, remedies: Mapping[str, Remedy]) -> Mapping[str, Remedy]:
    """The remedies, and for the API's own codes who must act as its mapping lists them."""
    try:
        mapping = mapping_of(job.api) if job.api else None
    except BadMapping:
        mapping = None
    found = dict(remedies)
    for code, group in mapping.group_by_code.items() if mapping else ():
        own, name = OWN_CODES.get(group), filter_code(code, "")
        known = remedies.get(name)
        if own and (known is None or known.who != own.who):
            found[name] = own
    return found


def _cause(row: Mapping[str, Any], example: Any, remedies: Mapping[str, Remedy]) -> Cause:
    return Cause(
        key=f"{row['status']}.{row['cause']}.{row['error_code']}",
        status=row["status"],
        code=row["error_code"],
        sentence=example.sentence,
        count=row["count"],
        waiting=row["waiting"] if row["status"] != ResultStatus.EXCLUDED else 0,
        example=example,
        remedy=remedies.get(row["error_code"]),
    )


def of_cause(key: str) -> Q:
    """Those of one cause; none for a key that is no cause's."""
    status, _dot, rest = key.partition(".")
    cause, _dot, code = rest.partition(".")
    return Q(status=status, cause=cause, error_code=code)
