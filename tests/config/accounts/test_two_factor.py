"""The second factor: set up, asked for, and not to be got round."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django_otp.oath import TOTP

from config.accounts.models import Authenticator

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
PAGE = "/admin/two-factor/"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann(settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("ann", password=PASSWORD)


def log_in(client: Client) -> Any:
    form = {"username": "ann", "password": PASSWORD}
    return client.post("/admin/login/?next=/admin/", form)


def code_of(user: User) -> str:
    key = Authenticator.objects.get(user=user).key
    return f"{TOTP(bytes.fromhex(key)).token():06}"


def enter(client: Client, code: str, **more: str) -> Any:
    return client.post(PAGE, {"code": code, **more})


@pytest.fixture
def recovery_codes(client: Client, ann: User) -> list[str]:
    """Those of ann, who has set her authenticator up; `client` is logged out again."""
    log_in(client)
    client.get(PAGE)
    page = enter(client, code_of(ann)).content.decode()
    client.logout()
    Authenticator.objects.update(last_step=-1)  # its code is needed once more
    return re.findall(r"<li>([0-9a-f]{10})</li>", page)


def test_without_an_authenticator_a_password_is_enough(client: Client, ann: User) -> None:
    log_in(client)
    assert client.get("/admin/").status_code == 200


def test_with_one_every_page_leads_to_the_code(
    client: Client, ann: User, recovery_codes: list[str]
) -> None:
    log_in(client)
    asked = client.get("/admin/imports/importjob/?status=paused")
    assert asked.status_code == 302
    assert asked["Location"].startswith(PAGE)
    assert client.post("/admin/imports/customerapi/add/", {}).status_code == 302
    answer = client.post(asked["Location"], {"code": code_of(ann)})
    assert answer["Location"] == "/admin/imports/importjob/?status=paused"
    assert client.get("/admin/").status_code == 200


def test_a_code_is_good_for_one_login(
    client: Client, ann: User, recovery_codes: list[str]
) -> None:
    code = code_of(ann)
    for status in (200, 302):
        log_in(client)
        enter(client, code)
        assert client.get("/admin/").status_code == status
        client.logout()


def test_a_recovery_code_lets_in_once(
    client: Client, ann: User, recovery_codes: list[str]
) -> None:
    assert len(recovery_codes) == 10
    for status in (200, 302):
        log_in(client)
        enter(client, recovery_codes[0])
        assert client.get("/admin/").status_code == status
        client.logout()


def test_guessing_is_slowed_down(client: Client, ann: User, recovery_codes: list[str]) -> None:
    log_in(client)
    for _ in range(3):
        enter(client, "000000")
    enter(client, code_of(ann))
    assert client.get("/admin/").status_code == 302
    Authenticator.objects.update(throttling_failure_timestamp=None)  # time has passed
    enter(client, code_of(ann))
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("code", ["", "12", "½½½½½½", "١٢٣٤٥٦", "a" * 3000, "\x00"])
def test_what_is_no_code_lets_nobody_in(
    client: Client, ann: User, recovery_codes: list[str], code: str
) -> None:
    log_in(client)
    assert enter(client, code).status_code == 302
    assert client.get("/admin/").status_code == 302


def test_it_can_be_required(client: Client, ann: User, settings: Any) -> None:
    settings.TWO_FACTOR_REQUIRED = True
    log_in(client)
    assert client.get("/admin/")["Location"].startswith(PAGE)
    page = client.get(PAGE)
    assert b"rd-qr" in page.content
    enter(client, code_of(ann))
    assert client.get("/admin/").status_code == 200
    Authenticator.objects.update(last_step=-1)
    enter(client, code_of(ann), remove="1")
    assert Authenticator.objects.filter(confirmed=True).exists()


def test_its_owner_can_remove_it_with_a_code_only(
    client: Client, ann: User, recovery_codes: list[str]
) -> None:
    log_in(client)
    enter(client, code_of(ann), remove="1")  # a login, not yet a removal
    assert Authenticator.objects.exists()
    enter(client, "000000", remove="1")
    assert Authenticator.objects.exists()
    enter(client, recovery_codes[0], remove="1")
    Authenticator.objects.update(throttling_failure_timestamp=None)
    enter(client, recovery_codes[1], remove="1")
    assert not Authenticator.objects.filter(confirmed=True).exists()


def test_the_key_is_encrypted_and_shown_until_it_is_confirmed_only(
    client: Client, ann: User, recovery_codes: list[str]
) -> None:
    with connection.cursor() as sql:
        sql.execute("SELECT key, recovery_hashes FROM accounts_authenticator")
        stored, hashes = sql.fetchone()
    assert Authenticator.objects.get().key not in stored
    assert not set(hashes) & set(recovery_codes)
    log_in(client)
    enter(client, code_of(ann))
    assert b"rd-qr" not in client.get(PAGE).content


def test_nobody_has_one_without_a_login(client: Client) -> None:
    assert client.get(PAGE)["Location"].startswith("/admin/login/")
    assert enter(client, "123456")["Location"].startswith("/admin/login/")
