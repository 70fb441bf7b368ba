"""Destinations of bills, and every delivery with what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from bills.admin import common as own
from bills.admin.delivery_forms import DestinationForm
from bills.deliveries import planning, sending
from bills.deliveries.destinations import open_destination
from bills.deliveries.destinations.base import NO_KEY_OPENS
from bills.models import BillDelivery, Destination
from bills.models.deliveries import DeliveryState
from imports.admin import formatting, permissions
from imports.admin.base import LedgerAdmin, ManagedAdmin
from imports.fields import WrongKey
from imports.remote.failures import RemoteFailure

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver


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
        client = open_destination(destination)
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

    when_empty = gettext_lazy("Bills are delivered once there is a destination: add one first.")
    list_display = (
        "name_column", "destination", "status_column", "trouble_column", "delivered_column",
    )  # fmt: skip
    list_display_links = None
    list_filter = ("status", "destination", "bill__portal")
    search_fields = ("name", "bill__number", "bill__email")
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
