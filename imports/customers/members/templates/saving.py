"""Stores a record template as the next version of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from imports.customers.members.templates.template import as_json
from imports.models import RecordTemplate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.members.templates.template import Template
    from imports.models import CustomerApi


class Overtaken(Exception):
    """Somebody has saved this version before."""


def current(name: str) -> RecordTemplate | None:
    """The latest version of the template of that name."""
    return RecordTemplate.objects.filter(name=name, is_current=True).first()


def save_version(
    name: str, api: CustomerApi, template: Template, headings: Sequence[str], actor: str, *,
    after: RecordTemplate | None,
) -> RecordTemplate:  # fmt: skip
    """The version that follows `after`, or the first one. Raises Overtaken if that is there."""
    new = RecordTemplate(
        name=name,
        version=after.version + 1 if after else 1,
        api=api,
        document=as_json(template),
        headings=list(headings) or list(template.headings),
        created_by=actor,
    )
    try:
        with transaction.atomic():
            RecordTemplate.objects.filter(name=name).update(is_current=False)
            new.save(force_insert=True)
    except IntegrityError:
        raise Overtaken from None
    return new
