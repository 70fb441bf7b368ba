"""What a record template makes of a row, and what it refuses to guess."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.customers.files.errors import ROW_KEY, UnreadableFile
from imports.customers.members.delimited import Row
from imports.customers.members.records import RecordMaker
from imports.customers.members.template import BadTemplate, Template, as_json, read
from tests.imports.customers.members.tables import DOCUMENT, HEADINGS, member, template_of


def made(template: Template, headings: tuple[str, ...], *cells: str) -> tuple[Any, list[str]]:
    """The record of a row and the codes of its faults."""
    found = RecordMaker(template, headings, "members.csv").of(Row(2, 0, 0, list(cells)))
    return json.loads(found.raw), [each.code for each in found.faults]


def value_of(cell: str, **field: Any) -> Any:
    """What one cell becomes; the fault's code where it cannot be sent."""
    template = template_of({"path": "v", "column": "V", **field})
    record, codes = made(template, ("V",), cell)
    return codes[0] if codes else record.get("v", "left out")


def test_a_member_becomes_the_apis_record() -> None:
    record, codes = made(read(DOCUMENT), HEADINGS, *member(3))
    assert codes == []
    assert record == {
        "changeType": "UPSERT",
        "type": "PERSON",
        "person": {
            "customerId": "50000001003", "firstName": "ÅSA", "lastName": "SJÖBERG-3",
            "birthday": "1943-04-04", "status": "ACTIVE",
            "emails": [{"email": "asa.3@example.se", "defaultEmail": True}],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "field", "expected"),
    [
        ("\u00a0 Åsa\u00a0Maria \ufeff", {}, "Åsa Maria"),
        (" x ", {"trim": False}, " x "),
        ("", {}, "left out"),
        ("", {"empty": "null"}, None),
        ("", {"empty": "text"}, ""),
        (" ", {"empty": "refuse"}, "ROW_EMPTY"),
        ("'+46701234567", {}, "+46701234567"),
        ("00123", {}, "00123"),
        ("31.12.1980", {"type": "date", "format": "dd.mm.yyyy"}, "1980-12-31"),
        ("1.2.1980", {"type": "date", "format": "dd.mm.yyyy"}, "1980-02-01"),
        ("1980-12-31", {"type": "date", "format": "dd.mm.yyyy"}, "1980-12-31"),
        ("31.02.1980", {"type": "date", "format": "dd.mm.yyyy"}, "ROW_DATE"),
        ("12/31/1980", {"type": "date", "format": "dd/mm/yyyy"}, "ROW_DATE"),
        ("31/12/49", {"type": "date", "format": "dd/mm/yy"}, "2049-12-31"),
        ("31/12/50", {"type": "date", "format": "dd/mm/yy"}, "1950-12-31"),
        ("1980-12-31", {"type": "date", "write_as": "dd/mm/yyyy"}, "31/12/1980"),
        (
            "31.12.1980 18:30",
            {"type": "date", "format": "dd.mm.yyyy HH:MM", "write_as": "yyyy-mm-ddTHH:MM:SSZ"},
            "1980-12-31T18:30:00Z",
        ),
        ("1 234,50", {"type": "number", "decimal": ","}, 1234.5),
        ("1\u00a0234\u00a0567", {"type": "integer"}, 1234567),
        ("1.234,5", {"type": "number", "decimal": ","}, 1234.5),
        ("−7", {"type": "integer"}, -7),
        ("12,34,56", {"type": "number", "decimal": "."}, "ROW_NUMBER"),
        ("1e5", {"type": "number"}, "ROW_NUMBER"),
        ("1.5", {"type": "integer"}, "ROW_NUMBER"),
        ("Ja", {"type": "yes-no"}, True),
        ("0", {"type": "yes-no"}, False),
        ("maybe", {"type": "yes-no"}, "ROW_VALUE"),
        ("K", {"values": {"K": "WOMAN"}}, "WOMAN"),
        ("k", {"values": {"K": "WOMAN"}}, "WOMAN"),
        ("X", {"values": {"K": "WOMAN"}}, "ROW_VALUE"),
        ("X", {"values": {"K": "WOMAN"}, "others": "keep"}, "X"),
        ("", {"values": {"": "UNKNOWN"}}, "UNKNOWN"),
        ("5,00001E+10", {}, "ROW_DAMAGED"),
        ("#REF!", {}, "ROW_DAMAGED"),
        ("#1 fan", {}, "#1 fan"),
    ],
)
def test_a_cell_is_read_as_the_template_says_or_its_row_is_refused(
    cell: str, field: dict[str, Any], expected: Any
) -> None:
    assert value_of(cell, **field) == expected


def test_numbers_keep_every_digit() -> None:
    template = template_of({"path": "v", "column": "V", "type": "number"})
    raw = RecordMaker(template, ("V",), "m").of(Row(2, 0, 0, ["0012345678901234.10"])).raw
    assert raw == b'{"v":12345678901234.10}' or raw == b'{"v":12345678901234.10}'


def test_a_list_has_no_holes_and_no_entries_of_constants_alone() -> None:
    template = template_of(
        {"path": "emails.0.email", "column": "A"},
        {"path": "emails.0.kind", "constant": "HOME"},
        {"path": "emails.1.email", "column": "B"},
        {"path": "emails.1.kind", "constant": "WORK"},
        {"path": "source.name", "constant": "import"},
        {"path": "address.city", "column": "C"},
        {"path": "address.country", "constant": "SE"},
        {"path": "tags", "columns": ["A", "B"]},
    )
    record, _codes = made(template, ("A", "B", "C"), "", "b@example.se", "")
    assert record == {
        "emails": [{"email": "b@example.se", "kind": "WORK"}],
        "source": {"name": "import"},
        "tags": ["b@example.se"],
    }


