"""Sample input: Swedish customers with ids from 50000001000, and a CSV of the sandbox portal's
accounts.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FIRST_CUSTOMER_ID = 50000001000

FIRST_NAMES = (
    "EMMA", "LARS", "ÅSA", "ERIK", "MÄRTA", "GÖRAN", "INGRID", "BJÖRN", "SAGA", "NILS",
    "LÄRKA", "OLOF", "ÅKE", "KARIN", "SÖREN", "ALVA", "PÄR", "ELSA", "JÖRGEN", "MAJA",
    "ANNA-KARIN", "VIGGO", "RENÉE",
)  # fmt: skip
LAST_NAMES = (
    "SJÖBERG", "ANDERSSON", "ÅKESSON", "LINDSTRÖM", "HÄGGLUND", "NYSTRÖM", "BJÖRKLUND", "EK",
    "ÖBERG", "MÅRTENSSON", "SÖDERSTRÖM", "WALLÉN", "DAHL", "ÅHLÉN", "GRÄNS", "VON ESSEN",
    "HOLMQVIST", "SJÖSTRAND-ÖST", "LÖFGREN",
)  # fmt: skip
CITIES = (
    ("STOCKHOLM", "11122"), ("GÖTEBORG", "41103"), ("MALMÖ", "21119"), ("ÖREBRO", "70210"),
    ("VÄSTERÅS", "72211"), ("LULEÅ", "97231"), ("JÖNKÖPING", "55315"), ("ÅRE", "83013"),
)  # fmt: skip
STREETS = ("STORGATAN", "ÅGATAN", "KÖPMANGATAN", "BJÖRKVÄGEN", "SÖDRA ALLÉN", "KYRKVÄGEN")
TOP_LEVEL_FIELDS = ("changeType", "type", "person", "organization")
PLAIN = str.maketrans("ÅÄÖÉ ", "AAOE.")

FILE_STYLES: tuple[dict[str, Any], ...] = (
    {"indent": 2, "ensure_ascii": False},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": "\t", "ensure_ascii": True},
    {"separators": (" , ", " : "), "ensure_ascii": False},
)


def customer_id(n: int) -> str:
    """The id of the n-th sample customer, counted from 0."""
    return str(FIRST_CUSTOMER_ID + n)


def customer(n: int, **overrides: Any) -> dict[str, Any]:
    """The n-th sample customer, always the same one.

    An override named changeType, type, person or organization replaces a top-level field, any
    other one a field of the person; None takes the field away.
    """
    record: dict[str, Any] = {"changeType": "CREATE", "type": "PERSON", "person": person(n)}
    for name, value in overrides.items():
        target = record if name in TOP_LEVEL_FIELDS else record["person"]
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return record


def person(n: int) -> dict[str, Any]:
    first, last = FIRST_NAMES[n % len(FIRST_NAMES)], LAST_NAMES[n % len(LAST_NAMES)]
    number = FIRST_CUSTOMER_ID + n
    mailbox = f"{first}.{last}.{number % 10**7}".translate(PLAIN).lower()
    return {
        "customerId": str(number),
        "status": "UNACTIVATED",
        "firstName": first,
        "lastName": last,
        "username": mailbox,
        "birthday": f"{1940 + n % 65}-{1 + n % 12:02}-{1 + n % 28:02}",
        "languageCode": "sv",
        "addresses": [address(n)],
        "emails": [
            {
                "email": f"{mailbox}@example.se",
                "defaultEmail": True,
                "contactPurposeTypeCode": "PRIVATE",
                "contactMethodTypeCode": "EMAIL",
            }
        ],
        "phones": [{"number": f"+46 70-17406{5 + n % 95:02}", "contactMethodTypeCode": "MOBILE"}],
        "customerCards": [{"number": f"9752{number}", "type": "MAIN_CARD", "scope": "GLOBAL"}],
    }


def address(n: int) -> dict[str, str]:
    city, postal_code = CITIES[n % len(CITIES)]
    return {
        "street": f"{STREETS[n % len(STREETS)]} {1 + n % 99}",
        "postalCode": postal_code,
        "city": city,
        "countryCode": "SE",
        "contactPurposeTypeCode": "PRIVATE",
        "contactMethodTypeCode": "HOME",
    }


def write_files(
    directory: Path, customers: int = 1000, per_file: int = 250, first: int = 0, **overrides: Any
) -> list[Path]:
    """Write customers `first`, `first` + 1, … into files {"data": [...]}; their paths, in order.

    The files differ in white space and in the order of fields, and one in four spells å as
    \\u00e5, because real ones do: whoever keeps records byte for byte shows it here. Overrides
    go to every customer. One record is in memory at a time.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, start in enumerate(range(first, first + customers, per_file)):
        path = directory / f"customers_{number + 1:02}.json"
        numbers = range(start, min(start + per_file, first + customers))
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces(numbers, FILE_STYLES[number % len(FILE_STYLES)], overrides))
        paths.append(path)
    return paths


def pieces(numbers: range, style: dict[str, Any], overrides: dict[str, Any]) -> Iterator[str]:
    """The text of one file, a record at a time."""
    encode = json.JSONEncoder(**style).encode
    end = "\r\n" if style.get("indent") == "\t" else "\n"
    yield f'{{"data": [{end}'
    for n in numbers:
        text = encode(reordered(n, customer(n, **overrides))).replace("\n", end)
        yield text + ("" if n == numbers[-1] else f",{end}")
    yield f"{end}]}}{end}"


def reordered(n: int, record: dict[str, Any]) -> dict[str, Any]:
    """The same values, for every third customer with the fields in another order."""
    if n % 3 != 2 or not record.get("person"):
        return record
    fields = list(record["person"].items())
    at = n % len(fields)
    rotated = dict(fields[at:] + fields[:at])
    return {"person": rotated} | {name: record[name] for name in record if name != "person"}


DOMAIN = "example.test"
# What each goes through is in portal_scenarios: the one of "wrongpassword" is an old password.
NAMES = (
    "good1", "good2", "flaky1", "wrongpassword1", "locked1", "otp1",
    "inline1", "popup1", "blob1", "post1", "fortybills1", "otherbill1",
)  # fmt: skip
PASSWORD = "made-up-password"


def login_address(name: str) -> str:
    return f"{name}@{DOMAIN}"


def write_csv(path: Path, names: Iterable[str] = NAMES) -> Path:
    """One row for each name: e-mail, password, and an extra column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["email", "password", "cred_id"])
        rows.writerows(
            [login_address(name), PASSWORD, f"{n:05}"] for n, name in enumerate(names, 1)
        )
    return path
