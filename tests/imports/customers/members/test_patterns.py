"""What is made of a row by its pattern is what is made of it cell by cell."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from imports.customers.members import records
from imports.customers.members.delimited import Row
from imports.customers.members.records import Made, Patterns, RecordMaker
from imports.customers.members.template import BadTemplate, Template
from tests.imports.customers.members.tables import template_of

HEADINGS = ("A", "B", "C", "D")
PATHS = ("a", "b%", "c.d", "c.e.0", "c.e.1", "c.f.0.g", "c.f.0.h", "c.f.1.g", "i.j.k", "l")
CELLS = (
    "", "", "x", "Åsa", "100 %", "%b", "%s", '"', "\\", "a\nb", "a\r\nb", "\t", " x ", "\x00",
    "\u2028", "1", "-1", "1.5", "1,5", "1 000", "31.12.1980", "1980-12-31", "ja", "nej", "A", "a",
    "B", "'x", "#REF!", "5E+10", "x\u00a0y", "\u200b",
)  # fmt: skip
CONSTANTS: tuple[Any, ...] = (True, None, 0, "", "100 %b", "\x00", {"x": ["%s"]}, [])
SETTINGS: tuple[dict[str, Any], ...] = (
    {}, {}, {"empty": "null"}, {"empty": "text"}, {"empty": "refuse"}, {"type": "integer"},
    {"type": "number", "decimal": ","}, {"type": "yes-no"}, {"trim": False},
    {"type": "date", "format": "dd.mm.yyyy"}, {"values": {"A": "%b", "": {"none": [1]}}},
    {"values": {"a": [True, None], "B": 5}, "others": "keep"},
)  # fmt: skip


@st.composite
def templates(draw: st.DrawFn) -> Template:
    fields: list[dict[str, Any]] = []
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, unique=True)):
        source: dict[str, Any] = draw(
            st.one_of(
                st.sampled_from(HEADINGS).map(lambda name: {"column": name}),
                st.lists(st.sampled_from(HEADINGS), min_size=1).map(
                    lambda names: {"columns": names}
                ),
                st.sampled_from(CONSTANTS).map(lambda value: {"constant": value}),
            )
        )
        fields.append({"path": path, **source, **draw(st.sampled_from(SETTINGS))})
    try:
        return template_of(*fields)
    except BadTemplate:
        return template_of({"path": "a", "column": "A"})


@given(templates(), st.lists(st.lists(st.sampled_from(CELLS), max_size=5), max_size=6))
def test_a_row_gives_the_same_record_by_its_pattern(
    template: Template, rows: list[list[str]]
) -> None:
    def made() -> list[Made]:
        maker = RecordMaker(template, HEADINGS, "members.csv")
        return [maker.of(Row(n, 0, 0, cells)) for n, cells in enumerate([*rows, *rows])]

    quick = made()
    with patch.object(Patterns, "record_of", return_value=None):
        assert quick == made()


def test_a_clean_row_is_made_by_its_pattern() -> None:
    maker = RecordMaker(template_of({"path": "a", "column": "A"}), ("A",), "members.csv")
    assert maker._patterns.record_of(["x"]) == maker.of(Row(2, 0, 0, ["x"])).raw == b'{"a":"x"}'


def test_there_are_never_more_than_so_many_patterns() -> None:
    fields = [{"path": f"f{n}", "column": f"H{n}"} for n in range(12)]
    headings = tuple(f"H{n}" for n in range(12))
    maker = RecordMaker(template_of(*fields), headings, "members.csv")
    with patch.object(records, "MOST_PATTERNS", 10):
        for n in range(1, 200):
            cells = ["x" if n >> at & 1 else "" for at in range(12)]
            expected = ",".join(f'"f{at}":"x"' for at in range(12) if n >> at & 1)
            assert maker.of(Row(n, 0, 0, cells)).raw == f"{{{expected}}}".encode()
    assert len(maker._patterns._patterns) == 10
