"""Member files and record templates from a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.members.template import read
from imports.models import ImportJob, RecordTemplate
from tests.imports.command_line import command
from tests.imports.customers.members.tables import (
    DOCUMENT,
    HEADINGS,
    member,
    saved,
    text,
    written,
)

if TYPE_CHECKING:
    from imports.models import CustomerApi

pytestmark = pytest.mark.usefixtures("messages")
DOCS = Path(__file__).resolve().parents[4] / "docs"


def test_a_template_is_guessed_saved_and_used(api: CustomerApi, tmp_path: Path) -> None:
    table = written(tmp_path, text(member(0), member(1, Född="x")))
    guessed = command("record_template", "Club", "--api", "sandbox", "--guess", table)
    assert guessed.code == 0
    document = json.loads(guessed.out)
    assert {"path": "person.firstName", "column": "Förnamn"} in document["fields"]
    fields = written(tmp_path, json.dumps(DOCUMENT), "club.json")
    for version in (1, 2):
        done = command("record_template", "Club", "--api", "sandbox", "--fields", fields)
        assert (done.code, RecordTemplate.objects.get(is_current=True).version) == (0, version)
    done = command("import_customers", table, "--api", "sandbox", "--template", "Club", "--json")
    assert (done.code, done.job["status"]) == (0, "queued")
    assert "row 3" in done.err


def test_a_table_without_a_template_is_refused_and_nothing_stays(
    api: CustomerApi, tmp_path: Path
) -> None:
    table = written(tmp_path, text(member(0)))
    done = command("import_customers", table, "--api", "sandbox")
    assert done.code == 2
    assert "record template" in done.err
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("record_template", "Club", "--api", "nobody", "--fields", "x.json"),
        ("record_template", "Club", "--api", "sandbox", "--fields", "missing.json"),
        ("record_template", "Club", "--api", "sandbox", "--guess", "missing.csv"),
        ("import_customers", "x.csv", "--api", "sandbox", "--template", "Nobody"),
    ],
)
@pytest.mark.usefixtures("api")
def test_bad_usage_exits_2(arguments: tuple[str, ...]) -> None:
    assert command(*arguments).code == 2


def test_a_template_that_is_wrong_is_refused_with_all_that_is(
    api: CustomerApi, tmp_path: Path
) -> None:
    path = written(tmp_path, '{"fields": [{"path": "a"}, {"path": "b..c", "column": "B"}]}', "f")
    done = command("record_template", "Club", "--api", "sandbox", "--fields", path)
    assert done.code == 2
    assert "b..c" in done.err


def test_a_dry_run_counts_rows_that_cannot_be_sent(api: CustomerApi, tmp_path: Path) -> None:
    saved(api)
    table = written(tmp_path, text(member(0), member(1, Född="x")))
    done = command("import_customers", table, "--api", "sandbox", "--dry-run", "--json")
    found: dict[str, Any] = json.loads(done.out)
    assert (done.code, found["would_send"], found["would_exclude"]) == (1, 1, 1)


def test_the_template_of_the_documentation_is_accepted() -> None:
    (block,) = re.findall(
        r"^```json\n(.*?)^```", (DOCS / "member-files.md").read_text(), re.M | re.S
    )
    template = read(json.loads(block))
    assert len(template.fields) == 9
    assert len(HEADINGS) == 6
