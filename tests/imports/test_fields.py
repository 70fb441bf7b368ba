"""Secrets: encrypted at rest, never guessed at with a wrong key, rotated by a command."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from imports.fields import WrongKey, cipher
from imports.models import CustomerApi
from tests.jobs import run

if TYPE_CHECKING:
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker

CANARY = "canary-7f3a&<>\"';åé"


def stored(column: str = "secret") -> str:
    with connection.cursor() as sql:
        sql.execute(f"SELECT {column} FROM imports_customerapi")  # noqa: S608
        return str(sql.fetchone()[0])


def test_a_secret_is_read_back_as_it_was_and_stored_as_something_else(api: CustomerApi) -> None:
    api.secret = CANARY
    api.save()
    assert CustomerApi.objects.get().secret == CANARY
    assert "canary" not in stored()
    assert stored("client_secret") == ""  # nothing stays nothing


def test_a_wrong_key_raises_and_hands_nothing_back(api: CustomerApi, settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(WrongKey, match=r"imports.CustomerApi.secret: no key in CREDENTIAL_KEYS"):
        CustomerApi.objects.get()


def test_no_message_about_a_wrong_key_holds_the_stored_value(
    api: CustomerApi, settings: Any
) -> None:
    before = stored()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(WrongKey) as raised:
        CustomerApi.objects.get()
    assert before not in str(raised.value)


def test_rotating_encrypts_with_the_newest_key_so_that_the_old_one_can_go(
    api: CustomerApi, settings: Any
) -> None:
    old, new = settings.CREDENTIAL_KEYS[0], Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [new, old]
    assert CustomerApi.objects.get().secret == "sandbox-token"
    out = StringIO()
    call_command("rotate_secrets", stdout=out)
    assert "1 rows" in out.getvalue()
    settings.CREDENTIAL_KEYS = [new]
    assert CustomerApi.objects.get().secret == "sandbox-token"
    settings.CREDENTIAL_KEYS = [old]
    with pytest.raises(WrongKey):
        CustomerApi.objects.get()


@pytest.mark.django_db(transaction=True)
def test_rotating_with_a_key_missing_changes_nothing(api: CustomerApi, settings: Any) -> None:
    before = stored()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(WrongKey):
        call_command("rotate_secrets")
    assert stored() == before


def test_a_key_that_is_no_key_is_refused_without_being_shown(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = ["too short"]
    with pytest.raises(ImproperlyConfigured, match="32 bytes") as raised:
        cipher()
    assert "too short" not in str(raised.value)


def test_in_production_nothing_is_stored_without_a_key(settings: Any) -> None:
    settings.CREDENTIAL_KEYS, settings.CREDENTIAL_KEY_FILE = [], None
    with pytest.raises(ImproperlyConfigured, match="Set CREDENTIAL_KEYS"):
        cipher()


def test_in_development_a_key_is_made_once_and_only_its_owner_reads_it(
    settings: Any, tmp_path: Path
) -> None:
    settings.CREDENTIAL_KEYS, settings.CREDENTIAL_KEY_FILE = [], tmp_path / "key"
    token = cipher().encrypt(b"x")
    assert cipher().decrypt(token) == b"x"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def everything_in_the_database() -> str:
    with connection.cursor() as sql:
        sql.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        tables = [name for (name,) in sql.fetchall()]
        rows = []
        for table in tables:
            sql.execute(f'SELECT "{table}"::text FROM "{table}"')  # noqa: S608
            rows += [row for (row,) in sql.fetchall()]
    assert any("sandbox" in row for row in rows)
    return "\n".join(rows)


def everything_in(redis: Any) -> bytes:
    return b"\n".join(redis.dump(key) + key for key in redis.scan_iter())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("auth", ["bearer", "basic", "header", "oauth2-password", "oauth2-client"])
def test_a_secret_is_nowhere_after_runs_that_failed(
    auth: str,
    make_job: JobMaker,
    sandbox: SandboxApi,
    messages: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    settings: Any,
) -> None:
    secret = "canary-7f3a-0123456789"  # one that fits in a header
    api = make_job.api
    api.auth, api.username, api.client_id = auth, "user", "client"
    api.secret = api.client_secret = secret
    api.header_name, api.token_url = (
        "X-Api-Key",
        api.url.replace("customers-import/v1/customers", "oauth/token"),
    )
    api.save()
    caplog.set_level("DEBUG")
    refused = run(make_job(3))
    assert refused.status == "paused"
    api.url = "http://127.0.0.1:9/customers"
    api.save()
    run(make_job(3, max_attempts=1))
    summary = everything_in_the_database() + caplog.text + "".join(capfd.readouterr())
    assert "canary" not in summary
    assert b"canary" not in everything_in(messages.connection)
    if settings.RETRY_FILES_DIR.exists():
        for path in settings.RETRY_FILES_DIR.rglob("*.*"):
            assert b"canary" not in path.read_bytes()
