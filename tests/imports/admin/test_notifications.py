"""Channels: what is wrong is said beside its field, and what does not arrive is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail as outbox

from imports import notifications
from imports.admin import home
from imports.ledger import lifecycle
from imports.models import Channel, NotificationDelivery
from tests.imports.admin.conftest import with_permissions
from tests.imports.customers.scripted_server import Server, reply
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from tests.jobs import JobMaker

PLACE = "/admin/imports/channel/"
SENT = "/admin/imports/notificationdelivery/"
SECRET = "canary-9-of-both-sides"


@pytest.fixture
def manager(db: None, installation: Any) -> Client:
    """Logged in as somebody who may say who is notified, and nothing else."""
    return with_permissions("mona", "manage_notifications")


@pytest.fixture
def receiver() -> Iterator[Server]:
    with Server(reply(200)) as server:
        yield server


def save(client: Client, pk: Any = None, **changes: Any) -> Any:
    fields = {"name": "ops", "kind": "email", "wanted": "all", "is_active": "on"} | changes
    return client.post(f"{PLACE}{pk}/change/" if pk else f"{PLACE}add/", fields)


def errors(page: Any) -> dict[str, str]:
    return {name: str(each) for name, each in page.context["adminform"].form.errors.items()}


def test_mailboxes_are_entered_as_people_write_them(manager: Client) -> None:
    answered = save(manager, recipients="anna@example.test, bo@example.test;\r\ncia@example.test")
    assert answered.status_code == 302
    assert Channel.objects.get().addresses == [
        "anna@example.test",
        "bo@example.test",
        "cia@example.test",
    ]


@pytest.mark.parametrize(
    ("changes", "field", "summary"),
    [
        ({"recipients": ""}, "recipients", "Enter at least one recipient"),
        ({"recipients": "anna"}, "recipients", "“anna” is not an e-mail address"),
        ({"kind": "webhook", "secret": SECRET}, "url", "Enter the URL"),
        ({"kind": "webhook", "url": "http://127.0.0.1/"}, "secret", "The receiver needs it"),
        ({"kind": "webhook", "url": "ftp://x/"}, "url", "must begin with https"),
        ({"kind": "webhook", "secret": "short"}, "secret", "At least 16"),
        ({"kind": "webhook", "secret": "whsec_?"}, "secret", "not base64"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    manager: Client, changes: dict[str, str], field: str, summary: str
) -> None:
    assert summary in errors(save(manager, **changes))[field]
    assert not Channel.objects.exists()


def test_an_address_inside_is_refused_where_it_is_not_allowed(
    manager: Client, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = False
    page = save(manager, kind="webhook", url="https://10.0.0.1/hook", secret=SECRET)
    assert "private address" in errors(page)["url"]


def test_without_a_mail_server_a_mailbox_cannot_be_entered(manager: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "EMAIL_URL" in errors(save(manager, recipients="anna@example.test"))["kind"]


def test_a_secret_is_kept_and_never_shown(manager: Client) -> None:
    save(manager, kind="webhook", url="http://127.0.0.1:1/", secret=SECRET)
    channel = Channel.objects.get()
    assert channel.secret == SECRET
    for address in (PLACE, f"{PLACE}{channel.pk}/change/", f"{PLACE}{channel.pk}/history/"):
        assert "canary" not in manager.get(address).content.decode()
    answered = save(manager, channel.pk, kind="webhook", url="http://127.0.0.1:2/")
    assert answered.status_code == 302
    channel.refresh_from_db()
    assert (channel.secret, channel.url) == (SECRET, "http://127.0.0.1:2/")


def test_a_test_is_sent_at_once_and_says_what_came_of_it(
    manager: Client, receiver: Server
) -> None:
    hook = Channel.objects.create(name="hook", kind="webhook", url=receiver.url, secret=SECRET)
    mailbox = Channel.objects.create(name="ops", recipients="ops@example.test")
    asked = {"HTTP_HX_REQUEST": "true"}
    summary = manager.post(f"{PLACE}{hook.pk}/test/", **asked).content.decode()  # type: ignore[arg-type]
    assert "Check that it arrived" in summary
    assert b'"type":"test"' in receiver.received[0].body
    receiver.acts = [reply(403)]
    summary = manager.post(f"{PLACE}{hook.pk}/test/", **asked).content.decode()  # type: ignore[arg-type]
    assert "HTTP 403" in summary
    assert manager.post(f"{PLACE}{mailbox.pk}/test/").status_code == 302
    assert "This is a test" in outbox.outbox[0].body


def test_everything_here_needs_its_permission(viewer: Client, manager: Client) -> None:
    channel = Channel.objects.create(name="ops", recipients="ops@example.test")
    for address in (PLACE, f"{PLACE}add/", f"{PLACE}{channel.pk}/change/", SENT):
        assert viewer.get(address).status_code == 403
        assert manager.get(address).status_code == 200
    assert viewer.post(f"{PLACE}{channel.pk}/test/").status_code == 403
    assert manager.get(f"{PLACE}{channel.pk}/test/").status_code == 405


def test_what_does_not_arrive_is_shown_and_can_be_sent_again(
    manager: Client, make_job: JobMaker, receiver: Server
) -> None:
    Channel.objects.create(name="hook", kind="webhook", url=receiver.url, secret=SECRET)
    receiver.acts = [reply(410)]
    job = make_job(3)
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    assert len(home.signs()) == 4
    notifications.deliver_due()
    sign = home.signs()[-1]
    assert (sign.name, sign.is_well) == ("Notifications", False)
    page = manager.get(SENT).content.decode()
    assert "Given up" in page
    assert "HTTP 410" in page
    its_own = manager.get(f"{SENT}{NotificationDelivery.objects.get().pk}/change/")
    assert "HTTP 410" in its_own.content.decode()
    chosen = {"action": "send_again", "_selected_action": [NotificationDelivery.objects.get().pk]}
    assert manager.post(SENT, chosen).status_code == 302
    receiver.acts = [reply(200)]
    notifications.deliver_due()
    assert "HTTP 410" not in manager.get(SENT).content.decode()
    assert len(home.signs()) == 4


def test_the_list_asks_no_more_for_more_rows(
    manager: Client, make_job: JobMaker, django_assert_max_num_queries: Any
) -> None:
    Channel.objects.create(name="ops", recipients="ops@example.test")
    for _ in range(3):
        lifecycle.cancel(make_job(3), "anna")
    with django_assert_max_num_queries(14):
        assert manager.get(SENT).content.decode().count("Cancelled") >= 3
