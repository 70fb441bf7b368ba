"""Names of files in any bytes: read, shown by a printable name, and never half a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox import samples
from imports.customers import drafts
from imports.engine import runner
from imports.ledger import lifecycle
from imports.models import CustomerApi, ImportFile, ImportJob
from imports.outside_text import path_of, printable_name, stored_path
from tests.imports.command_line import command
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from tests.jobs import JobMaker

LATIN = b"kund\xe5.json"  # as a ZIP made on Windows leaves it


def folder_with(parent: Path, *names: bytes) -> Path:
    folder = parent / "odd"
    folder.mkdir()
    for number, name in enumerate(names):
        content = json.dumps({"data": [samples.customer(number)]}).encode()
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", [LATIN, b"plain.json", "räka.json".encode(), b"\xff\xfe.json"])
def test_a_path_comes_back_as_it_was(name: bytes) -> None:
    path = Path("/somewhere") / os.fsdecode(name)
    stored = stored_path(path)
    stored.encode()  # the database takes it
    assert path_of(stored) == path
    printable_name(path).encode()


def test_a_folder_with_a_name_in_other_bytes_is_imported_whole(
    make_job: JobMaker, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"a.json", LATIN, b"z.json")
    said = command("import_customers", folder, "--api", "sandbox", "--json")
    assert (said.code, said.err) == (0, "")
    job = ImportJob.objects.get(pk=said.job["job"])
    names = list(job.files.order_by("pk").values_list("name", flat=True))
    assert names == ["a.json", "kund\ufffd.json", "z.json"]
    assert runner.read_input(job)
    answer(job, OK, OK, OK)
    lifecycle.finish_if_done([job.pk])
    assert command("job_status", job.pk).code == 0


def test_a_dry_run_names_it_printably(make_job: JobMaker, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, LATIN)
    said = command("import_customers", folder, "--api", "sandbox", "--dry-run", "--json")
    said.out.encode()
    assert said.job["files"][0]["file"] == "kund\ufffd.json"


def test_a_folder_with_an_unreadable_file_is_refused_whole(
    make_job: JobMaker, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"a.json", b"b.json")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xe5.json")).write_bytes(b"{")
    said = command("import_customers", folder, "--api", "sandbox")
    said.err.encode()
    assert said.code == 2
    assert (ImportJob.objects.count(), ImportFile.objects.count()) == (0, 0)


def test_a_folder_whose_reading_breaks_off_leaves_no_half_draft(
    make_job: JobMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, b"a.json", b"b.json")
    judge = drafts.judge

    def break_off(file: ImportFile, *rest: Any) -> None:
        if file.name == "b.json":
            raise KeyboardInterrupt
        judge(file, *rest)

    monkeypatch.setattr(drafts, "judge", break_off)
    with pytest.raises(KeyboardInterrupt):
        command("import_customers", folder, "--api", "sandbox")
    assert ImportJob.objects.count() == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import_customers", "FOLDER", "--api", "sandbox", "--name", "M\udce5rs"), 0),
        (("import_customers", "FOLDER", "--api", "no\udce5"), 2),
        (("import_customers", "no\udce5folder", "--api", "sandbox"), 2),
        (("customer_api", "new\udce5", "--url", "http://127.0.0.1:9/x", "--auth", "none"), 0),
        (("portal", "new\udce5", "--login-url", "x\udce5", "--billing-url", "y"), 2),
        (("download_bills", "no\udce5.csv", "--portal", "no\udce5"), 2),
    ],
)
def test_no_command_fails_at_a_name_in_other_bytes(
    arguments: tuple[str, ...], code: int, make_job: JobMaker, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"a.json")
    said = command(*[str(folder) if each == "FOLDER" else each for each in arguments])
    (said.out + said.err).encode()
    assert said.code == code


def test_an_api_is_found_again_by_the_name_that_it_was_given(api: CustomerApi) -> None:
    made = ("customer_api", "new\udce5", "--url", "http://127.0.0.1:9/x", "--auth", "none")
    assert (command(*made).code, command(*made).code) == (0, 0)
    assert CustomerApi.objects.filter(name="new\ufffd").count() == 1


def test_retry_files_below_a_name_that_the_ledger_cannot_keep_are_refused(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    odd = tmp_path / "ut\udce5"
    said = command("retry_files", job.pk, "--output", odd)
    said.err.encode()
    assert said.code == 2
    assert not odd.exists()
    assert job.retry_files.count() == 0


def test_the_real_command_line_prints_no_traceback(tmp_path: Path) -> None:
    """The shell hands bytes over; Python makes half characters of those that are no text."""
    root = Path(__file__).resolve().parents[2]
    script = (
        "import sys; from imports.outside_text import printable; print(printable(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.fsdecode(b"M\xe5rs")],
        cwd=root, capture_output=True, check=True, env=os.environ | {"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.stdout.decode() == "M\ufffdrs\n"


def test_a_name_with_line_breaks_forges_no_line(make_job: JobMaker, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"a.json\n9 records = 9 succeeded\x1b[2J.json")
    (path,) = folder.iterdir()
    dry = command("import_customers", path, "--api", "sandbox", "--dry-run")
    first = command("import_customers", path, "--api", "sandbox")
    again = command("import_customers", path, "--api", "sandbox")
    for text in (dry.out, dry.err, first.out, first.err, again.out, again.err):
        assert not any(line.startswith("9 records") for line in text.splitlines())
        assert "\x1b[2J" not in text
    assert "9 records" in again.err  # the very same file is said, by its name
