"""When two failures have the same cause: the same code and, but for particulars, one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Func, Value
from django.db.models.functions import MD5, Coalesce, Left, NullIf

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportResult

SENTENCE_COMPARED = 300  # characters
# What tells one record from another in an otherwise equal sentence: e-mails, quotations, ids.
PARTICULARS = r"""[[:alnum:]._%+-]+@[[:alnum:].-]+|“[^”]*”|"[^"]*"|'[^']*'|[0-9]{4,}"""


def with_cause(results: QuerySet[ImportResult]) -> QuerySet[Any]:
    """Annotated with `sentence`, free of particulars, and its `digest`."""
    told = Coalesce(NullIf("final_error", Value("")), "error")
    sentence = Func(
        Left(told, SENTENCE_COMPARED), Value(PARTICULARS), Value("…"), Value("g"),
        function="regexp_replace", output_field=CharField(),
    )  # fmt: skip
    return results.annotate(sentence=sentence, digest=Left(MD5("sentence"), 12))
