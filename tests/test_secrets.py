"""A secret is on no page, in no export, in no log and in no column but the encrypted ones.

Every place that takes a secret is given one, by its own form; the other side says it all back;
then everything that anybody can open, and everything that is kept, is searched.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import logging
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from bills.models import Bill, Credential, Evidence
from config.dev.sandbox.http_server import running
from imports import notifications
from imports.admin.job.page import act_url, tab_url
from imports.models import Attempt, ImportJob, ImportResult, NotificationDelivery
from tests import canaries
from tests.bills.test_groups import make_groups
from tests.crawling import Crawl, body
from tests.echoes import Echo, mail_server
from tests.full_of_secrets import ACCOUNTS, Installation
from tests.imports.admin.conftest import logged_in
from tests.jobs import REFUSED, JobMaker, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)

FEWEST_PAGES = 50
ALIKE = {"Administrators": 1, "Operators": 1, "Viewers": 1}
FAILED = {"OTP_NEEDED", "LOGIN_FAILED", "UNRECOGNISED_PAGE", "SESSION_LOST"}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that any logger says, but for each variable that a template does without."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("django.template"), "level", logging.INFO)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def people(messages: Any) -> dict[str, Client]:
    """One of each group, logged in."""
    make_groups()
    found = {}
    for group in ("Administrators", "Operators", "Viewers"):
        user = User.objects.create(username=f"one-of-{group}", is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        found[group] = logged_in(user)
    return found


@pytest.fixture
def echo(settings: Any) -> Iterator[str]:
    """Where the world that says everything back is; mails go there, too."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", "redrive"
    settings.EMAIL_HOST_PASSWORD = canaries.key("mail")
    with running(Echo()) as url, mail_server() as port:
        settings.EMAIL_PORT = port
        yield f"{url}/echo"


def leaks(found: Iterator[tuple[str, bytes]]) -> tuple[int, list[str]]:
    """How many places were searched, and which of them hold a secret."""
    searched, leaking = 0, []
    for where, content in found:
        searched += 1
        if canaries.is_in(content):
            leaking.append(where)
    return searched, leaking


def test_no_secret_is_on_any_page_or_in_anything_that_is_kept(
    people: dict[str, Client], echo: str, installation: Path, settings: Any, log: io.StringIO,
    messages: Any,
) -> None:  # fmt: skip
    full = Installation(people["Administrators"], echo, installation)
    full.channels()
    full.imports()
    bills = full.bills()
    full.people()
    full.commands(bills)
    notifications.deliver_due()
    assert_it_was_said_back()

    assert leaks(iter(full.answers))[1] == []
    for group, client in people.items():
        crawl = Crawl(client, alike=ALIKE[group])
        assert leaks(crawl.pages())[1] == [], group
        assert len(crawl.seen()) > FEWEST_PAGES
        assert 500 not in crawl.statuses.values()
    searched, leaking = leaks(canaries.kept(installation, messages, log.getvalue()))
    assert leaking == []
    assert searched > FEWEST_PAGES


def assert_it_was_said_back() -> None:
    """The installation is as full of trouble as it was meant to be."""
    codes = set(Attempt.objects.exclude(error_code="").values_list("error_code", flat=True))
    assert codes >= FAILED | {"HTTP_422", "HTTP_500"}
    paused = set(ImportJob.objects.exclude(pause_code="").values_list("pause_code", flat=True))
    assert paused == {"CREDENTIAL_REFUSED", "TOKEN_REFUSED"}
    assert set(
        NotificationDelivery.objects.exclude(error="").values_list("channel__name", flat=True)
    ) == {
        "hook",
        "mail",
    }
    assert {piece.kind for piece in Evidence.objects.all()} == {"screenshot", "page", "trace"}
    assert Bill.objects.get().email == "good@example.test"
    assert Credential.objects.exclude(password="").count() >= len(ACCOUNTS)


@pytest.mark.parametrize(
    "leak",
    [
        canaries.password("x").encode(),
        html.escape(canaries.password("x")).encode(),
        quote(canaries.password("x")).encode(),
        json.dumps(canaries.password("x")).encode(),
        base64.b64encode(f"anna:{canaries.key('x')}".encode()),
        base64.b64encode(f"ann:{canaries.key('x')}".encode()),
        zlib.compress(canaries.key("x").encode()),
        gzip.compress(canaries.key("x").encode(), mtime=0),
    ],
    ids=["plain", "html", "url", "json", "base64", "base64 shifted", "zlib", "gzip"],
)
def test_a_secret_is_recognised_whatever_it_is_written_in(leak: bytes) -> None:
    assert leaks(canaries.opened("here", leak))[1]


def test_a_leak_would_be_seen(
    people: dict[str, Client], make_job: JobMaker, messages: Any, installation: Path
) -> None:
    """In a plain column, and from there on a page, inside a workbook and in the JSON."""
    job = make_job(1)
    answer(job, REFUSED)
    planted = canaries.password("planted")
    ImportResult.objects.update(error=planted, final_error=planted, message=planted)
    assert leaks(canaries.kept(installation, messages, ""))[1] == ["table import_results"]
    addresses = [
        tab_url(job.pk, "failures"),
        f"{act_url(job.pk, 'failures', 'export')}?as=xlsx",
        reverse("admin:imports_importjob_details", args=[job.pk]),
    ]
    for address in addresses:
        answered = people["Administrators"].get(address)
        assert leaks(canaries.opened(address, body(answered)))[1], address


def test_a_refused_form_comes_back_without_what_is_secret(people: dict[str, Client]) -> None:
    fields = {"name": "a", "url": "ftp:", "extra_headers": f"K: {canaries.key('header')}"}
    page = people["Administrators"].post(reverse("admin:imports_customerapi_add"), fields)
    summary = page.content.decode()
    assert canaries.MARK not in summary
    assert "enter it once more" in summary
