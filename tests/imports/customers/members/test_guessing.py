"""A first template, guessed from headings, values and the API's own records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.customers.files.limits import GK_CHECKS, Checks
from imports.customers.members.preview import fitting_template, pasted, preview, shape_of
from imports.customers.members.template import as_json, complaints
from tests.imports.customers.members.tables import DOCUMENT, HEADINGS, member, template_of, text

if TYPE_CHECKING:
    from imports.customers.members.template import Template
    from imports.models import CustomerApi


def by_path(template: Template) -> dict[str, dict[str, Any]]:
    return {each["path"]: each for each in as_json(template)["fields"]}


def test_swedish_headings_find_the_fields_of_the_gk_api() -> None:
    headings = (
        "Medlemsnr",
        "Förnamn",
        "Efternamn",
        "Födelsedatum",
        "E-postadress",
        "Mobil",
        "Ort",
    )
    rows = [["1", "ÅSA", "EK", "31.12.1980", "a@b.se", "070", "ÅRE"]]
    found = by_path(fitting_template(headings, rows, shape_of(GK_CHECKS, [])))
    assert found["person.customerId"]["column"] == "Medlemsnr"
    assert found["person.lastName"]["column"] == "Efternamn"
    birthday = found["person.birthday"]
    assert (birthday["column"], birthday["format"]) == ("Födelsedatum", "dd.mm.yyyy")
    assert found["person.emails.0.email"]["column"] == "E-postadress"
    assert found["person.phones.0.number"]["column"] == "Mobil"
    assert found["person.addresses.0.city"]["column"] == "Ort"
    assert found["person.addresses.0.contactMethodTypeCode"]["constant"] == "HOME"
    assert found["changeType"]["constant"] == "UPSERT"


def test_an_apis_earlier_records_show_its_fields_types_and_constants() -> None:
    records = [
        json.dumps(
            {
                "external_id": str(n), "source": "till",
                "attributes": {"first_name": "BO", "points": n, "vip": True, "born": "1980-01-02"},
            }
        ).encode()
        for n in range(4)
    ]  # fmt: skip
    headings = ("External ID", "First name", "Points", "VIP", "Born", "Colour")
    rows = [["1", "Åsa", "1 000", "ja", "12/31/1980", "red"], ["2", "", "", "", "", ""]]
    found = by_path(
        fitting_template(headings, rows, shape_of(Checks(id_paths=("external_id",)), records))
    )
    assert found["attributes.points"]["type"] == "integer"
    assert found["attributes.vip"]["type"] == "yes-no"
    assert found["attributes.born"]["format"] == "mm/dd/yyyy"
    assert found["source"] == {"path": "source", "constant": "till"}
    assert "Colour" not in [each.get("column") for each in found.values()]


def test_of_an_api_that_nothing_is_known_of_every_column_becomes_a_field() -> None:
    found = by_path(
        fitting_template(("Id", "Favourite shop"), [], shape_of(Checks(id_paths=("id",)), []))
    )
    assert list(found) == ["id", "favourite_shop"]


@given(headings=st.lists(st.text(max_size=20), max_size=8, unique_by=str.casefold))
def test_whatever_the_headings_are_the_guess_is_a_template_without_faults_of_its_own(
    headings: list[str],
) -> None:
    for shape in (shape_of(GK_CHECKS, []), shape_of(Checks(id_paths=("id",)), [])):
        found = fitting_template(headings, [], shape)
        codes = {each.code for each in complaints(found)} - {"TEMPLATE_NO_SOURCE"}
        assert codes <= {"TEMPLATE_NO_FIELDS"}


@pytest.mark.django_db
def test_the_preview_shows_rows_with_faults_first_and_what_the_api_itself_refuses(
    api: CustomerApi,
) -> None:
    rows = [*(member(n) for n in range(20)), member(20, Född="x"), member(21, Förnamn="x" * 41)]
    found = preview(template_of(*DOCUMENT["fields"][:7]), pasted(text(*rows)), api)
    assert (found.looked_at, found.faulty, len(found.rows)) == (22, 2, 3)
    assert [each.row.number for each in found.rows[:3]] == [22, 23, 2]
    assert found.unused == ["E-post"]
    assert found.rows[0].cells[3] == ("Född", "x")
    assert json.loads(found.rows[2].record)["person"]["customerId"] == "50000001000"
    assert found.rows[0].cells[0][0] == HEADINGS[0]
