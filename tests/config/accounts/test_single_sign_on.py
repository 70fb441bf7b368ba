"""Single sign-on against a provider on a socket: who gets in, as whom, and who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.contrib.auth.models import Group, User
from joserfc.jwk import RSAKey

from config.accounts import single_sign_on
from config.accounts.models import Authenticator, Identity
from config.dev.sandbox.http_server import running
from tests.config.accounts.provider import CLIENT, SECRET, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("groups")]
BEGIN = "/admin/single-sign-on/"
ANN = {"sub": "ann-1", "preferred_username": "ann", "email": "ann@example.com"}


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    one = Provider()
    with running(one) as url:
        one.url = url
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = url, CLIENT
        settings.OIDC_CLIENT_SECRET = SECRET
        settings.AUTHENTICATION_BACKENDS = [
            *settings.AUTHENTICATION_BACKENDS, single_sign_on.BACKEND
        ]  # fmt: skip
        one.claims = ANN | {"groups": ["Operators"]}
        yield one


def log_in(client: Client, asked: str = BEGIN) -> Any:
    """Follow the browser to the provider and back; the answer that it ends with."""
    there = client.get(asked)
    assert there.status_code == 302, there
    back = requests.get(there["Location"], allow_redirects=False, timeout=60).headers["Location"]
    return client.get(back)


def user_of(client: Client) -> str:
    """Who is logged in; nobody is ""."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


def groups_of(name: str) -> set[str]:
    return {group.name for group in User.objects.get(username=name).groups.all()}


def test_a_person_of_a_known_group_gets_an_account_and_its_permissions(
    client: Client, provider: Provider
) -> None:
    answer = log_in(client, f"{BEGIN}?next=/admin/imports/importjob/")
    assert answer["Location"] == "/admin/imports/importjob/"
    assert user_of(client) == "ann"
    assert client.get("/admin/imports/importjob/add/").status_code == 200
    ann = User.objects.get(username="ann")
    assert (ann.is_staff, ann.is_superuser, ann.has_usable_password()) == (True, False, False)
    assert groups_of("ann") == {"Operators"}


def test_groups_follow_the_claim_at_each_login(client: Client, provider: Provider) -> None:
    log_in(client)
    provider.claims["groups"] = ["Viewers"]
    log_in(client)
    assert groups_of("ann") == {"Viewers"}
    assert User.objects.count() == 1


def test_groups_can_have_other_names_there_and_local_ones_stay(
    client: Client, provider: Provider, settings: Any
) -> None:
    settings.OIDC_GROUPS = {"idp-ops": "Operators", "idp-all": "Viewers"}
    provider.claims["groups"] = ["idp-ops", "Administrators"]
    log_in(client)
    User.objects.get(username="ann").groups.add(Group.objects.create(name="Night shift"))
    provider.claims["groups"] = ["idp-all"]
    log_in(client)
    assert groups_of("ann") == {"Viewers", "Night shift"}


def test_who_is_in_no_group_does_not_get_in(client: Client, provider: Provider) -> None:
    provider.claims["groups"] = ["Cooks"]
    assert log_in(client)["Location"] == "/admin/login/"
    assert user_of(client) == ""
    assert not User.objects.exists()


def test_who_leaves_every_group_is_shut_out_of_older_sessions_too(
    client: Client, provider: Provider
) -> None:
    log_in(client)
    other = type(client)()
    provider.claims["groups"] = []
    log_in(other)
    assert user_of(other) == ""
    assert client.get("/admin/imports/importjob/").status_code == 302
    assert groups_of("ann") == set()


@pytest.mark.parametrize(
    "existing", [{"password": "a local password"}, {"is_superuser": True, "password": None}]
)
def test_a_local_account_of_the_same_name_is_not_taken_over(
    client: Client, provider: Provider, existing: dict[str, Any]
) -> None:
    User.objects.create_user("ann", **existing)
    assert log_in(client)["Location"] == "/admin/login/"
    assert user_of(client) == ""
    assert not Identity.objects.exists()


def test_an_account_without_a_password_is_taken_over_by_name_once(
    client: Client, provider: Provider
) -> None:
    ann = User.objects.create_user("ann")
    log_in(client)
    assert user_of(client) == "ann"
    assert Identity.objects.get().user == ann
    provider.claims["sub"] = "another ann"
    other = type(client)()
    log_in(other)
    assert user_of(other) == ""


def test_an_account_that_is_switched_off_stays_out(client: Client, provider: Provider) -> None:
    log_in(client)
    User.objects.update(is_active=False)
    other = type(client)()
    assert log_in(other)["Location"] == "/admin/login/"
    assert user_of(other) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"nonce": "of another login"},
        {"exp": 1},
        {"sub": None},
    ],
)
def test_a_token_for_something_else_lets_nobody_in(
    client: Client, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    assert log_in(client)["Location"] == "/admin/login/"
    assert user_of(client) == ""


def test_a_token_that_another_key_signed_lets_nobody_in(
    client: Client, provider: Provider
) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
    assert log_in(client)["Location"] == "/admin/login/"
    assert user_of(client) == ""


@pytest.mark.parametrize("query", ["", "?code=1&state=2", "?error=access_denied"])
def test_an_answer_nobody_asked_for_lets_nobody_in(
    client: Client, provider: Provider, query: str
) -> None:
    assert client.get(f"{BEGIN}back/{query}")["Location"] == "/admin/login/"
    assert user_of(client) == ""


def test_a_next_page_elsewhere_is_not_followed(client: Client, provider: Provider) -> None:
    assert log_in(client, f"{BEGIN}?next=https://elsewhere.example/")["Location"] == "/admin/"


def test_the_provider_answers_for_the_second_factor(
    client: Client, provider: Provider, settings: Any
) -> None:
    settings.TWO_FACTOR_REQUIRED = True
    log_in(client)
    Authenticator.objects.create(user=User.objects.get(), confirmed=True)
    log_in(client)
    assert client.get("/admin/").status_code == 200


def test_the_login_page_offers_it_and_can_leave_passwords_out(
    client: Client, provider: Provider, settings: Any
) -> None:
    page = client.get("/admin/login/?next=/admin/imports/importjob/").content.decode()
    assert f"{BEGIN}?next=/admin/imports/importjob/" in page
    assert 'name="password"' in page
    settings.PASSWORD_LOGIN = False
    assert 'name="password"' not in client.get("/admin/login/").content.decode()


def test_a_provider_that_is_away_says_so_on_the_login_page(client: Client, settings: Any) -> None:
    one = Provider()
    with running(one) as url:
        settings.OIDC_ISSUER = url
    assert client.get(BEGIN)["Location"] == "/admin/login/"


def test_without_a_provider_there_is_no_such_page(client: Client) -> None:
    assert client.get(BEGIN).status_code == 404
    assert client.get(f"{BEGIN}back/").status_code == 404
