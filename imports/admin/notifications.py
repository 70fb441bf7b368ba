"""Notification channels: who is told of what. And what was sent, with its error if it was not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from imports.admin import formatting, permissions
from imports.admin.base import LedgerAdmin, ManagedAdmin
from imports.admin.forms import ChannelForm
from imports.models import Channel, NotificationDelivery
from imports.notifications import delivery as notifications_delivery
from imports.notifications.message import NotDelivered, headline
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver


@admin.register(Channel)
class ChannelAdmin(ManagedAdmin):
    """Mailboxes and webhooks."""

    when_empty = gettext_lazy(
        "A channel defines who is notified when a job ends or needs attention."
    )
    manage = permissions.MANAGE_NOTIFICATIONS
    form = ChannelForm
    list_display = ("name", "kind", "goes_to_column", "wanted", "is_active")
    search_fields = ("name",)
    change_form_outer_after_template = "imports/notifications/test.html"
    fieldsets = (
        (None, {"fields": ("name", "kind", "wanted", "is_active")}),
        (gettext_lazy("Destination"), {"fields": ("recipients", "url", "secret")}),
    )
    conditional_fields = {
        "recipients": "kind == 'email'",
        "url": "kind == 'webhook'",
        "secret": "kind == 'webhook'",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        return Channel.objects.defer("secret")

    @display(description=gettext_lazy("To"))
    def goes_to_column(self, channel: Channel) -> str:
        return ", ".join(channel.addresses) or channel.url

    def get_urls(self) -> list[URLPattern | URLResolver]:
        test = self.admin_site.admin_view(send_test)
        return [path("<int:pk>/test/", test, name="imports_channel_test"), *super().get_urls()]


def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test: one message, at once, to where the channel leads as it is saved."""
    permissions.require(request, permissions.MANAGE_NOTIFICATIONS)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    channel = get_object_or_404(Channel.objects.defer("secret"), pk=pk)
    try:
        notifications_delivery.send_test(channel, f"redrive-test-{secrets.token_hex(8)}")
    except NotDelivered as failure:
        ok, message = False, in_words(failure.message)
    else:
        ok, message = True, _("Sent. Check that it arrived.")
    if request.headers.get("HX-Request"):
        summary = {"proof": "proven" if ok else "failed", "message": message}
        return render(request, "imports/api/probe.html", summary)
    (messages.success if ok else messages.error)(request, message)
    return redirect("admin:imports_channel_change", pk)


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(LedgerAdmin):
    """Read only; what was given up can be sent again."""

    when_empty = gettext_lazy(
        "To be notified when a job ends or needs attention, add a notification channel first."
    )
    list_display = (
        "when_column", "job_column", "what_column", "channel", "status_column", "trouble_column",
    )  # fmt: skip
    list_display_links = None
    list_filter = ("status", "channel")
    exclude = ("error",)  # a message: the column says it in the reader's language
    readonly_fields = ("trouble_column",)
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationDelivery]:
        return NotificationDelivery.objects.select_related("notification__job", "channel").defer(
            "channel__secret"
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return permissions.may(request, permissions.MANAGE_NOTIFICATIONS)

    has_module_permission = has_manage_permission = has_view_permission

    @display(description=gettext_lazy("When"))
    def when_column(self, delivery: NotificationDelivery) -> str:
        return render_to_string("imports/list/when.html", {"at": delivery.notification.at})

    @display(description=gettext_lazy("Job"))
    def job_column(self, delivery: NotificationDelivery) -> str:
        return render_to_string("imports/list/of_job.html", {"job": delivery.notification.job})

    @display(description=gettext_lazy("About"))
    def what_column(self, delivery: NotificationDelivery) -> str:
        return headline(delivery.notification)

    @display(description=gettext_lazy("Status"))
    def status_column(self, delivery: NotificationDelivery) -> str:
        return render_to_string("imports/status/delivery.html", {"delivery": delivery})

    @display(description=gettext_lazy("Error"))
    def trouble_column(self, delivery: NotificationDelivery) -> str:
        return render_to_string("imports/list/delivery_trouble.html", {"delivery": delivery})

    @admin.action(description=gettext_lazy("Send again"), permissions=["manage"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[NotificationDelivery]) -> None:
        """Those that were given up go out as if for the first time."""
        count = notifications_delivery.send_again(queryset.order_by())
        summary = ngettext(
            "%(n)s notification will be sent again.",
            "%(n)s notifications will be sent again.",
            count,
        )
        messages.success(request, summary % {"n": formatting.number(count)})
