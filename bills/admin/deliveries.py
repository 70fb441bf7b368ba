"""Destinations of bills with their form, and every delivery with what became of it.

Each kind of destination says what it needs; secrets are only written.
"""

from __future__ import annotations

from pathlib import Path
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
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from bills.admin import common as own
from bills.deliveries import planning, sending
from bills.deliveries.destinations import NO_KEY_OPENS
from bills.deliveries.planning import BadPattern, check_pattern
from bills.models import BillDelivery, Destination
from bills.models.deliveries import DeliveryState, DestinationKind
from imports.admin import formatting, permissions
from imports.admin.base import (
    LedgerAdmin,
    ManagedAdmin,
    PlaceForm,
    check_s3,
    check_sftp,
    named,
    secret_field,
)
from imports.fields import WrongKey
from imports.http.addresses import check_url
from imports.notifications import NO_SERVER, can_send_email
from imports.remote import RemoteFailure
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver


SHORTEST_KEY = 16  # characters of a webhook's signing secret


class DestinationForm(PlaceForm):
    """Where bills go, under which names, and from which portals."""

    place_field = "location"
    moved = gettext_lazy("Enter it again: the destination has changed.")
    secret = secret_field(
        gettext_lazy(
            "S3: the secret key. SFTP: the password, or a private key. Webhook: the signing "
            "secret. It is stored encrypted and never shown. Empty keeps what is stored."
        )
    )
    location = forms.CharField(
        label=gettext_lazy("Where to"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "Folder: its path on the workers’ hosts. S3: s3://bucket/folder. SFTP: "
            "sftp://host:22/folder. E-mail: addresses, one a line. Webhook: its URL."
        ),
    )
    with_earlier_bills = forms.BooleanField(
        label=gettext_lazy("Deliver the bills that are here already"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("Off: only bills that are fetched from now on."),
    )

    class Meta:
        model = Destination
        exclude = ("secret", "after_bill", "next_list_at")  # the form's own `save` writes secrets

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name_pattern"].help_text = _(
            "Fields: {portal} {account} {contract} {number} {date:%Y-%m-%d} {fetched} {amount} "
            "{currency} {id}. A “/” makes a folder. What a bill lacks is left out."
        )
        self.fields["host_key"].help_text = _(
            "The line that “ssh-keyscan HOST” prints, once it has been checked: ssh-ed25519 AAAA…"
        )
        self.fields["endpoint"].help_text = _(
            "Empty for Amazon; else the store’s https:// address."
        )

    def clean_name_pattern(self) -> str:
        pattern: str = self.cleaned_data["name_pattern"]
        try:
            check_pattern(pattern)
        except BadPattern as problem:
            raise ValidationError(in_words(problem.message)) from None
        return pattern

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind, location = data.get("kind"), (data.get("location") or "").strip()
        if kind and location:
            data["location"] = location
            try:
                CHECKS[DestinationKind(kind)](self.place_field, data)
            except ValidationError as problem:
                self.add_error(None, problem)
        self._check_secret(data)
        return data

    def _check_secret(self, data: dict[str, Any]) -> None:
        kind, secret = data.get("kind"), data.get("secret")
        if kind in (DestinationKind.S3, DestinationKind.SFTP, DestinationKind.WEBHOOK):
            self.check_secret(data)
        if secret and kind == DestinationKind.WEBHOOK and len(secret) < SHORTEST_KEY:
            self.add_error("secret", _("At least %(n)s characters.") % {"n": SHORTEST_KEY})


def _check_folder(place_field: str, data: dict[str, Any]) -> None:
    path = Path(data[place_field])
    if not path.is_absolute() or path.resolve().is_relative_to(Path(settings.HOME).resolve()):
        raise ValidationError(
            {place_field: _("Write an absolute path that is not Redrive’s own folder.")}
        )


def _check_mailboxes(place_field: str, data: dict[str, Any]) -> None:
    for each in data[place_field].split():
        try:
            validate_email(each)
        except ValidationError:
            text = _("“%(text)s” is not an e-mail address.") % {"text": each}
            raise ValidationError({place_field: text}) from None
    if not can_send_email():
        raise ValidationError({"kind": in_words(NO_SERVER)})


def _check_webhook(place_field: str, data: dict[str, Any]) -> None:
    with named(place_field):
        check_url(data[place_field], settings.ALLOW_PRIVATE_ADDRESSES)


CHECKS = {
    DestinationKind.FOLDER: _check_folder,
    DestinationKind.S3: check_s3,
    DestinationKind.SFTP: check_sftp,
    DestinationKind.EMAIL: _check_mailboxes,
    DestinationKind.WEBHOOK: _check_webhook,
}


