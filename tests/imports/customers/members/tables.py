"""Member files and record templates to order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.customers.members.delimited import Form, Row, find_form, rows
from imports.customers.members.template import Template, read
from imports.models import RecordTemplate

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import CustomerApi

HEADINGS = ("Kundnr", "Förnamn", "Efternamn", "Född", "E-post", "Status")
FIELDS: list[dict[str, Any]] = [
    {"path": "changeType", "constant": "UPSERT"},
    {"path": "type", "constant": "PERSON"},
    {"path": "person.customerId", "column": "Kundnr", "empty": "refuse"},
    {"path": "person.firstName", "column": "Förnamn"},
    {"path": "person.lastName", "column": "Efternamn"},
    {"path": "person.birthday", "column": "Född", "type": "date", "format": "dd.mm.yyyy"},
    {"path": "person.status", "column": "Status", "values": {"A": "ACTIVE", "": "UNACTIVATED"}},
    {"path": "person.emails.0.email", "column": "E-post"},
    {"path": "person.emails.0.defaultEmail", "constant": True},
]
DOCUMENT: dict[str, Any] = {"fields": FIELDS}


def member(n: int, **changes: str) -> list[str]:
    """The n-th member's cells."""
    cells = {
        "Kundnr": str(50000001000 + n), "Förnamn": "ÅSA", "Efternamn": f"SJÖBERG-{n}",
        "Född": f"{1 + n % 28:02}.{1 + n % 12:02}.{1940 + n % 60}",
        "E-post": f"asa.{n}@example.se", "Status": "A",
    }  # fmt: skip
    return list((cells | changes).values())


def text(*members: list[str], separator: str = ";", ending: str = "\r\n") -> str:
    """A CSV with the heading and these members; no cell needs quotes."""
    return "".join(separator.join(cells) + ending for cells in [list(HEADINGS), *members])


def written(folder: Path, content: str | bytes, name: str = "members.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(path: Path) -> tuple[Form, list[Row]]:
    """How a delimited file is written, and its rows."""
    form = find_form(path, path.name)
    return form, list(rows(path, path.name, form))


def template_of(*fields: dict[str, Any], **settings: Any) -> Template:
    """A template of these fields."""
    return read({"fields": list(fields), **settings})


def saved(
    api: CustomerApi, name: str = "Members", headings: list[str] | None = None, **document: Any
) -> RecordTemplate:
    """A stored record template for these member files."""
    found: RecordTemplate = RecordTemplate.objects.create(
        api=api, name=name, document=DOCUMENT | document, headings=headings or list(HEADINGS)
    )
    return found
