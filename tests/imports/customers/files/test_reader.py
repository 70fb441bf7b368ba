"""What an operator sees for each kind of bad customer file: numbers 1 to 27 of bad-input.md."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

import pytest

from imports.customers.files.duplicates import IdRegister
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.limits import Checks
from imports.customers.files.reader import check_file
from tests.imports.customers.written import check, customer, envelope, read

if TYPE_CHECKING:
    from pathlib import Path

TWO = envelope(customer("1"), customer("2"))
WRAP = 'Put the customers into {"data": [ … ]}.'
AGAIN = "Export or copy the file again, or correct it there."
AS_UTF_8 = "Save it as UTF-8 and add it again."
AS_JSON = "Export the customers as JSON, CSV or XLSX, and add that file."
NDJSON = "a second JSON value begins here, as in NDJSON (one record on each line)."

# The number in bad-input.md, the file, and all that follows "customers.json" in the message.
UNREADABLE = [
    pytest.param(b"", ": the file is empty. Export it again.", id="1 empty"),
    pytest.param(
        b" \n\t\r\n ",
        ": the file holds nothing but white space. Export it again.",
        id="2 white space",
    ),
    pytest.param(
        b'{"data": [{"a": 1}, {"b": "',
        f", record 2 (line 1, byte 27): the file ends in the middle of this record. {AGAIN}",
        id="3 truncated in a record",
    ),
    pytest.param(
        b'{"data": [{"a": 1}',
        f", after record 1 (line 1, byte 19): the file ends before its list does. {AGAIN}",
        id="3 truncated behind a record",
    ),
    pytest.param(
        b'{"data": [{"a": "\xc3',
        f", record 1 (line 1, byte 18): the file ends in the middle of this record. {AGAIN}",
        id="3 truncated in a character",
    ),
    pytest.param(
        b'{"data": [\n{"a": 1},\n]}',
        ", after record 1 (line 2, byte 20): there is a comma after the last record. "
        "Remove that comma.",
        id="4 trailing comma in the list",
    ),
    pytest.param(
        TWO.decode().encode("utf-16"),
        f": it is text in UTF-16, and JSON is UTF-8. {AS_UTF_8}",
        id="11 UTF-16",
    ),
    pytest.param(
        TWO.decode().encode("utf-16-be"),
        f": it is text in UTF-16 or a binary file, and JSON is UTF-8. {AS_UTF_8}",
        id="11 UTF-16 without a mark",
    ),
    pytest.param(
        b'{"data": [{"a": 1}, {"b": "\xd6"}]}',
        ", record 2 (line 1, byte 28): the byte 0xD6 is not UTF-8; "
        f"the file looks like Latin-1 or Windows-1252. {AS_UTF_8}",
        id="12 Latin-1",
    ),
    *(
        pytest.param(
            f'{{"data":\n{value}}}'.encode(),
            f", line 2, byte 10: “data” holds {kind} where a list of customers belongs. {WRAP}",
            id=f"16 {kind}",
        )
        for value, kind in (('{"a": 1}', "an object"), ('"abc"', "a text"), ("null", "null"))
    ),
    pytest.param(
        b"null", f": the file holds null where a list of customers belongs. {WRAP}", id="16 bare"
    ),
    pytest.param(
        b'{"meta": 1, "households": []}',
        ": there is no list called “data” in it, but only the keys “meta”, “households”. "
        "Households go to an API of their own: choose that one.",
        id="16 another list",
    ),
    pytest.param(b'{"a": 1}\n{"a": 2}\n', f", line 2, byte 10: {NDJSON} {WRAP}", id="17 NDJSON"),
    pytest.param(
        b'{"data": [{"a": 1}]}\n{"data": []}',
        f", line 2, byte 22: {NDJSON} {WRAP}",
        id="17 NDJSON of whole files",
    ),
    *(
        pytest.param(
            content, ": its list of customers is empty. Remove the file.", id=f"18 {content!r}"
        )
        for content in (b"[]", b'{"data":[]}', b'{"data": [ ] }')
    ),
    pytest.param(
        b"{}", f": there is no list called “data” in it, but an empty object. {WRAP}", id="18 {}"
    ),
    pytest.param(
        b"PK\x03\x04 customers.json PK\x05\x06",
        ": it is a ZIP archive. Unpack it and add the files inside.",
        id="25 zip",
    ),
    pytest.param(
        b"\x89PNG\r\n\x1a\n\x00\x00",
        f": it is a PNG picture, despite its name. {AS_JSON}",
        id="25 PNG",
    ),
    pytest.param(
        b"PK\x03\x04 [Content_Types].xml xl/workbook.xml",
        ": it is an Excel workbook (XLSX), despite its name. Give it a name in .xlsx, then add "
        "it again.",
        id="25 XLSX",
    ),
    pytest.param(
        b"hello", f", line 1, byte 1: this is not JSON, at “hello”. {AGAIN}", id="no JSON at all"
    ),
    pytest.param(
        b'{"data": [{"a": 1}]} and more',
        ", line 1, byte 22: something follows the end of the list, at “and more”. Remove it.",
        id="more behind the end",
    ),
    pytest.param(
        b'{"data": [{"a": 1}], "data": []}',
        ", line 1, byte 30: a second list, “data”, stands beside “data”. "
        "Put all customers into one list.",
        id="two lists",
    ),
    pytest.param(
        b'{"data": [{"a": 1} {"a": 2}]}',
        ', after record 1 (line 1, byte 20): a comma or ] is missing, at “{"a": 2}]}”. ' + AGAIN,
        id="no comma between records",
    ),
]


@pytest.mark.parametrize(("content", "message"), UNREADABLE)
def test_an_unreadable_file_is_refused_with_its_place_and_a_remedy(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(UnreadableFile) as refused:
        check(tmp_path, content)
    assert str(refused.value) == "customers.json" + message


def test_4_a_trailing_comma_in_a_record_refuses_the_file_and_names_the_record(
    tmp_path: Path,
) -> None:
    # The standard library points at the comma or behind it, depending on its version.
    message = r"customers\.json, record 2 \(line 1, byte 2[89]\): this is not JSON, at “,?}]}”\. "
    with pytest.raises(UnreadableFile, match=message + re.escape(AGAIN)):
        check(tmp_path, b'{"data": [{"a": 1}, {"b": 2,}]}')


def test_10_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    assert check(tmp_path, b"\xef\xbb\xbf" + TWO).records == 2


def test_20_an_id_that_occurs_twice_is_reported_within_a_file_and_across_files(
    tmp_path: Path,
) -> None:
    register = IdRegister()
    first = check(
        tmp_path, envelope(customer("7"), customer("8"), customer("7")), register=register
    )
    second = check(tmp_path, envelope(customer("8")), name="more.json", register=register)
    assert list(map(str, first.duplicates)) == [
        "customers.json, record 3: the customer “7” is also record 1 of customers.json. "
        "Both will be sent, unless you remove one."
    ]
    assert list(map(str, second.duplicates)) == [
        "more.json, record 1: the customer “8” is also record 2 of customers.json. "
        "Both will be sent, unless you remove one."
    ]
    assert (first.refused, second.refused) == (0, 0)


@pytest.mark.parametrize("like", ["ab-å", " AB-Å", "AB-\u0041\u030a", "ＡＢ-Å"])
def test_21_ids_that_only_look_alike_are_reported_as_such(tmp_path: Path, like: str) -> None:
    verdict = check(tmp_path, envelope(customer("AB-Å"), customer(like)))
    assert list(map(str, verdict.duplicates)) == [
        f"customers.json, record 2: the customer “{like}” differs only by case, space or Unicode "
        "form from record 1 of customers.json. Both will be sent, unless you remove one."
    ]


def test_a_file_shows_count_size_and_digest(tmp_path: Path) -> None:
    verdict = check(tmp_path, TWO)
    assert (verdict.records, verdict.size) == (2, len(TWO))
    assert verdict.sha256 == hashlib.sha256(TWO).hexdigest()
    assert str(verdict.summary()) == "2 customers"


def test_a_verdict_counts_all_and_lists_the_first_hundred(tmp_path: Path) -> None:
    bad = [customer(None)] * 150
    verdict = check(tmp_path, envelope(customer("1"), customer("1"), *bad))
    assert (verdict.refused, len(verdict.refusals)) == (150, 100)
    assert str(verdict.summary()) == "152 customers, 150 cannot be sent, 1 duplicate"


def test_keys_beside_the_list_are_said_not_to_be_sent(tmp_path: Path) -> None:
    verdict = check(tmp_path, b'{"meta": {"a": [1]}, "data": [' + customer().encode() + b"]}")
    assert list(map(str, verdict.warnings)) == [
        "customers.json: “meta” beside the list is not sent."
    ]


def test_a_bare_list_and_the_apis_own_envelope_are_read_too(tmp_path: Path) -> None:
    checks = Checks(envelope="households", id_paths=("id",))
    for content in (
        b'[{"id": "1"}]',
        b'{"households": [{"id": "1"}]}',
        b'{"data": [{"id": "1"}]}',
    ):
        assert [record.key for record in read(tmp_path, content, checks)] == ["1"]


def test_a_file_that_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"gone\.json: it cannot be read \(No such file"):
        check_file(tmp_path / "gone.json", "gone.json", Checks())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match=r"pipe: it is not a regular file\. Choose a file\."):
        check_file(tmp_path / "pipe", "pipe", Checks())


def test_a_hostile_file_name_cannot_break_the_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"^a\\nb\.json: the file is empty"):
        check(tmp_path, b"", name="a\nb.json")
