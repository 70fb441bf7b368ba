"""What GK's API refuses is refused before it is sent; what is not documented, is not."""

from __future__ import annotations

from typing import Any

import pytest

from imports.customers.files.gk import gk_fault


def item(changes: dict[str, Any] | None = None, **person: Any) -> dict[str, Any]:
    return {
        "changeType": "CREATE",
        "type": "PERSON",
        "person": {"customerId": "1", **person},
        **(changes or {}),
    }


ADDRESS = {"city": "Lund", "contactPurposeTypeCode": "DEFAULT", "contactMethodTypeCode": "HOME"}
FAULTS = [
    (item({"changeType": None}), "BAD_CHANGE_TYPE", "changeType is missing"),
    (item({"changeType": "create"}), "BAD_CHANGE_TYPE", "changeType is “create”"),
    (item({"changeType": ["CREATE"]}), "BAD_CHANGE_TYPE", "changeType is a list"),
    (item({"type": "FIRM"}), "BAD_TYPE", "type is “FIRM”"),
    (
        item({"type": "ORGANIZATION"}),
        "NO_BODY",
        "there is no object “organization” in it, though its type is ORGANIZATION",
    ),
    (
        item({"person": []}),
        "NO_BODY",
        "there is no object “person” in it, though its type is PERSON",
    ),
    (item(customerId=5), "ID_NOT_TEXT", "person.customerId is 5, which is not text"),
    (
        item(customerId="1" * 41),
        "TOO_LONG",
        "person.customerId has 41 characters; the API takes 40",
    ),
    (
        item(username="u" * 256),
        "TOO_LONG",
        "person.username has 256 characters; the API takes 255",
    ),
    (item(firstName="Å" * 41), "TOO_LONG", "person.firstName has 41 characters; the API takes 40"),
    (item(lastName=7), "NOT_TEXT", "person.lastName is 7, which is not text"),
    (item(status="NEW"), "BAD_STATUS", "person.status is “NEW”"),
    (item(languageCode="SV"), "BAD_LANGUAGE", "person.languageCode is “SV”"),
    (item(languageCode="sv\n"), "BAD_LANGUAGE", "person.languageCode is “sv\\n”"),
    (item(birthday="1990-1-1"), "BAD_DATE", "person.birthday is “1990-1-1”, which is not a date"),
    (item(birthday=19900101), "BAD_DATE", "person.birthday is 19900101, which is not a date"),
    (
        item(addresses=[ADDRESS, {**ADDRESS, "city": ""}]),
        "MISSING_FIELD",
        "person.addresses.1.city is missing",
    ),
    (
        item(customerCards=[{"number": "1", "type": "GOLD"}]),
        "BAD_CARD_TYPE",
        "person.customerCards.0.type is “GOLD”",
    ),
]


@pytest.mark.parametrize(("record", "code", "what"), FAULTS)
def test_what_the_api_refuses_is_named(record: dict[str, Any], code: str, what: str) -> None:
    fault = gk_fault(record)
    assert fault is not None
    assert (fault.code, str(fault.what)) == (code, what)
    assert fault.remedy


@pytest.mark.parametrize(
    "record",
    [
        item(),
        item({"changeType": "DELETE"}),
        item({"unknown": {"x": 1}}, alsoUnknown=[1]),
        item(customerId="1" * 40, firstName="Å" * 40, birthday="2024-02-29", languageCode="sv"),
        item(birthday="1990-01-31T00:00:00Z", status=None, languageCode=None),
        item(addresses=[ADDRESS], customerCards=[{"number": "1"}, {"type": "MAIN_CARD"}]),
        {"changeType": "UPSERT", "type": "ORGANIZATION", "organization": {"customerId": "1"}},
    ],
)
def test_what_the_api_documents_passes(record: dict[str, Any]) -> None:
    assert gk_fault(record) is None
