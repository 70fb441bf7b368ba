"""A failure's sentence without what tells one record from another: equal ones have one cause."""

from __future__ import annotations

from django.db.models import Case, CharField, Func, Value, When
from django.db.models.functions import MD5, Coalesce, Left, NullIf

COMPARED = 300  # characters
# What tells one record from another in an otherwise equal sentence: e-mails, quotations, ids.
PARTICULARS = r"""[[:alnum:]._%+-]+@[[:alnum:].-]+|“[^”]*”|"[^"]*"|'[^']*'|[0-9]{4,}"""


def sentence() -> Func:
    """ "Customer … has no valid e-mail": for a result, whatever it is called."""
    told = Coalesce(NullIf("final_error", Value("")), "error")
    return Func(
        Left(told, COMPARED), Value(PARTICULARS), Value("…"), Value("g"),
        function="regexp_replace", output_field=CharField(),
    )  # fmt: skip


def digest() -> Case:
    """The sentence in twelve characters; nothing for a result without trouble."""
    return Case(
        When(error_code="", then=Value("")),
        default=Left(MD5(sentence()), 12),
        output_field=CharField(max_length=12),
    )
