"""What a notice says: to people as a mail, to programs as JSON. The same at every try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from imports.ledger.lifecycle import needs_somebody
from imports.messages import MessageError, render
from imports.models.notifications import What
from imports.rendering import in_words

if TYPE_CHECKING:
    from imports.messages import Text
    from imports.models import Channel, Notification, NotificationDelivery


class NotDelivered(MessageError):
    """It did not get there. The message is for the operator, without a secret."""

    def __init__(self, message: Text, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final  # another try would come to the same


@dataclass(frozen=True, slots=True)
class Message:
    """One notification to one channel. `key` identifies a repeated delivery."""

    key: str
    subject: str
    text: str
    payload: dict[str, Any]


def message_of(delivery: NotificationDelivery) -> Message:
    """In the installation's language: nobody in particular reads it."""
    notification, job = delivery.notification, delivery.notification.job
    name = " ".join(job.name.split())
    with translation.override(settings.LANGUAGE_CODE):
        summary = {
            "notification": notification,
            "job": job,
            "name": name,
            "job_totals": notification.job_totals,
            "at": timezone.localtime(notification.at),
            "link": link_of(notification),
            "channel": delivery.channel,
            "needs_somebody": needs_somebody(notification),
            "said": in_words(notification.message),
        }
        text = render_to_string("imports/notifications/mail.txt", summary)
        subject = f"[Redrive] {headline(notification)}: {name}"
    key = f"redrive-{delivery.pk}-{int(notification.at.timestamp())}"
    return Message(key, subject, text, _payload(notification, name))


def message_of_a_test(channel: Channel, key: str) -> Message:
    """For "Send a test": it looks like the others, and is about no job."""
    with translation.override(settings.LANGUAGE_CODE):
        text = render_to_string("imports/notifications/test.txt", {"channel": channel})
        subject = f"[Redrive] {_('Test')}: {channel.name}"
    payload = {"type": "test", "timestamp": timezone.now().isoformat(), "data": {}}
    return Message(key, subject, text, payload)


def headline(notification: Notification) -> str:
    """ "Finished with failures"."""
    if notification.what == What.FINISHED and needs_somebody(notification):
        return _("Finished, needs attention")
    if notification.what == What.FINISHED:
        return _("Finished without failures")
    return notification.get_what_display()


def link_of(notification: Notification) -> str:
    """Where to look: the failures if there are any, else the job's page."""
    if notification.path:
        return f"{settings.SITE_URL}{notification.path}"
    tab = "failures" if notification.job_totals["error"] else "progress"
    if notification.what == What.NOT_WRITTEN:
        tab = "retry-files"
    named = {"pk": notification.job_id, "tab": tab}
    if notification.what == What.REFUSED:
        path = reverse("admin:imports_importjob_change", args=[notification.job_id])
    else:
        path = reverse("admin:imports_importjob_tab", kwargs=named)
    return f"{settings.SITE_URL}{path}"


def _payload(notification: Notification, name: str) -> dict[str, Any]:
    numbers = ("total", "success", "error", "unknown", "excluded", "pending")
    return {
        "type": f"job.{notification.what}",
        "timestamp": notification.at.isoformat(),
        "data": {
            "job": notification.job_id,
            "kind": notification.job.kind,
            "name": name,
            "cause": notification.cause or None,
            **({"message": render(notification.message)} if notification.message else {}),
            "needs_somebody": needs_somebody(notification),
            **{each: notification.job_totals[each] for each in numbers},
            "url": link_of(notification),
        },
    }
