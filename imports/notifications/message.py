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
from imports.messages import MessageError
from imports.models.notifications import What

if TYPE_CHECKING:
    from imports.messages import Text
    from imports.models import Channel, Delivery, Notice


class NotDelivered(MessageError):
    """It did not get there. The message is for the operator, without a secret."""

    def __init__(self, message: Text, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final  # another try would come to the same


@dataclass(frozen=True, slots=True)
class Message:
    """One notice to one channel. `key` tells a second arrival of it from another message."""

    key: str
    subject: str
    text: str
    payload: dict[str, Any]


def message_of(delivery: Delivery) -> Message:
    """In the installation's language: nobody in particular reads it."""
    notice, job = delivery.notice, delivery.notice.job
    name = " ".join(job.name.split())
    with translation.override(settings.LANGUAGE_CODE):
        told = {
            "notice": notice,
            "job": job,
            "name": name,
            "sums": notice.sums,
            "at": timezone.localtime(notice.at),
            "link": link_of(notice),
            "channel": delivery.channel,
            "needs_somebody": needs_somebody(notice),
        }
        text = render_to_string("imports/notices/mail.txt", told)
        subject = f"[Redrive] {headline(notice)}: {name}"
    key = f"redrive-{delivery.pk}-{int(notice.at.timestamp())}"
    return Message(key, subject, text, _payload(notice, name))


def message_of_a_test(channel: Channel, key: str) -> Message:
    """For "Send a test": it looks like the others, and is about no job."""
    with translation.override(settings.LANGUAGE_CODE):
        text = render_to_string("imports/notices/test.txt", {"channel": channel})
        subject = f"[Redrive] {_('Test')}: {channel.name}"
    payload = {"type": "test", "timestamp": timezone.now().isoformat(), "data": {}}
    return Message(key, subject, text, payload)


def headline(notice: Notice) -> str:
    """ "Finished with failures"."""
    if notice.what == What.FINISHED and needs_somebody(notice):
        return _("Finished, and needs you")
    if notice.what == What.FINISHED:
        return _("Finished, all well")
    return notice.get_what_display()


def link_of(notice: Notice) -> str:
    """Where to look: the failures if there are any, else the job's page."""
    tab = "failures" if notice.sums["error"] else "progress"
    if notice.what == What.NOT_WRITTEN:
        tab = "retry-files"
    named = {"pk": notice.job_id, "tab": tab}
    if notice.what == What.REFUSED:
        path = reverse("admin:imports_importjob_change", args=[notice.job_id])
    else:
        path = reverse("admin:imports_importjob_tab", kwargs=named)
    return f"{settings.SITE_URL}{path}"


def _payload(notice: Notice, name: str) -> dict[str, Any]:
    numbers = ("total", "success", "error", "unknown", "excluded", "pending")
    return {
        "type": f"job.{notice.what}",
        "timestamp": notice.at.isoformat(),
        "data": {
            "job": notice.job_id,
            "kind": notice.job.kind,
            "name": name,
            "cause": notice.cause or None,
            "needs_somebody": needs_somebody(notice),
            **{each: notice.sums[each] for each in numbers},
            "url": link_of(notice),
        },
    }
