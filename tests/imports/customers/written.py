"""Customer files as tests write them: one customer, a file of them, what reading it comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imports.customers.files.limits import GK_CHECKS, Checks
from imports.customers.files.reader import FileCheck, check_file, read_records

if TYPE_CHECKING:
    from pathlib import Path

    from imports.customers.files.duplicates import IdRegister
    from imports.customers.files.validation import Record

NAME = "customers.json"


def customer(customer_id: object = "50000001000", **fields: object) -> str:
    """One GK person as JSON text; `fields` are put into the person."""
    person = {"customerId": customer_id, "firstName": "EMMA", "lastName": "BERG", **fields}
    record = {"changeType": "CREATE", "type": "PERSON", "person": person}
    return json.dumps(record, ensure_ascii=False)


def person_with(fragment: str) -> str:
    """One GK person whose fields are the JSON `fragment`, exactly as it is written."""
    return f'{{"changeType": "CREATE", "type": "PERSON", "person": {{{fragment}}}}}'


def envelope(*records: str) -> bytes:
    """A file of these records, in UTF-8."""
    return f'{{"data": [{", ".join(records)}]}}'.encode()


def check(
    folder: Path,
    content: bytes,
    *,
    name: str = NAME,
    checks: Checks = GK_CHECKS,
    register: IdRegister | None = None,
) -> FileCheck:
    """The verdict on a file with this content."""
    path = folder / name
    path.write_bytes(content)
    return check_file(path, name, checks, register)


def read(folder: Path, content: bytes, checks: Checks = GK_CHECKS) -> list[Record]:
    """All records of a file with this content."""
    path = folder / NAME
    path.write_bytes(content)
    return list(read_records(path, NAME, checks))
