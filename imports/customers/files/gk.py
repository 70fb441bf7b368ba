"""What the GK customers-import API refuses in a record. Only what it documents; more is welcome.

Source: facts on the GK API. Identity is checked for every API alike, in records.py.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from imports.customers.files.errors import Fault, shown
from imports.customers.files.record_names import A_LIST, AN_OBJECT, SHORTEN, WRITE_AS_TEXT
from imports.messages import Text, sentence
from imports.messages import marked as _

MISSING = sentence("FIELD_MISSING", _("{path} is missing"))
IS_VALUE = sentence("FIELD_IS_VALUE", _("{path} is {value}"))
USE_ONE_OF = sentence("USE_ONE_OF", _("Use one of {allowed}"))
NO_BODY = sentence("NO_BODY", _("there is no object “{path}” in it, though its type is {kind}"))
FILL_BODY = sentence("FILL_BODY", _("Put the customer's fields into “{path}”"))
TWO_LETTERS = sentence("TWO_LETTERS", _("Use two lower-case letters, such as sv"))
NO_DATE = sentence("NO_DATE", _("{path} is {value}, which is not a date"))
USE_A_DATE = sentence("USE_A_DATE", _("Use a date that exists, as YYYY-MM-DD"))
NO_TEXT = sentence("NO_TEXT", _("{path} is {value}, which is not text"))
TOO_LONG = sentence("FIELD_TOO_LONG", _("{path} has {n} characters; the API takes {most}"))
FILL_IN = sentence("FILL_IN", _("Fill it in"))
CHANGE_TYPES = ("CREATE", "UPDATE", "UPSERT", "DELETE")
KINDS = ("PERSON", "ORGANIZATION")  # their fields are in "person" and "organization"
STATUSES = ("UNACTIVATED", "ACTIVE", "DELETED", "LOCKED_BY_SECURITY")
CARD_TYPES = ("MAIN_CARD", "PARTNER_CARD", "BUSINESS_NUMBER")
LONGEST_IDS = {"customerId": 40, "username": 255}  # characters
LONGEST_NAMES = {"firstName": 40, "lastName": 40}  # characters
ADDRESS_FIELDS = ("city", "contactPurposeTypeCode", "contactMethodTypeCode")

Filled = Annotated[str, msgspec.Meta(min_length=1)]
Name = Annotated[str, msgspec.Meta(max_length=40)]


# GK's names, as they stand in a record.


class _Address(msgspec.Struct, gc=False):
    city: Filled
    contactPurposeTypeCode: Filled
    contactMethodTypeCode: Filled


class _Card(msgspec.Struct, gc=False):
    type: Literal[CARD_TYPES] | None = None  # type: ignore[valid-type]


class _Body(msgspec.Struct, gc=False):
    customerId: Name | None = None
    username: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    addresses: list[_Address] = []
    customerCards: list[_Card] = []


class _Person(_Body, gc=False):
    status: Literal[STATUSES] | None = None  # type: ignore[valid-type]
    languageCode: Annotated[str, msgspec.Meta(pattern=r"\A[a-z]{2}\Z")] | None = None
    birthday: date | None = None
    firstName: Name | None = None
    lastName: Name | None = None


class _OfPerson(msgspec.Struct, gc=False, tag_field="type", tag="PERSON"):
    changeType: Literal[CHANGE_TYPES]  # type: ignore[valid-type]
    person: _Person


class _OfOrganization(msgspec.Struct, gc=False, tag_field="type", tag="ORGANIZATION"):
    changeType: Literal[CHANGE_TYPES]  # type: ignore[valid-type]
    organization: _Body


# Of a decoded record that is of this type, `gk_fault` finds none; it may find none in others, too.
GkRecord = _OfPerson | _OfOrganization

_LANGUAGE = re.compile(r"[a-z]{2}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def gk_fault(record: dict[str, Any]) -> Fault | None:
    """The first thing in a decoded record that the API refuses, or None."""
    change, kind = record.get("changeType"), record.get("type")
    if change not in CHANGE_TYPES:
        return _not_listed("BAD_CHANGE_TYPE", "changeType", change, CHANGE_TYPES)
    if kind not in KINDS:
        return _not_listed("BAD_TYPE", "type", kind, KINDS)
    name = kind.lower()
    body = record.get(name)
    if not isinstance(body, dict):
        what = NO_BODY.format(path=name, kind=kind)
        return Fault("NO_BODY", what, FILL_BODY.format(path=name))
    fault = _text_fault(name, body, LONGEST_IDS, "ID_NOT_TEXT")
    if name == "person":
        fault = fault or _person_fault(body)
    return fault or _address_fault(name, body) or _card_fault(name, body)


def _person_fault(person: dict[str, Any]) -> Fault | None:
    status, language = person.get("status"), person.get("languageCode")
    if status is not None and status not in STATUSES:
        return _not_listed("BAD_STATUS", "person.status", status, STATUSES)
    if language is not None and not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
        what = IS_VALUE.format(path="person.languageCode", value=_quoted(language))
        return Fault("BAD_LANGUAGE", what, TWO_LETTERS)
    birthday = person.get("birthday")
    if birthday is not None and not _is_date(birthday):
        what = NO_DATE.format(path="person.birthday", value=_quoted(birthday))
        return Fault("BAD_DATE", what, USE_A_DATE)
    return _text_fault("person", person, LONGEST_NAMES, "NOT_TEXT")


def _text_fault(
    where: str, body: dict[str, Any], longest: dict[str, int], not_text: str
) -> Fault | None:
    for field, limit in longest.items():
        text = body.get(field)
        if text is None:
            continue
        if not isinstance(text, str):
            what = NO_TEXT.format(path=f"{where}.{field}", value=_quoted(text))
            return Fault(not_text, what, WRITE_AS_TEXT)
        if len(text) > limit:
            what = TOO_LONG.format(path=f"{where}.{field}", n=len(text), most=limit)
            return Fault("TOO_LONG", what, SHORTEN)
    return None


def _address_fault(where: str, body: dict[str, Any]) -> Fault | None:
    for index, address in enumerate(_entries(body, "addresses")):
        for field in ADDRESS_FIELDS:
            if isinstance(address, dict) and not address.get(field):
                what = MISSING.format(path=f"{where}.addresses.{index}.{field}")
                return Fault("MISSING_FIELD", what, FILL_IN)
    return None


def _card_fault(where: str, body: dict[str, Any]) -> Fault | None:
    for index, card in enumerate(_entries(body, "customerCards")):
        kind = card.get("type") if isinstance(card, dict) else None
        if kind is not None and kind not in CARD_TYPES:
            path = f"{where}.customerCards.{index}.type"
            return _not_listed("BAD_CARD_TYPE", path, kind, CARD_TYPES)
    return None


def _entries(body: dict[str, Any], field: str) -> list[Any]:
    entries = body.get(field)
    return entries if isinstance(entries, list) else []


def _not_listed(code: str, path: str, value: object, allowed: tuple[str, ...]) -> Fault:
    what = MISSING.format(path=path)
    if value is not None:
        what = IS_VALUE.format(path=path, value=_quoted(value))
    return Fault(code, what, USE_ONE_OF.format(allowed=", ".join(allowed)))


def _is_date(value: object) -> bool:
    """A real day, alone or in front of a time."""
    if not isinstance(value, str) or not _DATE.match(value) or value[10:11] not in ("", "T"):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _quoted(value: object) -> Text:
    match value:
        case str():
            return f"“{shown(value)}”"
        case bool():
            return str(value).lower()
        case int() | float():
            return shown(str(value))
        case dict() | list():
            return AN_OBJECT if isinstance(value, dict) else A_LIST
        case _:
            return "null"
