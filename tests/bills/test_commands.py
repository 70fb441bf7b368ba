"""`portal` and `download_bills`: what they set, print and exit with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from bills.models import Credential, Portal
from imports import commands
from imports.models import ImportJob
from tests.bills.runs import full, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.runs import BillMaker

URLS = (
    "--login-url", "http://127.0.0.1:1/login", "--billing-url", "http://127.0.0.1:1/bills",
)  # fmt: skip


def refusal(*arguments: str) -> str:
    """What a command says when it ends with exit code 2."""
    with pytest.raises(CommandError) as refused:
        call_command(*arguments)
    assert refused.value.returncode == 2
    return str(refused.value)


@pytest.mark.django_db
def test_portal_creates_and_changes_what_is_given(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"bills": {"rows": "tr.bill"}}')
    call_command("portal", "Ellevio", *URLS, "--recipe", str(recipe), "--max-attempts", "4")
    call_command("portal", "Ellevio", "--retry-delay", "7.5", "--concurrency", "2")
    portal = Portal.objects.get()
    assert portal.recipe == {"bills": {"rows": "tr.bill"}}
    kept = (portal.max_attempts, portal.retry_delay_seconds, portal.concurrency)
    assert kept == (4, 7.5, 2)
    assert portal.attempt_timeout_seconds == 300.0


@pytest.mark.django_db
def test_portal_starts_with_the_seeds_numbers() -> None:
    call_command("portal", "Ellevio", *URLS)
    portal = Portal.objects.get()
    assert (portal.max_attempts, portal.retry_delay_seconds) == (5, 10.0)


@pytest.mark.django_db
def test_a_wrong_recipe_is_refused_with_file_and_part(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"bills": {"rowz": "tr"}, "login": {"email": {"text": "a", "label": "b"}}}')
    summary = refusal("portal", "Ellevio", *URLS, "--recipe", str(recipe))
    assert f'{recipe}: bills.rowz: is not known. Did you mean "rows"?' in summary
    assert "login.email: give exactly one of" in summary
    assert not Portal.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--login-url", "file:///etc/passwd"), "login_url: The URL must begin with https://"),
        ((*URLS, "--max-attempts", "0"), "max_attempts"),
        ((*URLS, "--script", "nobody"), "script: There is no script of this name"),
    ],
)
def test_what_cannot_be_right_is_refused(arguments: tuple[str, ...], words: str) -> None:
    assert words in refusal("portal", "Ellevio", *arguments)
    assert not Portal.objects.exists()


@pytest.mark.django_db
def test_download_bills_names_the_missing_portal(tmp_path: Path) -> None:
    summary = refusal("download_bills", str(tmp_path / "x.csv"), "--portal", "Nobody")
    assert "There is no portal 'Nobody'" in summary


@pytest.mark.django_db(transaction=True)
def test_a_csv_that_cannot_be_read_starts_nothing(make_bills: BillMaker, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("name,phone\nA,1\n")
    summary = refusal("download_bills", str(path), "--portal", "sandbox")
    assert summary.startswith("wrong.csv")
    assert summary.endswith("Nothing was started.")
    assert not ImportJob.objects.exists()
    assert not Credential.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_csv_without_a_usable_row_starts_nothing(make_bills: BillMaker, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("email,password\na@b.se,\n")
    summary = refusal("download_bills", str(path), "--portal", "sandbox")
    assert "no row of it can be used" in summary
    assert "the password is empty" in summary
    assert not ImportJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_download_bills_waits_and_prints_the_job(
    make_bills: BillMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "wait_for", lambda job, say: run(job))
    path = make_bills.csv("good", "otp", "good")
    with pytest.raises(SystemExit) as ended:
        call_command("download_bills", str(path), "--portal", "sandbox", "--wait", "--json")
    assert ended.value.code == 1
    printed = capsys.readouterr()
    summary: dict[str, Any] = json.loads(printed.out)
    job_totals = {
        name: summary[name] for name in ("total", "success", "error", "excluded", "pending")
    }
    assert job_totals == {"total": 3, "success": 1, "error": 1, "excluded": 1, "pending": 0}
    assert (summary["kind"], summary["status"], summary["attempts"]) == ("bills", "finished", 2)
    assert "row 4" in printed.err
    excluded = ImportJob.objects.get().results.get(status="excluded")
    assert (excluded.error_code, excluded.refused_record) == ("ROW_DUPLICATE", b"")

    with pytest.raises(SystemExit):
        call_command("job_status", str(summary["job"]), "--json")
    assert json.loads(capsys.readouterr().out)["error"] == 1
    with pytest.raises(SystemExit) as ended:
        call_command("retry_failed", str(summary["job"]), "--wait", "--json")
    again = json.loads(capsys.readouterr().out)
    assert (again["retry_of"], again["total"], again["error"]) == (summary["job"], 1, 1)
    retry = ImportJob.objects.get(pk=again["job"])
    assert [each.email for each in retry.results.all()] == [full("otp")]
