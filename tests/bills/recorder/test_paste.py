"""A recorded script is pasted: its recipe opens in the portal's form, and nothing is saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from bills.accounts import codes
from bills.models import Portal, Recording

if TYPE_CHECKING:
    from django.test import Client

SCRIPT = """
page.goto("https://norrsken.example/login")
page.get_by_label("E-mail").fill("ann@example.test")
page.get_by_label("Password").fill("secret-of-ann-1")
page.get_by_role("button", name="Log in").click()
page.goto("https://norrsken.example/bills")
"""
PASTE = "admin:bills_recorder_paste"


@pytest.fixture
def administrator(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def portal(db: None) -> Portal:
    made: Portal = Portal.objects.create(
        name="norrsken", login_url="https://norrsken.example/old",
        billing_url="https://norrsken.example/bills",
        recipe={
            "hosts": ["a.example"], "login": {"answer_seconds": 9, "email": {"label": "User"}},
        },
    )  # fmt: skip
    return made


def test_a_new_portal_opens_with_what_was_recorded(administrator: Client) -> None:
    answer = administrator.post(reverse(PASTE), {"script": SCRIPT, "billing_url": ""})
    made = Recording.objects.get()
    assert answer["Location"] == f"{reverse('admin:bills_portal_add')}?recording={made.pk}"
    page = administrator.get(answer["Location"])
    form = page.context["adminform"].form
    assert form["login_url"].value() == "https://norrsken.example/login"
    assert form["billing_url"].value() == "https://norrsken.example/bills"
    assert json.loads(form["recipe"].value())["login"]["email"] == {"label": "E-mail"}
    assert "no bill was opened" in page.content.decode().lower()
    assert not Portal.objects.exists()


def test_a_known_portal_keeps_what_was_not_recorded(administrator: Client, portal: Portal) -> None:
    place = reverse("admin:bills_recorder_paste_for", args=[portal.pk])
    answer = administrator.post(place, {"script": SCRIPT, "billing_url": ""})
    form = administrator.get(answer["Location"]).context["adminform"].form
    recipe = json.loads(form["recipe"].value())
    assert recipe["hosts"] == ["a.example"]
    assert recipe["login"] == {
        "answer_seconds": 9,
        "email": {"label": "E-mail"},
        "password": {"label": "Password"},
        "submit": {"role": "button", "name": "Log in"},
    }
    portal.refresh_from_db()
    assert portal.recipe["login"]["email"] == {"label": "User"}
    plain = administrator.get(reverse("admin:bills_portal_change", args=[portal.pk]))
    assert json.loads(plain.context["adminform"].form["recipe"].value()) == portal.recipe


def test_no_text_that_was_typed_is_stored_or_shown_again(administrator: Client) -> None:
    for script in (SCRIPT, SCRIPT + "nonsense()\n"):
        shown = administrator.post(reverse(PASTE), {"script": script}, follow=True)
        assert b"secret-of-ann-1" not in shown.content
    stored = Recording.objects.values("recipe", "notes", "login_url", "billing_url", "view")
    assert "secret-of-ann-1" not in str(list(stored))


def test_a_line_that_says_nothing_is_named_beside_the_box(administrator: Client) -> None:
    answer = administrator.post(reverse(PASTE), {"script": SCRIPT + "nonsense()\n"})
    assert answer.status_code == 422
    assert "Line 7 says nothing to Redrive" in answer.content.decode()
    assert not Recording.objects.exists()


@pytest.mark.parametrize("number", ["0", "x", "9" * 30, "-1", ""])
def test_a_recording_that_is_none_changes_nothing(
    administrator: Client, portal: Portal, number: str
) -> None:
    url = reverse("admin:bills_portal_change", args=[portal.pk])
    page = administrator.get(f"{url}?recording={number}")
    assert page.status_code == 200
    assert "Nothing is saved yet" not in page.content.decode()


def test_recordings_are_forgotten_after_a_day(administrator: Client) -> None:
    administrator.post(reverse(PASTE), {"script": SCRIPT})
    made = Recording.objects.get()
    made.acts.create(do="text", text="7712")
    codes.sweep()
    assert Recording.objects.exists()
    with connection.cursor() as sql:
        sql.execute("UPDATE bills_recording SET made_at = made_at - interval '2 days'")
    codes.sweep()
    assert not Recording.objects.exists()
