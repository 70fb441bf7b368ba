from __future__ import annotations

import json
from typing import Any

import pytest

from config.dev.sandbox.gk_records import CUSTOMERS, HOUSEHOLDS, Record
from config.dev.sandbox.samples import address, customer

ORGANIZATION = {"customerId": "7001", "name": "Åkeriet AB"}


def read(*records: Any, envelope: str = "data") -> list[Record]:
    kind = CUSTOMERS if envelope == "data" else HOUSEHOLDS
    return kind.read(json.dumps({envelope: records}).encode())


@pytest.mark.parametrize(
    "record",
    [
        customer(0),
        customer(1, changeType="DELETE", firstName=None, lastName=None),
        customer(2, changeType="UPDATE", firstName=None),
        customer(3, customerId="x" * 40, firstName="y" * 40, username="z" * 255),
        customer(4, birthday=None, languageCode=None, status=None, addresses=[]),
        {"changeType": "CREATE", "type": "ORGANIZATION", "organization": ORGANIZATION},
    ],
)
def test_a_valid_customer_has_nothing_wrong_with_it(record: dict[str, Any]) -> None:
    assert [one.reason for one in read(record)] == [""]


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"changeType": "MERGE"}, "changeType"),
        ({"changeType": None}, "changeType"),
        ({"type": "ROBOT"}, "type"),
        ({"type": "ORGANIZATION"}, "type"),
        ({"person": None}, "type"),
        ({"customerId": None, "username": None, "emails": []}, "no customerId"),
        ({"customerId": "x" * 41}, "customerId"),
        ({"customerId": 50000001000}, "customerId"),
        ({"customerId": True}, "customerId"),
        ({"username": "x" * 256}, "username"),
        ({"firstName": ""}, "firstName"),
        ({"firstName": None}, "firstName"),
        ({"lastName": "x" * 41}, "lastName"),
        ({"lastName": "   "}, "lastName"),
        ({"status": "SLEEPING"}, "status"),
        ({"birthday": "2026-02-30"}, "birthday"),
        ({"birthday": "yesterday"}, "birthday"),
        ({"languageCode": "SV"}, "languageCode"),
        ({"languageCode": "sve"}, "languageCode"),
        ({"addresses": [address(1) | {"city": ""}]}, "city"),
        ({"addresses": [{"city": "ÅRE", "contactMethodTypeCode": "HOME"}]}, "contactPurpose"),
        ({"customerCards": [{"number": "1", "type": "GOLD"}]}, "customerCards"),
    ],
)
def test_an_invalid_customer_says_what_is_wrong(overrides: dict[str, Any], reason: str) -> None:
    good, bad = read(customer(1), customer(0, **overrides))
    assert good.reason == ""
    assert reason in bad.reason


def test_a_customer_is_named_by_id_else_username_else_default_email() -> None:
    emails = [{"email": "a@example.se"}, {"email": "b@example.se", "defaultEmail": True}]
    records = read(
        customer(0),
        customer(0, customerId=None),
        customer(0, customerId=None, username=None, emails=emails),
        customer(0, customerId=None, username=None, emails=emails[:1]),
    )
    assert [record.identity for record in records] == [
        "50000001000",
        "emma.sjoberg.1000",
        "b@example.se",
        "a@example.se",
    ]


def test_an_invalid_customer_keeps_its_name() -> None:
    (record,) = read(customer(0, status="SLEEPING"))
    assert record.identity == "50000001000"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "truncated"),
        (b'{"data": [', "truncated"),
        (b'{"data": [NaN]}', "invalid"),
        (b"[]", "a list"),
        (b'{"data": {}}', "a list"),
        (b'{"customers": []}', "a list"),
        (b'{"data": [1]}', "not an object"),
    ],
)
def test_a_body_that_is_no_list_of_objects_is_refused_as_a_whole(body: bytes, detail: str) -> None:
    with pytest.raises(ValueError, match=detail):
        CUSTOMERS.read(body)


def test_a_hundred_records_are_taken_and_one_more_is_not() -> None:
    records = [customer(n) for n in range(101)]
    assert len(read(*records[:100])) == 100
    with pytest.raises(ValueError, match="101 items"):
        read(*records)
    records[0]["type"] = "ROBOT"
    with pytest.raises(ValueError, match="101 items"):
        read(*records)


def test_a_household_is_named_apart_from_a_customer_of_that_id() -> None:
    good, bad = read(
        {"changeType": "CREATE", "householdId": "50000001000"},
        {"changeType": "CREATE"},
        envelope="households",
    )
    assert (good.identity, good.reason) == ("household:50000001000", "")
    assert "householdId" in bad.reason
