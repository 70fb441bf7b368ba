"""Notification channels: who is told of what. And what was sent, with its error if it was not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from imports import notifications
from imports.admin import formatting, permissions
from imports.admin.base import LedgerAdmin, ManagedAdmin
from imports.http.addresses import BadAddress, check_url
from imports.models import Channel, NotificationDelivery
from imports.models.notifications import ChannelKind
from imports.notifications import NotDelivered, headline
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver

    ChannelModelForm = forms.ModelForm[Channel]
else:
    ChannelModelForm = forms.ModelForm


MOST_RECIPIENTS = 50
SHORTEST_KEY = 16  # bytes


class ChannelForm(ChannelModelForm):
    """Mailboxes, or an address and a secret. An empty secret keeps what is stored."""

    recipients = forms.CharField(
        label=gettext_lazy("Recipients"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "anna@example.com"}),
        help_text=gettext_lazy(
            "E-mail addresses, one per line. They all receive the same e-mail."
        ),
    )
    secret = forms.CharField(
        label=gettext_lazy("Signing secret"),
        required=False,
        max_length=1_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Channel
        exclude = ("secret",)  # written by `save` alone

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = Channel.objects.filter(pk=self.instance.pk)
        self.has_secret = row.exclude(secret="").exists()
        self.fields["secret"].help_text = _secret_help(self.has_secret)
        self.fields["url"].widget.attrs["data-secret"] = ""  # a webhook's address may hold a token
        self.fields["url"].help_text = _(
            "Each notification is sent here as a JSON POST. The receiver must answer 200 "
            "within 10 seconds."
        )

    def clean_recipients(self) -> str:
        """One address a line, each of which could be one."""
        found = self.cleaned_data["recipients"].replace(",", " ").replace(";", " ").split()
        for each in found:
            try:
                validate_email(each)
            except ValidationError:
                said = _("“%(text)s” is not an e-mail address.") % {"text": each}
                raise ValidationError(said) from None
        if len(found) > MOST_RECIPIENTS:
            raise ValidationError(_("At most %(n)s. Use a mailing list.") % {"n": MOST_RECIPIENTS})
        return "\n".join(found)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url:
            try:
                check_url(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
            except BadAddress as error:
                raise ValidationError(str(error)) from None
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if secret:
            try:
                key = notifications.key_of(secret)
            except NotDelivered:
                raise ValidationError(_("What follows “whsec_” is not base64.")) from None
            if len(key) < SHORTEST_KEY:
                raise ValidationError(_("At least %(n)s characters.") % {"n": SHORTEST_KEY})
        return secret

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") == ChannelKind.EMAIL:
            self._need(data, "recipients", _("Enter at least one recipient."))
            if not notifications.can_send_email():
                self.add_error(
                    "kind", _("No mail server is configured. An administrator must set EMAIL_URL.")
                )
        else:
            self._need(data, "url", _("Enter the URL."))
            if not self.has_secret:
                self._need(data, "secret", _("The receiver needs it to verify the sender."))
        return data

    def _need(self, data: dict[str, Any], name: str, why: str) -> None:
        if not data.get(name) and name not in self.errors:
            self.add_error(name, why)

    def save(self, commit: bool = True) -> Channel:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]
        saved: Channel = super().save(commit)
        return saved


def _secret_help(is_stored: bool) -> str:
    if is_stored:
        return _("A secret is stored, encrypted, and not shown. Leave this empty to keep it.")
    return _("The receiver needs the same secret. It is encrypted and never shown again.")


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
    search_help_text = gettext_lazy("Name")
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
        notifications.send_test(channel, f"redrive-test-{secrets.token_hex(8)}")
    except NotDelivered as failure:
        ok, message = False, in_words(failure.message)
    else:
        ok, message = True, _("Sent. Check that it arrived.")
    if request.headers.get("HX-Request"):
        shown = {"proof": "proven" if ok else "failed", "message": message}
        return render(request, "imports/api/probe.html", shown)
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
        count = notifications.send_again(queryset.order_by())
        said = ngettext(
            "%(n)s notification will be sent again.",
            "%(n)s notifications will be sent again.",
            count,
        )
        messages.success(request, said % {"n": formatting.number(count)})