@admin.register(Destination)
class DestinationAdmin(ManagedAdmin):
    """Where new bills are delivered."""

    when_empty = gettext_lazy(
        "A destination receives every new bill once: a folder, a bucket, a server, mailboxes or a "
        "program."
    )
    manage = own.MANAGE_DESTINATIONS
    form = DestinationForm
    list_display = ("name", "kind", "location", "counts_column", "is_active")
    search_fields = ("name", "location")
    search_help_text = gettext_lazy("Name or place")
    change_form_outer_after_template = "bills/deliveries/check.html"
    fieldsets = (
        (None, {"fields": ("name", "kind", "portals", "is_active")}),
        (
            gettext_lazy("Where to"),
            {
                "fields": (
                    "location", "endpoint", "region", "user_name", "host_key", "secret",
                )
            },
        ),
        (
            gettext_lazy("Files"),
            {"fields": ("name_pattern", "list_format", "with_earlier_bills")},
        ),
    )  # fmt: skip
    conditional_fields = {
        "endpoint": "kind == 's3'",
        "region": "kind == 's3'",
        "user_name": "kind == 's3' || kind == 'sftp'",
        "host_key": "kind == 'sftp'",
        "secret": "kind == 's3' || kind == 'sftp' || kind == 'webhook'",
        "list_format": "kind == 'folder' || kind == 's3' || kind == 'sftp'",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Destination]:
        return Destination.objects.defer("secret")

    def save_model(self, request: HttpRequest, obj: Destination, form: Any, change: bool) -> None:
        if not change:
            planning.start_from_now(obj)
        obj.save()
        if form.cleaned_data["with_earlier_bills"]:
            planning.include_earlier(obj)

    @display(description=gettext_lazy("Deliveries"))
    def counts_column(self, destination: Destination) -> str:
        counts = sending.counts_of(destination)
        return render_to_string("bills/deliveries/counts.html", {"counts": counts})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view(check)
        return [
            path("<int:pk>/check/", guarded, name="bills_destination_check"),
            *super().get_urls(),
        ]


def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether the destination, as it is saved, can be reached and written to."""
    permissions.require(request, own.MANAGE_DESTINATIONS)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    destination = get_object_or_404(Destination.objects.defer("secret"), pk=pk)
    try:
        client = sending.open_destination(destination)
        try:
            client.check()
        finally:
            client.close()
    except RemoteFailure as failure:
        proof, message = "failed", failure.message
    except WrongKey:
        proof, message = "failed", NO_KEY_OPENS
    else:
        proof, message = "proven", _("It can be reached. Nothing was delivered.")
    if request.headers.get("HX-Request"):
        return render(request, "imports/api/probe.html", {"proof": proof, "message": message})
    (messages.success if proof == "proven" else messages.error)(request, str(message))
    return redirect("admin:bills_destination_change", pk)


@admin.register(BillDelivery)
class BillDeliveryAdmin(LedgerAdmin):
    """Read only; what failed can be tried again, and what is unknown decided."""

    when_empty = gettext_lazy(
        "Each new bill is delivered to every active destination of its portal."
    )
    list_display = (
        "name_column", "destination", "status_column", "trouble_column", "delivered_column",
    )  # fmt: skip
    list_display_links = None
    list_filter = ("status", "destination", "bill__portal")
    search_fields = ("name", "bill__number", "bill__email")
    search_help_text = gettext_lazy("File name, bill number or e-mail")
    exclude = ("error",)
    actions = ("try_again", "mark_delivered")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BillDelivery]:
        rows = BillDelivery.objects.select_related("bill", "destination")
        return rows.defer("destination__secret")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """For the actions; Django asks for it by this name."""
        return permissions.may(request, permissions.RETRY)

    @display(description=gettext_lazy("File"))
    def name_column(self, delivery: BillDelivery) -> str:
        return render_to_string("bills/deliveries/name.html", {"delivery": delivery})

    @display(description=gettext_lazy("Status"), ordering="status")
    def status_column(self, delivery: BillDelivery) -> str:
        state = DeliveryState(delivery.status)
        return render_to_string(
            "imports/parts/badge.html",
            {"tone": state.tone, "symbol": state.icon, "label": state.label},
        )

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, delivery: BillDelivery) -> str:
        return render_to_string("imports/list/delivery_trouble.html", {"delivery": delivery})

    @display(description=gettext_lazy("Delivered"), ordering="delivered_at")
    def delivered_column(self, delivery: BillDelivery) -> str:
        return render_to_string("imports/list/when.html", {"at": delivery.delivered_at})

    @admin.action(description=gettext_lazy("Try again"), permissions=["decide"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[BillDelivery]) -> None:
        """What failed or is unknown is delivered as if for the first time."""
        count = sending.try_again(queryset.order_by())
        said = ngettext(
            "%(n)s delivery is tried again.", "%(n)s deliveries are tried again.", count
        )
        messages.success(request, said % {"n": formatting.number(count)})

    @admin.action(description=gettext_lazy("Mark as delivered"), permissions=["decide"])
    def mark_delivered(self, request: HttpRequest, queryset: QuerySet[BillDelivery]) -> None:
        """Unknown ones that somebody has found at their destination."""
        count = sending.mark_delivered(queryset.order_by())
        said = ngettext(
            "%(n)s delivery is marked as delivered.", "%(n)s deliveries are marked as delivered.",
            count,
        )  # fmt: skip
        messages.success(request, said % {"n": formatting.number(count)})
