"""A portal is gone through once, in a worker's browser: what was done becomes its recipe."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Value
from django.db.models.functions import Now
from django.urls import reverse
from PIL import Image

from bills import recorder
from bills.models import Bill, Credential, Portal, RecordedAct, Recording
from bills.portals.recipe_schema import load_recipe
from imports.engine import runner
from tests.bills.processes import wait_until
from tests.bills.recorder.driving import account, recording
from tests.bills.runs import PASSWORD, full, run

if TYPE_CHECKING:
    from django.test import Client

    from config.dev.sandbox.portal import PortalSite
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = full("good")


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def good(portal: Portal, messages: Any) -> Credential:
    return account(portal, GOOD, PASSWORD)


def test_a_recorded_recipe_downloads_the_bills(
    administrator: Client, portal: Portal, good: Credential, make_bills: BillMaker
) -> None:
    """From the empty recipe to a job's bills, and the form is what saves it."""
    Portal.objects.filter(pk=portal.pk).update(recipe={})
    with recording(administrator, portal, GOOD) as it:
        it.log_in()
        assert "KNOWN_AS_IN" in it.do("logged_in").message.code
        assert "3 bills" in str(it.do("list").message)
        it.keys("Tab", "Tab")  # past "Log out"
        pressed = it.keys("Enter")
        assert pressed.act["gives"] == "document", pressed.message
        opened = administrator.post(it.url("finish"))
    form = administrator.get(opened["Location"]).content.decode()
    assert "Nothing is saved yet" in form
    recorded = Recording.objects.get()
    portal.refresh_from_db()
    assert portal.recipe == {}
    assert recorded.recipe["login"] == {
        "email": {"label": "E-mail"},
        "password": {"label": "Password"},
    }
    assert recorded.billing_url == portal.billing_url
    load_recipe(recorded.recipe)

    assert saved(administrator, portal, recorded).status_code == 302
    assert Portal.objects.get().recipe == recorded.recipe
    good.refresh_from_db()
    assert (good.refused_count, good.unproven_count) == (0, 0)
    run(make_bills("good"))
    assert Bill.objects.count() == 3


def saved(client: Client, portal: Portal, recorded: Recording) -> Any:
    fields = {
        "name": portal.name, "login_url": recorded.login_url,
        "billing_url": recorded.billing_url, "recipe": json.dumps(recorded.recipe),
        "max_attempts": 5, "retry_delay_seconds": 0, "attempt_timeout_seconds": 60,
        "concurrency": 3, "code_wait_seconds": 0,
    }  # fmt: skip
    return client.post(reverse("admin:bills_portal_change", args=[portal.pk]), fields)


def test_its_picture_is_one_of_the_page_and_goes_with_the_browser(
    administrator: Client, portal: Portal, good: Credential
) -> None:
    with recording(administrator, portal, GOOD) as it:
        png = administrator.get(it.url("picture")).content
        assert Image.open(io.BytesIO(png)).size == (1280, 720)
        assert recorder.picture_of(it.recording)
        pressed = it.do("click", x="640", y="5")
        assert pressed.act["kind"] == "click"
    assert administrator.get(it.url("picture")).status_code == 404
    assert recorder.picture_of(it.recording) is None


def test_the_password_is_shown_nowhere_and_counted_when_it_is_refused(
    administrator: Client, portal: Portal, messages: Any
) -> None:
    credential = account(portal, full("wrongpassword"), "secret-of-ann-1")
    with recording(administrator, portal, credential.email) as it:
        assert it.log_in().message.code == "REMOTE_WAS_REFUSED"
        shown = it.shown()
        assert "secret-of-ann-1" not in shown
        it.recording.refresh_from_db()
        rows = [str(row) for row in RecordedAct.objects.values_list("act", "message")]
        assert "secret-of-ann-1" not in json.dumps(it.recording.view) + "".join(rows)
        assert not RecordedAct.objects.exclude(text="").exists()
    credential.refresh_from_db()
    assert (credential.refused_count, credential.unproven_count) == (1, 0)


