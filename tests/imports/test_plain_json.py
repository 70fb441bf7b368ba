"""Mappings and recipes that nobody could keep get a sentence, from every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from bills.models import Portal
from bills.portals.recipe_schema import RecipeError, load_recipe
from imports.customers.api.editing import read_changes
from imports.models import CustomerApi

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

DEEP_LIST = "[" * 100_000 + "]" * 100_000
DEEP_OBJECT = '{"a":' * 100_000 + "1" + "}" * 100_000
BAD = {
    "deep list": f'{{"record": {DEEP_LIST}}}',
    "deep object": DEEP_OBJECT,
    "sixty levels": '{"a":' * 60 + "1" + "}" * 60,
    "half a character": '{"record": {"id": ["\\ud800"]}}',
    "half a character as a key": '{"\\udfff": 1}',
    "NUL": '{"bills": {"rows": "\\u0000"}}',
    "no number": '{"a": NaN}',
}
bad = pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())


@bad
def test_the_readers_refuse_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"levels|deep|character|JSON"):
        read_changes(text)
    with pytest.raises(RecipeError):
        load_recipe(text)


@bad
@pytest.mark.django_db
def test_the_forms_say_so(client: Client, text: str) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    api = {"name": "a", "url": "https://a.example/", "preset": "gk", "auth": "none"}
    pace = {
        "batch_size": 1, "concurrency": 1, "delay_seconds": 0, "timeout_seconds": 10,
        "max_attempts": 1, "retry_delay_seconds": 1,
    }  # fmt: skip
    for page in ("add/", "test/", "mapping/"):
        answer = client.post(f"/admin/imports/customerapi/{page}", api | pace | {"mapping": text})
        assert answer.status_code in (200, 302)
    portal = {
        "name": "p", "login_url": "https://p.example/", "billing_url": "https://p.example/b",
        "attempt_timeout_seconds": 60, "recipe": text,
    }  # fmt: skip
    assert client.post("/admin/bills/portal/add/", pace | portal).status_code == 200
    assert not CustomerApi.objects.exists()
    assert not Portal.objects.exists()


@bad
@pytest.mark.django_db
def test_the_commands_say_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "written.json"
    file.write_text(text)
    for command in (
        ("customer_api", "a", "--url", "https://a.example/", "--mapping", str(file)),
        ("portal", "p", "--login-url", "https://p.example/", "--billing-url",
         "https://p.example/b", "--recipe", str(file)),
    ):  # fmt: skip
        with pytest.raises((CommandError, SystemExit)):
            call_command(*command)
    assert not CustomerApi.objects.exists()
    assert not Portal.objects.exists()
