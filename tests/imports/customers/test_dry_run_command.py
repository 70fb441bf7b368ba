"""`import_customers --dry-run`: everything is read, nothing is sent or stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from config.dev.sandbox.samples import customer
from imports.models import ImportJob
from tests.imports.command_line import command

if TYPE_CHECKING:
    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker


def test_good_files_exit_0_and_nothing_is_sent_or_stored(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    files = make_job.files(7)
    said = command("import_customers", *files, "--api", "sandbox", "--dry-run")
    assert said.code == 0
    assert "7 customers in 1 file: 7 would be sent in 3 batches of up to 3, 0" in said.out
    assert "nothing was sent and nothing was stored" in said.out
    assert not ImportJob.objects.exists()
    assert not sandbox.account.difference([])


def test_the_json_says_the_same_and_nothing_else_is_printed(make_job: JobMaker) -> None:
    said = command(
        "import_customers", *make_job.files(7), "--api", "sandbox", "--dry-run", "--json"
    )
    assert list(said.job) == [
        "api", "files", "customers", "would_send", "would_exclude", "batches",
        "excluded_by_reason", "excluded", "already_imported", "named_twice",
        "named_twice_examples", "earlier_copies_left_out", "imported_before",
        "imported_before_examples", "with_warnings", "warnings", "messages",
        "known_before",
    ]  # fmt: skip
    assert said.job["batches"] == {
        "total": 3, "at_most": 3, "largest": 3, "smallest": 1, "at_once": 4,
    }  # fmt: skip
    (file,) = said.job["files"]
    assert (file["verdict"], file["customers"], len(file["sha256"])) == ("valid", 7, 64)


def test_records_that_would_be_left_out_exit_1_each_with_its_reason(make_job: JobMaker) -> None:
    path = make_job.folder / "mixed.json"
    path.write_text(json.dumps({"data": [customer(0), 7, {"person": {}}, customer(0)]}))
    said = command("import_customers", path, "--api", "sandbox", "--dry-run")
    assert said.code == 1
    assert "4 customers in 1 file: 2 would be sent in 2 batches of up to 3, 2 would be" in said.out
    assert "1 × NOT_AN_OBJECT" in said.out
    assert "mixed.json, record 2: it is a number, not an object" in said.out
    assert "Named more than once: 1" in said.out


def test_a_file_that_cannot_be_read_exits_2(make_job: JobMaker) -> None:
    path = make_job.folder / "broken.json"
    path.write_text('{"data": [')
    said = command("import_customers", path, "--api", "sandbox", "--dry-run", "--json")
    assert (said.code, said.out) == (2, "")
    assert "broken.json" in said.err
    assert "Nothing would be imported." in said.err
