"""What becomes of single bad records: refused with a sentence, or sent with a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.customers.files.limits import Checks
from tests.imports.customers.written import check, customer, envelope, person_with, read

if TYPE_CHECKING:
    from pathlib import Path

DEEP = "[" * 100_000 + "]" * 100_000
NUMBER_REMEDY = "Write long identifiers as text, in quotes."
REFUSED = [
    pytest.param(
        '"x": NaN', "BAD_NUMBER", "NaN is not a JSON number. Use a number or null.", id="5"
    ),
    pytest.param(
        '"x": 1e999',
        "BAD_NUMBER",
        "the number 1e999 is too large for any receiver. Write it as text or correct it.",
        id="6",
    ),
    pytest.param(
        '"a": 1, "\\u0061": 2',
        "DUPLICATE_KEY",
        "the key “a” is given twice in one object. Keep the right one and remove the other.",
        id="7",
    ),
    pytest.param(
        f'"x": {DEEP}',
        "TOO_DEEP",
        "it is nested more than 100 levels deep. Correct the export; "
        "no customer is nested this deeply.",
        id="8",
    ),
    pytest.param(
        f'"x": {"7" * 5000}',
        "BAD_NUMBER",
        f"a number has 5,000 characters. {NUMBER_REMEDY}",
        id="9",
    ),
    pytest.param(
        '"x": "\\ud800"',
        "BAD_TEXT",
        "person.x contains half a character (a lone surrogate, \\ud800). "
        "Write the text again in the source system.",
        id="13",
    ),
    pytest.param(
        '"x": ["\\u0000"]',
        "BAD_TEXT",
        "person.x.0 contains the character NUL (\\u0000). Remove it: databases refuse it.",
        id="14",
    ),
    pytest.param(
        '"birthday": "2026-02-30"',
        "BAD_DATE",
        "person.birthday is “2026-02-30”, which is not a date. "
        "Use a date that exists, as YYYY-MM-DD.",
        id="22",
    ),
    pytest.param(
        f'"x": "{"y" * 10_000_000}"',
        "TOO_LARGE",
        "it has 10,000,082 bytes, and at most 1,048,576 can be sent. Shorten it, or leave it out.",
        id="23",
    ),
]


@pytest.mark.parametrize(("fragment", "code", "sentence"), REFUSED)
def test_a_bad_record_is_refused_with_its_position_and_its_neighbours_are_not(
    tmp_path: Path, fragment: str, code: str, sentence: str
) -> None:
    bad = person_with(f'"customerId": "2", {fragment}')
    records = read(tmp_path, envelope(customer("1"), bad, customer("3")))
    refusals = [record.refusal for record in records]
    assert refusals[0] is refusals[2] is None
    assert refusals[1] is not None
    assert refusals[1].code == code
    assert refusals[1].sentence == f"customers.json, record 2: {sentence}"
    assert records[1].raw == bad.encode()


def test_15_a_number_that_loses_digits_is_sent_with_a_warning(tmp_path: Path) -> None:
    long = person_with('"customerId": "1", "x": 12345678901234567891, "y": 0.25')
    verdict = check(tmp_path, envelope(long))
    assert list(map(str, verdict.warnings)) == [
        "customers.json, record 1: the number 12345678901234567891 has more digits than most "
        "receivers keep; it is sent unchanged. Write long identifiers as text."
    ]
    assert verdict.refused == 0


def test_16_elements_that_are_no_objects_are_refused_one_by_one(tmp_path: Path) -> None:
    verdict = check(tmp_path, envelope("null", '"x"', "[]", "3", "true", customer()))
    assert [refusal.code for refusal in verdict.refusals] == ["NOT_AN_OBJECT"] * 5
    assert verdict.refusals[1].sentence == (
        "customers.json, record 2: it is the text “x”, not an object. "
        "Make it an object with the customer's fields."
    )
    assert verdict.sendable == 1


def test_19_true_as_an_id_is_refused(tmp_path: Path) -> None:
    verdict = check(tmp_path, envelope(customer(customer_id=True)))
    assert verdict.refusals[0].sentence == (
        "customers.json, record 1: person.customerId is true, which is not text. "
        "Write it as text, in quotes."
    )


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "../../x", "=cmd()"])
def test_24_a_hostile_id_is_only_text(tmp_path: Path, hostile: str) -> None:
    (record,) = read(tmp_path, envelope(customer(hostile, firstName=hostile)))
    assert (record.key, record.refusal, record.warnings) == (hostile, None, ())


def test_26_text_that_looks_encoded_twice_is_warned_about_and_not_altered(tmp_path: Path) -> None:
    content = envelope(customer("1"), customer("2", lastName="SJÃ\u2013BERG"))
    record = read(tmp_path, content)[1]
    assert tuple(map(str, record.warnings)) == (
        "customers.json, record 2: person.lastName “SJÃ\u2013BERG” looks encoded twice and would "
        "read “SJÖBERG”. It is sent unchanged: correct the file if it is wrong.",
    )
    assert record.raw == customer("2", lastName="SJÃ\u2013BERG").encode()
    assert record.refusal is None


def test_27_a_record_above_the_apis_limit_in_bytes_is_refused(tmp_path: Path) -> None:
    checks = Checks(id_paths=("id",), max_batch_bytes=100)
    small, large = '{"id": "1"}', '{"id": "2", "x": "' + "y" * 80 + '"}'
    records = read(tmp_path, envelope(small, large), checks)
    assert records[0].refusal is None
    assert records[1].refusal is not None
    assert records[1].refusal.sentence == (
        "customers.json, record 2: it has 100 bytes, and at most 86 can be sent. "
        "Shorten it, or leave it out."
    )


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_record_without_any_name_is_refused(tmp_path: Path, blank: str | None) -> None:
    checks = Checks(id_paths=("person.customerId",), email_paths=("person.emails.0.email",))
    (record,) = read(tmp_path, envelope(customer(blank)), checks)
    assert record.refusal is not None
    assert record.refusal.sentence == (
        "customers.json, record 1: it has no customer id, user name or e-mail. "
        "Fill in one of person.customerId, person.emails.0.email."
    )


def test_the_name_is_the_id_else_the_user_name_else_the_email(tmp_path: Path) -> None:
    emails = [{"email": "a@b.se"}]
    records = read(
        tmp_path,
        envelope(
            customer("1", username="u", emails=emails),
            customer(None, username="u", emails=emails),
            customer(None, emails=emails),
        ),
    )
    assert [record.key for record in records] == ["1", "u", "a@b.se"]
    assert {record.email for record in records} == {"a@b.se"}


def test_an_api_that_names_records_otherwise_needs_no_id(tmp_path: Path) -> None:
    checks = Checks(id_paths=("id",), id_required=False)
    (record,) = read(tmp_path, b'[{"name": "x"}]', checks)
    assert (record.key, record.refusal) == ("", None)


def test_a_whole_number_is_a_name_where_the_api_does_not_forbid_it(tmp_path: Path) -> None:
    (record,) = read(tmp_path, b'[{"id": 17}]', Checks(id_paths=("id",)))
    assert (record.key, record.refusal) == ("17", None)


def test_a_name_too_long_to_index_is_refused_and_shortened(tmp_path: Path) -> None:
    content = f'[{{"id": "{"x" * 400}"}}]'.encode()
    (record,) = read(tmp_path, content, Checks(id_paths=("id",)))
    assert record.refusal is not None
    assert record.refusal.code == "TOO_LONG"
    assert record.key == "x" * 320


def test_the_name_of_a_refused_record_can_be_stored(tmp_path: Path) -> None:
    content = rb'[{"id": "a\u0000b"}, {"id": "a\ud800b"}, {"id": "c", "x": NaN}]'
    records = read(tmp_path, content, Checks(id_paths=("id",)))
    assert all(record.refusal for record in records)
    assert [record.key for record in records] == ["a\ufffdb", "a?b", "c"]
