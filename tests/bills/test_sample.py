"""What a first start leaves for bills: a portal to click, a CSV to upload, and no job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management import call_command

from bills.csv.credentials import CredentialRow, read_credentials
from bills.models import Portal
from imports.models import ImportJob

if TYPE_CHECKING:
    from pathlib import Path


def test_a_first_start_leaves_a_portal_and_a_csv_of_twelve(
    messages: Any, installation: Path, settings: Any
) -> None:
    settings.HOME, settings.EMBEDDED_POSTGRES = installation, True
    call_command("first_run")
    portal = Portal.objects.get()
    portal.full_clean()
    assert portal.name == "Sandbox portal"
    assert portal.login_url == f"{settings.SANDBOX_URL}/portal/login"
    rows = list(read_credentials(installation / "samples" / "credentials.csv", "credentials.csv"))
    assert len(rows) == 12
    assert all(isinstance(row, CredentialRow) for row in rows)
    assert not ImportJob.objects.filter(kind="bills").exists()


def test_the_next_start_does_not_overwrite_what_an_operator_changed(
    messages: Any, installation: Path, settings: Any
) -> None:
    settings.HOME, settings.EMBEDDED_POSTGRES = installation, True
    call_command("first_run")
    Portal.objects.update(max_attempts=2)
    sheet = installation / "samples" / "credentials.csv"
    sheet.write_text("email,password\n")
    settings.SANDBOX_URL = "http://127.0.0.1:9009"
    call_command("first_run")
    portal = Portal.objects.get()
    assert (portal.max_attempts, portal.billing_url) == (2, "http://127.0.0.1:9009/portal/bills")
    assert sheet.read_text() == "email,password\n"
