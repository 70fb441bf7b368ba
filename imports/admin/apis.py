"""Customer APIs: where customers go. Their secrets can be set and cleared, never read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import permissions
from imports.admin.managed import ManagedAdmin
from imports.customers.presets import SPEEDS
from imports.customers.setup import remarks_on
from imports.fields import WrongKey
from imports.forms import CustomerApiForm
from imports.forms.jobs import SECRETS
from imports.models import CustomerApi

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver

FOR_OAUTH2 = "['oauth2-password', 'oauth2-client'].includes(auth)"


@admin.register(CustomerApi)
class CustomerApiAdmin(ManagedAdmin):
    """An API's address, credential and pace."""

    when_empty = gettext_lazy("An API says where customers are sent, as whom and how fast.")
    manage = permissions.MANAGE_APIS
    secrets = (*SECRETS, *(f"clear_{name}" for name in SECRETS))
    form = CustomerApiForm
    list_display = ("name", "url_column", "auth", "pace_column", "test_column")
    search_fields = ("name", "url")
    change_form_before_template = "imports/api/before.html"
    change_form_outer_after_template = "imports/api/test.html"
    conditional_fields = {
        "token_url": FOR_OAUTH2,
        "username": "['basic', 'oauth2-password'].includes(auth)",
        "client_id": FOR_OAUTH2,
        "client_secret": FOR_OAUTH2,
        "clear_client_secret": FOR_OAUTH2,
        "header_name": "auth == 'header'",
        "secret": "!['none', 'oauth2-client'].includes(auth)",
        "clear_secret": "!['none', 'oauth2-client'].includes(auth)",
    }
    fieldsets = (
        (None, {"fields": ("name", "url", "preset", "refusal_stored_nothing")}),
        (
            gettext_lazy("Who sends"),
            {
                "fields": (
                    "auth", "header_name", "token_url", "username", "secret", "clear_secret",
                    "client_id", "client_secret", "clear_client_secret", "extra_headers",
                    "clear_extra_headers",
                )
            },
        ),
        (
            gettext_lazy("How fast"),
            {
                "classes": ("redrive-pace",),
                "fields": (
                    "batch_size", "concurrency", "delay_seconds", "timeout_seconds",
                    "max_attempts", "retry_delay_seconds",
                ),
            },
        ),
        (gettext_lazy("For experts"), {"fields": ("idempotency_header", "mapping")}),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: CustomerApi, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for remark in remarks_on(obj):
            messages.warning(request, remark)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerApi]:
        return CustomerApi.objects.defer(*SECRETS)

    @display(description=gettext_lazy("URL"), ordering="url")
    def url_column(self, api: CustomerApi) -> str:
        return api.url

    @display(description=gettext_lazy("Pace"))
    def pace_column(self, api: CustomerApi) -> str:
        return render_to_string("imports/api/pace.html", {"api": api})

    @display(description=gettext_lazy("Connection"))
    def test_column(self, api: CustomerApi) -> str:
        return render_to_string("imports/api/test_link.html", {"api": api})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        told = context | {"speeds": SPEEDS}
        page: HttpResponse = super().render_change_form(request, told, *args, **kwargs)
        return page

    def get_urls(self) -> list[URLPattern | URLResolver]:
        test = self.admin_site.admin_view(self.test_view)
        mine = path("<int:pk>/test/", test, name="imports_customerapi_test")
        return [mine, *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test connection: sends no customer, says what it saw."""
        permissions.require(request, permissions.MANAGE_APIS)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        get_object_or_404(CustomerApi.objects.defer(*SECRETS), pk=pk)
        ok, sentence = _probe(pk)
        if request.headers.get("HX-Request"):
            return render(request, "imports/api/probe.html", {"ok": ok, "sentence": sentence})
        (messages.success if ok else messages.error)(request, sentence)
        return redirect("admin:imports_customerapi_change", pk)


def _probe(pk: int) -> tuple[bool, str]:
    from imports.customers.kind import probe

    try:
        found = probe(CustomerApi.objects.get(pk=pk))
    except WrongKey:
        return False, _("No key in CREDENTIAL_KEYS opens its stored secrets. Enter them again.")
    return found.ok, found.sentence
