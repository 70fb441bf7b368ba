"""A backup is made, the installation destroyed, and everything restored and compared."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from config.dev.sandbox.customer_api import CUSTOMERS_PATH
from tests.config.commands import PROJECT, Command, environment, wipe
from tests.faults.installation import urls_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREPARE = """
import sys, django
from config.dev import servers
servers.ensure_unnamed()
django.setup()
from pathlib import Path
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from config.dev.sandbox.samples import write_files
from bills.models import Bill, Credential, Portal
from imports.customers import drafts
from imports.engine import runner
from imports.ledger import lifecycle
from imports.models import CustomerApi
api = CustomerApi.objects.create(name="api", url=sys.argv[1], secret="sehr geheim")
for number in range(2):
    job = drafts.new_draft(api, "import")
    for path in write_files(Path(sys.argv[2]), 6, 6, 6 * number):
        drafts.add_upload(job, SimpleUploadedFile(path.name, path.read_bytes()))
    lifecycle.start(job)
    if number == 0:
        runner.read_input(job)
portal = Portal.objects.create(name="p", login_url="https://a.example", billing_url="https://a.example")
Credential.objects.create(portal=portal, email="a@b.se", account="a@b.se", password="hemligt")
pdf = b"%PDF-1.4 a bill %%EOF"
bill = Bill(portal=portal, account="a@b.se", email="a@b.se", number="F1", sha256=sys.argv[3],
            size=len(pdf), attempt_number=1, file="bills/1/aa/aa.pdf")
bill.file.storage.save(bill.file.name, ContentFile(pdf))
bill.save()
"""
SECRETS = """
import sys, django
from config.dev import servers
servers.ensure_unnamed()
django.setup()
from bills.models import Credential
from imports.models import CustomerApi
print(CustomerApi.objects.get().secret, Credential.objects.get().password, sep="|")
"""
PDF = b"%PDF-1.4 a bill %%EOF"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    wipe(path)


@contextmanager
def holding(home: Path) -> Iterator[None]:
    """Keep the home's servers running between the commands."""
    command = Command(home)
    command.ensure()
    try:
        yield
    finally:
        command.end()


def python(home: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, cwd=PROJECT, check=False,
        env=environment(home) | {"DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def tables(home: Path) -> dict[str, Any]:
    """Every row of every table but those that a restore itself writes to."""
    with psycopg.connect(urls_of(home).database_url) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
        ]
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()  # noqa: S608
            for name in names
            if name not in ("imports_importjob", "imports_jobevent")
        }


def files(home: Path) -> dict[str, str]:
    media = home / "media"
    return {
        str(path.relative_to(media)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in media.rglob("*")
        if path.is_file()
    }


def statuses(home: Path) -> list[tuple[str, str]]:
    with psycopg.connect(urls_of(home).database_url) as connection:
        return connection.execute(
            "SELECT status, pause_code FROM imports_importjob ORDER BY id"
        ).fetchall()


def test_database_storage_and_keys_come_back_and_running_jobs_wait_for_a_person(
    home: Path, tmp_path: Path
) -> None:
    backup = str(tmp_path / "backup")
    digest = hashlib.sha256(PDF).hexdigest()
    url = f"https://api.example{CUSTOMERS_PATH}"
    with holding(home):
        python(home, "manage.py", "migrate", "-v0")
        python(home, "-c", PREPARE, url, str(tmp_path / "in"), digest)
        before = tables(home), files(home), python(home, "-c", SECRETS)
        python(home, "manage.py", "backup", backup, "--with-keys")
    assert len(before[1]) == 3
    assert before[2].strip() == "sehr geheim|hemligt"

    wipe(home)
    with holding(home):
        python(home, "manage.py", "migrate", "-v0")
        python(home, "manage.py", "restore", backup)
        assert (tables(home), files(home), python(home, "-c", SECRETS)) == before
        assert statuses(home) == [("paused", "RESTORED"), ("draft", "")]
        python(home, "manage.py", "verify_files")
        python(home, "manage.py", "restore", backup, code=2)  # it is not empty any more


def test_an_altered_backup_is_not_restored(home: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with holding(home):
        python(home, "manage.py", "migrate", "-v0")
        python(home, "manage.py", "backup", str(backup))
        assert not (backup / "keys.json").exists()
        assert backup.stat().st_mode & 0o077 == 0
        dump = backup / "database.dump"
        dump.write_bytes(dump.read_bytes()[:-1])
        said = python(home, "manage.py", "restore", str(backup), code=2)
        assert "database.dump" in said
