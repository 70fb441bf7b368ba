"""When two failures have the same cause: the same code and, but for particulars, one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.models.sentences import sentence

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportResult


def with_sentence(results: QuerySet[ImportResult]) -> QuerySet[Any]:
    """Annotated with `sentence`, free of particulars; `cause` is its digest."""
    return results.annotate(sentence=sentence())