def test_a_password_that_was_refused_often_is_not_typed(
    administrator: Client, portal: Portal, site: PortalSite, messages: Any
) -> None:
    credential = account(portal, full("wrongpassword"), "secret-of-ann-1")
    Credential.objects.filter(pk=credential.pk).update(refused_count=portal.password_limit)
    with recording(administrator, portal, credential.email) as it:
        pressed = it.log_in()
        assert (pressed.went_wrong, pressed.act) == (True, {})
    assert not site.accounts.counts.logins
    credential.refresh_from_db()
    assert credential.refused_count == portal.password_limit


def test_typing_needs_a_box_and_a_password_its_own_button(
    administrator: Client, portal: Portal, good: Credential
) -> None:
    with recording(administrator, portal, GOOD) as it:
        for what in ("user", "password", "text", "code"):
            assert it.do(what, text="123456").message.code == "REMOTE_NO_BOX"
        it.keys("Tab", "Tab")
        assert it.do("text", text="visible").message.code == "REMOTE_USE_BUTTON"
        assert it.do("user").message.code == "REMOTE_NO_BOX"
        assert it.do("choose", text="2026").message.code == "REMOTE_GONE"
        assert it.do("key", key="F12").message.code == "REMOTE_NOTHING_THERE"
        assert administrator.post(it.url("act"), {"do": "evaluate"}).status_code == 302
        assert not RecordedAct.objects.filter(do="evaluate").exists()
        assert recorder.steps_of(it.recording) == []


def test_a_step_can_be_undone_and_what_is_missing_is_said(
    administrator: Client, portal: Portal, good: Credential
) -> None:
    with recording(administrator, portal, GOOD) as it:
        it.keys("Tab")
        it.do("user")
        assert len(recorder.steps_of(it.recording)) == 1
        administrator.post(it.url("act"), {"do": "undo"})
        assert recorder.steps_of(it.recording) == []
        answer = administrator.post(it.url("finish"), follow=True)
        assert "Nothing is typed into a box for the password" in answer.content.decode()
        it.recording.refresh_from_db()
        assert (it.recording.ended_at, it.recording.recipe) == (None, {})


def test_a_portal_is_recorded_by_one_at_a_time_and_its_history_says_by_whom(
    administrator: Client, portal: Portal, good: Credential
) -> None:
    with recording(administrator, portal, GOOD) as it:
        page = reverse("admin:bills_recorder", args=[portal.pk])
        answer = administrator.post(page, {"email": GOOD}, follow=True).content.decode()
        assert "This portal is being recorded already" in answer
        assert it.url("watch") in answer
    assert Recording.objects.count() == 1
    (entry,) = LogEntry.objects.filter(object_id=str(portal.pk))
    assert (entry.user.username, GOOD in entry.change_message) == ("ann", False)


@pytest.mark.parametrize("field", ["seen_at", "until"])
def test_the_browser_closes_when_nobody_uses_it(
    administrator: Client, portal: Portal, good: Credential, field: str
) -> None:
    with recording(administrator, portal, GOOD) as it:
        long_ago = Now() - Value(timedelta(seconds=recorder.UNSEEN_SECONDS + 1))
        mine = Recording.objects.filter(pk=it.recording.pk)
        mine.update(**{field: long_ago})
        wait_until(mine.filter(ended_at__isnull=False).exists, "the browser to close")
        wait_until(mine.filter(message__isnull=False).exists, "the reason")
        it.recording.refresh_from_db()
        assert it.recording.message.code == "RECORDING_NOT_WATCHED"
        assert "Record again" in it.shown()
        assert not recorder.ask(it.recording, "list")


def test_a_worker_that_is_stopped_says_so(
    administrator: Client, portal: Portal, good: Credential
) -> None:
    with recording(administrator, portal, GOOD) as it:
        runner.stopping.set()
        try:
            mine = Recording.objects.filter(pk=it.recording.pk)
            wait_until(mine.filter(message__isnull=False).exists, "the reason")
        finally:
            runner.stopping.clear()
        it.recording.refresh_from_db()
        assert it.recording.error_code == "INTERRUPTED"
        assert "The worker was stopped" in it.shown()


def test_an_account_needs_a_stored_password(administrator: Client, portal: Portal) -> None:
    account(portal, GOOD, "")
    page = reverse("admin:bills_recorder", args=[portal.pk])
    for email in (GOOD, full("nobody")):
        assert administrator.post(page, {"email": email}).status_code == 422
    assert not Recording.objects.exists()
