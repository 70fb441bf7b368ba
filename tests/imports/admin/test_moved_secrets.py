"""A stored secret is asked for again when the host that it goes to changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict

from bills.admin.portals import PortalForm
from bills.models import Credential, Portal
from imports.admin.forms import CustomerApiForm
from imports.models import CustomerApi
from tests.imports.command_line import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
HERE, THERE = "https://api.example/v1/customers", "https://elsewhere.example/v1/customers"
OAUTH2 = {
    "auth": "oauth2-password", "token_url": "https://login.example/token", "username": "ann",
    "client_id": "us", "client_secret": "client-secret",
}  # fmt: skip


def api_with(**values: Any) -> CustomerApi:
    stored = {"name": "loyalty", "url": HERE, "auth": "bearer", "secret": "token"} | values
    return CustomerApi.objects.create(**stored)


def refused(api: CustomerApi, **changes: Any) -> set[str]:
    """The secrets that the form asks for again."""
    api = CustomerApi.objects.defer("secret", "client_secret", "extra_headers").get(pk=api.pk)
    values = {name: value for name, value in model_to_dict(api).items() if value is not None}
    shown = {
        k: v for k, v in values.items() if k not in ("secret", "client_secret", "extra_headers")
    }
    form = CustomerApiForm(shown | {"mapping": "", "id": ""} | changes, instance=api)
    return {"secret", "client_secret", "extra_headers"} & set(form.errors)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (HERE, set()),
        ("https://api.example/v2/customers", set()),
        (THERE, {"secret"}),
        ("http://api.example/v1/customers", {"secret"}),
        ("https://api.example:8443/v1/customers", {"secret"}),
    ],
)
def test_a_token_is_asked_for_again_at_another_host(url: str, asked: set[str]) -> None:
    assert asked <= refused(api_with(), url=url)
    if not asked:
        assert refused(api_with(name="another"), url=url) == set()


def test_it_need_not_be_asked_for_where_it_is_given_or_removed() -> None:
    assert refused(api_with(), url=THERE, secret="new") == set()
    assert refused(api_with(name="b"), url=THERE, auth="none", clear_secret="on") == set()


def test_headers_go_where_the_customers_go() -> None:
    api = api_with(auth="none", secret="", extra_headers='{"X-Key": "secret"}')
    assert refused(api, url=THERE) == {"extra_headers"}


def test_the_token_urls_host_counts_for_oauth2() -> None:
    moved = {"token_url": "https://elsewhere.example/token"}
    assert refused(api_with(**OAUTH2), **moved) == {"secret", "client_secret"}
    assert refused(api_with(**OAUTH2, name="b"), url=THERE) == {"secret", "client_secret"}
    assert refused(api_with(**OAUTH2, name="c")) == set()


def test_a_secret_of_another_kind_of_login_does_not_move_with_it() -> None:
    api = api_with(**OAUTH2)
    assert "secret" in refused(api, auth="bearer")  # the password went to the token URL


def portal_with(**recipe: Any) -> Portal:
    return Portal.objects.create(
        name="norrsken", login_url="https://norrsken.example/login",
        billing_url="https://norrsken.example/bills", recipe=recipe,
    )  # fmt: skip


def errors_of(portal: Portal, **changes: Any) -> set[str]:
    values = {name: value for name, value in model_to_dict(portal).items() if value is not None}
    return set(PortalForm(values | {"recipe": ""} | changes, instance=portal).errors)


def test_passwords_stay_with_the_portals_host() -> None:
    portal = portal_with()
    other = {"login_url": "https://elsewhere.example/login"}
    assert errors_of(portal, **other) == set()  # there is no password yet
    Credential.objects.create(portal=portal, email="a@b.se", account="a@b.se", password="secret")
    assert errors_of(portal, **other) == {"login_url"}
    assert errors_of(portal, login_url="https://norrsken.example/new-login") == set()
    assert errors_of(portal, recipe='{"password_hosts": ["elsewhere.example"]}') == {"recipe"}


def test_the_portal_command_leads_no_password_elsewhere(tmp_path: Path) -> None:
    portal = portal_with()
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"password_hosts": ["elsewhere.example"]}')
    moves = (["--login-url", "https://elsewhere.example/login"], ["--recipe", str(recipe)])
    Credential.objects.create(portal=portal, email="a@b.se", account="a@b.se", password="secret")
    for move in moves:
        with pytest.raises(CommandError) as refusal:
            call_command("portal", portal.name, *move)
        assert refusal.value.returncode == 2
    portal.refresh_from_db()
    assert (urlsplit(portal.login_url).hostname, portal.recipe) == ("norrsken.example", {})
    call_command("portal", portal.name, "--login-url", "https://norrsken.example/new")
    Credential.objects.all().delete()
    for move in moves:
        call_command("portal", portal.name, *move)


@pytest.mark.parametrize(
    ("change", "given", "code"),
    [
        (("--url", THERE), (), 2),
        (("--url", THERE), ("--secret-env", "A_SECRET"), 2),  # the headers would go along
        (("--url", THERE), ("--header", "X-Key: new"), 2),
        (("--url", THERE), ("--secret-env", "A_SECRET", "--header", "X-Key: new"), 0),
        (("--url", "https://api.example/v2"), (), 0),
        (("--concurrency", "2"), (), 0),
    ],
)
def test_the_api_command_leads_no_secret_elsewhere(
    change: tuple[str, ...], given: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "new secret")
    api = api_with(extra_headers='{"X-Key": "old"}')
    done = command("customer_api", api.name, *change, *given)
    assert done.code == code
    api.refresh_from_db()
    assert api.url == (change[1] if code == 0 and change[0] == "--url" else HERE)
    if code:
        assert ("--secret-env" in done.err) == ("--secret-env" not in given)


def test_the_api_command_asks_for_the_secret_of_another_token_url() -> None:
    api = api_with(**OAUTH2)
    elsewhere = ("--token-url", "https://elsewhere.example/token")
    assert command("customer_api", api.name, *elsewhere).code == 2


def test_a_second_factor_can_be_removed_for_somebody(client: Any) -> None:
    from config.accounts.models import Authenticator

    client.force_login(User.objects.create_superuser("ann"))
    bob = User.objects.create_user("bob", is_staff=True)
    Authenticator.objects.create(user=bob, confirmed=True)
    client.post(
        "/admin/auth/user/", {"action": "remove_second_factor", "_selected_action": [bob.pk]}
    )
    assert not Authenticator.objects.exists()
