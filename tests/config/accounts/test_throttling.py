"""Wrong passwords: after so many, the right one does not help from there, either."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def accounts(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in ("ann", "bob"):
        User.objects.create_superuser(name, password=PASSWORD)


def try_to_log_in(client: Client, password: str, name: str = "ann", **headers: str) -> Any:
    form = {"username": name, "password": password}
    return client.post("/admin/login/?next=/admin/", form, headers=headers or None)


def is_in(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def test_120_wrong_passwords_are_not_followed_by_a_login(client: Client) -> None:
    answers = [try_to_log_in(client, f"wrong {n}").status_code for n in range(120)]
    assert answers.count(200) < 12
    locked = try_to_log_in(client, PASSWORD)
    assert locked.status_code == 429
    assert b'href="/admin/login/"' in locked.content
    assert not is_in(try_to_log_in(client, PASSWORD))


def test_another_account_and_another_address_are_not_locked(client: Client) -> None:
    for n in range(15):
        try_to_log_in(client, f"wrong {n}")
    assert is_in(try_to_log_in(client, PASSWORD, "bob"))
    elsewhere = type(client)(REMOTE_ADDR="192.0.2.7")
    assert is_in(try_to_log_in(elsewhere, PASSWORD))


def test_a_forged_header_is_not_another_address(client: Client, settings: Any) -> None:
    for n in range(15):
        try_to_log_in(client, f"wrong {n}", **{"x-forwarded-for": f"192.0.2.{n}"})
    assert not is_in(try_to_log_in(client, PASSWORD, **{"x-forwarded-for": "192.0.2.99"}))
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for n in range(15):
        forged = f"192.0.2.{n}, 198.51.100.1"  # the proxy adds the last one
        try_to_log_in(client, f"wrong {n}", **{"x-forwarded-for": forged})
    own = {"x-forwarded-for": "192.0.2.200, 198.51.100.1"}
    assert not is_in(try_to_log_in(client, PASSWORD, **own))
    assert is_in(try_to_log_in(client, PASSWORD, **{"x-forwarded-for": "198.51.100.2"}))


def test_the_lock_ends_by_time_by_hand_and_by_a_right_password_before(
    client: Client, settings: Any
) -> None:
    for n in range(15):
        try_to_log_in(client, f"wrong {n}")
    AccessAttempt.objects.update(
        attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME - timedelta(seconds=1)
    )
    assert is_in(try_to_log_in(client, PASSWORD))
    client.logout()
    for _ in range(3):
        for n in range(6):
            try_to_log_in(client, f"wrong {n}")
        assert is_in(try_to_log_in(client, PASSWORD))
        client.logout()
    for n in range(15):
        try_to_log_in(client, f"wrong {n}")
    call_command("axes_reset_username", "ann", verbosity=0)
    assert is_in(try_to_log_in(client, PASSWORD))


def test_no_password_is_kept(client: Client) -> None:
    for n in range(3):
        try_to_log_in(client, f"wrong {n}")
    kept = [str(row) for row in AccessAttempt.objects.values_list()]
    assert kept
    assert not any("wrong" in row for row in kept)


def test_a_script_logs_in_without_an_address() -> None:
    assert authenticate(username="ann", password=PASSWORD) == User.objects.get(username="ann")


@pytest.mark.parametrize("name", ["n" * 5000, "\x00", "\ud800", "ann"])
def test_any_name_gets_an_answer(client: Client, name: str) -> None:
    assert (
        try_to_log_in(client, "wrong", name.encode("utf-8", "replace").decode()).status_code == 200
    )
