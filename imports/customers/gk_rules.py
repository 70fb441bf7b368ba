"""What the GK customers-import API refuses in a record. Only what it documents; more is welcome.

Source: facts on the GK API. Identity is checked for every API alike, in records.py.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from imports.customers.unreadable import Fault, shown

CHANGE_TYPES = ("CREATE", "UPDATE", "UPSERT", "DELETE")
KINDS = ("PERSON", "ORGANIZATION")  # their fields are in "person" and "organization"
STATUSES = ("UNACTIVATED", "ACTIVE", "DELETED", "LOCKED_BY_SECURITY")
CARD_TYPES = ("MAIN_CARD", "PARTNER_CARD", "BUSINESS_NUMBER")
LONGEST_IDS = {"customerId": 40, "username": 255}  # characters
LONGEST_NAMES = {"firstName": 40, "lastName": 40}  # characters
ADDRESS_FIELDS = ("city", "contactPurposeTypeCode", "contactMethodTypeCode")

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
        what = f"there is no object “{name}” in it, though its type is {kind}"
        return Fault("NO_BODY", what, f"Put the customer's fields into “{name}”")
    fault = _text_fault(name, body, LONGEST_IDS, "ID_NOT_TEXT")
    if name == "person":
        fault = fault or _person_fault(body)
    return fault or _address_fault(name, body) or _card_fault(name, body)


def _person_fault(person: dict[str, Any]) -> Fault | None:
    status, language = person.get("status"), person.get("languageCode")
    if status is not None and status not in STATUSES:
        return _not_listed("BAD_STATUS", "person.status", status, STATUSES)
    if language is not None and not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
        what = f"person.languageCode is {_quoted(language)}"
        return Fault("BAD_LANGUAGE", what, "Use two lower-case letters, such as sv")
    birthday = person.get("birthday")
    if birthday is not None and not _is_date(birthday):
        what = f"person.birthday is {_quoted(birthday)}, which is not a date"
        return Fault("BAD_DATE", what, "Use a date that exists, as YYYY-MM-DD")
    return _text_fault("person", person, LONGEST_NAMES, "NOT_TEXT")


def _text_fault(
    where: str, body: dict[str, Any], longest: dict[str, int], not_text: str
) -> Fault | None:
    for field, limit in longest.items():
        text = body.get(field)
        if text is None:
            continue
        if not isinstance(text, str):
            what = f"{where}.{field} is {_quoted(text)}, which is not text"
            return Fault(not_text, what, "Write it as text, in quotes")
        if len(text) > limit:
            what = f"{where}.{field} has {len(text):,} characters; the API takes {limit}"
            return Fault("TOO_LONG", what, "Shorten it")
    return None


def _address_fault(where: str, body: dict[str, Any]) -> Fault | None:
    for index, address in enumerate(_entries(body, "addresses")):
        for field in ADDRESS_FIELDS:
            if isinstance(address, dict) and not address.get(field):
                what = f"{where}.addresses.{index}.{field} is missing"
                return Fault("MISSING_FIELD", what, "Fill it in")
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
    what = f"{path} is missing" if value is None else f"{path} is {_quoted(value)}"
    return Fault(code, what, f"Use one of {', '.join(allowed)}")


def _is_date(value: object) -> bool:
    """A real day, alone or in front of a time."""
    if not isinstance(value, str) or not _DATE.match(value) or value[10:11] not in ("", "T"):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _quoted(value: object) -> str:
    match value:
        case str():
            return f"“{shown(value)}”"
        case bool():
            return str(value).lower()
        case int() | float():
            return shown(str(value))
        case dict() | list():
            return "an object" if isinstance(value, dict) else "a list"
        case _:
            return "null"