def test_all_faults_of_a_row_travel_with_its_record() -> None:
    record, codes = made(read(DOCUMENT), HEADINGS, *member(0, Född="i går", Status="?"))
    assert codes == ["ROW_DATE", "ROW_VALUE"]
    assert next(iter(record)) == ROW_KEY
    assert record[ROW_KEY]["code"] == "ROW_DATE"
    assert record["person"]["birthday"] == "i går"


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["1", "2", "", ""], []),
        (["1", "2", "", "x"], ["ROW_CELLS"]),
        (["1"], ["ROW_CELLS"]),
    ],
)
def test_a_row_with_other_cells_than_the_heading_is_refused(
    cells: list[str], codes: list[str]
) -> None:
    template = template_of({"path": "a", "column": "A"}, {"path": "b", "column": "B"})
    assert made(template, ("A", "B"), *cells)[1] == codes
    fills = template_of({"path": "a", "column": "A"}, short_rows="fill")
    assert made(fills, ("A", "B"), "1") == ({"a": "1"}, [])


def test_columns_are_found_whatever_their_case_and_blanks_and_missing_ones_are_named() -> None:
    template = template_of({"path": "a", "column": "First  Name"})
    assert made(template, (" first name\u00a0",), "x")[0] == {"a": "x"}
    with pytest.raises(UnreadableFile) as refused:
        RecordMaker(template, ("Name",), "members.csv")
    assert "First  Name" in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ([], ["TEMPLATE_NO_FIELDS"]),
        ([{"path": "a"}], ["TEMPLATE_NO_SOURCE"]),
        ([{"path": "a", "column": "A", "constant": 1}], ["TEMPLATE_NO_SOURCE"]),
        ([{"path": "a..b", "column": "A"}], ["TEMPLATE_BAD_PATH"]),
        ([{"path": "0.a", "column": "A"}], ["TEMPLATE_BAD_PATH"]),
        ([{"path": "a.100.b", "column": "A"}], ["TEMPLATE_BAD_PATH"]),
        ([{"path": "a", "column": "A"}, {"path": "a", "column": "B"}], ["TEMPLATE_TWICE"]),
        ([{"path": "a", "column": "A"}, {"path": "a.b", "column": "B"}], ["TEMPLATE_CONFLICT"]),
        ([{"path": "a.0", "column": "A"}, {"path": "a.b", "column": "B"}], ["TEMPLATE_MIXED"]),
        (
            [{"path": "a", "column": "A", "type": "date", "format": "dd.mm"}],
            ["TEMPLATE_BAD_FORMAT"],
        ),
        (
            [{"path": "a"}, {"path": "b", "column": "B", "type": "date", "format": "x"}],
            ["TEMPLATE_NO_SOURCE", "TEMPLATE_BAD_FORMAT"],
        ),
    ],
)
def test_everything_that_is_wrong_with_a_template_is_named_at_once(
    fields: list[dict[str, Any]], codes: list[str]
) -> None:
    with pytest.raises(BadTemplate) as refused:
        template_of(*fields)
    assert [each.code for each in refused.value.complaints] == codes  # type: ignore[union-attr]


def test_a_template_says_the_same_after_it_was_stored() -> None:
    template = read(DOCUMENT)
    assert read(json.loads(json.dumps(as_json(template)))) == template


FORMATS = ("dd.mm.yyyy", "mm/dd/yyyy", "d/m/yyyy", "yyyy-mm-dd", "yyyymmdd", "dd-mm-yyyy")
WRITTEN = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d", "%Y%m%d", "%d-%m-%Y")


@given(
    day=st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(lambda each: each + timedelta(0)),
    which=st.integers(0, len(FORMATS) - 1),
)
def test_every_date_comes_out_as_the_day_that_went_in(day: date, which: int) -> None:
    cell = day.strftime(WRITTEN[which])
    assert value_of(cell, type="date", format=FORMATS[which]) == day.isoformat()


ODD = st.text(st.sampled_from("aÅ1 \u00a0\u202f\ufeff\u200b#'+eE=-.,"), max_size=8)


@given(cells=st.lists(ODD, min_size=3, max_size=3))
def test_the_quick_way_of_ordinary_rows_makes_what_the_careful_one_makes(cells: list[str]) -> None:
    fields = [{"path": name, "column": name} for name in ("a", "b", "c")]
    both = RecordMaker(template_of(*fields), ("a", "b", "c"), "m")
    careful = RecordMaker(template_of(*fields), ("a", "b", "c"), "m")
    careful._trims = False  # it never takes the quick way
    row = Row(2, 0, 0, cells)
    assert both.of(row) == careful.of(row)


@given(cell=st.text(max_size=30))
def test_whatever_a_cell_holds_it_is_read_or_refused_and_the_record_stays_json(cell: str) -> None:
    for kind in ("text", "integer", "number", "yes-no", "date"):
        template = template_of({"path": "a.0.b", "column": "V", "type": kind})
        try:
            found = RecordMaker(template, ("V",), "m").of(Row(2, 0, 0, [cell]))
        except UnicodeEncodeError:
            assert not cell.isprintable()  # half a character: no file's text holds one
            continue
        msgspec.json.decode(found.raw)
