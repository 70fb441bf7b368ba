"""`rotate_secrets`: whatever is encrypted, wherever it is, opens with the newest key alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bills.models import Credential, CsvUpload, Evidence
from imports.fields import cipher
from imports.models import AccessToken, Channel, CustomerApi

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from imports.models import ImportJob
    from tests.bills.runs import BillMaker

# Every Fernet token begins with the version 0x80 and four bytes of a time that are still zero.
BEGINS = base64.urlsafe_b64encode(b"\x80" + bytes(2))[:4]
WHERE = {
    "bills_credential.password", "bills_csvupload.content", "bills_evidence.token",
    "imports_accesstoken.fingerprint", "imports_accesstoken.token", "imports_channel.secret",
    "imports_customerapi.client_secret", "imports_customerapi.extra_headers",
    "imports_customerapi.secret",
}  # fmt: skip


def encrypted() -> dict[str, list[bytes]]:
    """Every Fernet token in the database, by table and column."""
    found: dict[str, list[bytes]] = {}
    with connection.cursor() as sql:
        sql.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE"
            " table_schema = 'public' AND data_type IN ('text', 'bytea', 'character varying')"
        )
        for table, column in sql.fetchall():
            sql.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
            values = [value if isinstance(value, str) else bytes(value) for (value,) in sql]
            raw = [value.encode() if isinstance(value, str) else value for value in values]
            if tokens := [value for value in raw if value.startswith(BEGINS)]:
                found[f"{table}.{column}"] = tokens
    return found


@pytest.fixture
def full(
    make_bills: BillMaker, messages: Any, django_user_model: type[User], installation: object
) -> ImportJob:
    """Something of everything that is kept encrypted."""
    job = make_bills("good")
    batch = job.batches.get()
    later = timezone.now()
    Evidence.objects.create(
        batch=batch, kind="page", token=cipher().encrypt(b"<p>"), expires_at=later
    )
    CsvUpload.objects.create(
        portal=make_bills.portal, name="x.csv", content=cipher().encrypt(b"email;password"),
        uploaded_by=django_user_model.objects.create(username="u"),
    )  # fmt: skip
    api = CustomerApi.objects.create(
        name="x", url="https://api.example.com/", secret="a", client_secret="b",
        extra_headers='{"X": "c"}', auth="oauth2-client",
    )  # fmt: skip
    AccessToken.objects.create(api=api, token="t", fingerprint="f")
    Channel.objects.create(name="hook", kind="webhook", url="https://e.example.com/", secret="s")
    return job


def test_after_rotating_the_newest_key_opens_everything_and_the_old_one_nothing(
    full: ImportJob, settings: Any
) -> None:
    before = encrypted()
    assert set(before) == WHERE
    new, old = Fernet.generate_key().decode(), settings.CREDENTIAL_KEYS[0]
    settings.CREDENTIAL_KEYS = [new, old]
    call_command("rotate_secrets")
    after = encrypted()
    assert {where: len(tokens) for where, tokens in after.items()} == {
        where: len(tokens) for where, tokens in before.items()
    }
    for where, tokens in after.items():
        opened = {Fernet(new).decrypt(token) for token in tokens}
        assert opened == {Fernet(old).decrypt(token) for token in before[where]}
    settings.CREDENTIAL_KEYS = [new]
    assert Credential.objects.get().password
    assert Evidence.objects.get().opened() == b"<p>"
