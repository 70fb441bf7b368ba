"""Customer APIs: where customers go. Their secrets can be set and cleared, never read.

The playground on an API's page shows what its mapping would send, and what it reads out of an
answer.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import permissions
from imports.admin.base import HealthColumn, ManagedAdmin
from imports.admin.forms import REFUSALS, CustomerApiForm, with_answer
from imports.customers.api import playground
from imports.customers.api.editing import probe_unsaved, read_changes, values_in_force
from imports.customers.api.mapping import BadMapping, preset
from imports.customers.api.playground import LONGEST_SAMPLE, NoSample, ProbeResult, Proof
from imports.customers.api.presets import SPEEDS
from imports.customers.api.requests import CannotBuild
from imports.customers.api.responses import Answer
from imports.customers.api.schema.publish import json_schema, reference
from imports.customers.api.setup import probe, warnings_for
from imports.fields import WrongKey
from imports.ledger import batches
from imports.models import Attempt, CustomerApi, ImportResult
from imports.models.apis import SECRETS, AuthKind
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import QueryDict
    from django.urls import URLPattern, URLResolver

    from imports.customers.api.mapping import Mapping


UNTESTED = {
    "name",
    "batch_size",
    "concurrency",
    "delay_seconds",
    "max_attempts",
    "retry_delay_seconds",
    REFUSALS,
}
FOR_OAUTH2 = "['oauth2-password', 'oauth2-client'].includes(auth)"


@admin.register(CustomerApi)
class CustomerApiAdmin(HealthColumn, ManagedAdmin):
    """An API's address, credential and pace."""

    when_empty = gettext_lazy("An API says where customers are sent, as whom and how fast.")
    manage = permissions.MANAGE_APIS
    secrets = (*SECRETS, *(f"clear_{name}" for name in SECRETS))
    form = CustomerApiForm
    list_display = ("name", "url_column", "auth", "pace_column", "health_column", "test_column")
    search_fields = ("name", "url")
    search_help_text = gettext_lazy("Name or URL")
    change_form_before_template = "imports/api/before.html"
    change_form_outer_after_template = "imports/api/after.html"
    conditional_fields = {
        "token_url": FOR_OAUTH2,
        "scope": FOR_OAUTH2,
        "audience": FOR_OAUTH2,
        "username": "['basic', 'wsse', 'oauth2-password'].includes(auth)",
        "client_id": FOR_OAUTH2,
        "client_secret": FOR_OAUTH2,
        "clear_client_secret": FOR_OAUTH2,
        "header_name": "['header', 'query', 'hmac'].includes(auth)",
        "secret": "!['none', 'oauth2-client'].includes(auth)",
        "clear_secret": "!['none', 'oauth2-client'].includes(auth)",
    }
    fieldsets = (
        (None, {"fields": ("name", "url", "preset", REFUSALS)}),
        (
            gettext_lazy("Authentication"),
            {
                "fields": (
                    "auth", "header_name", "token_url", "username", "secret", "clear_secret",
                    "client_id", "client_secret", "clear_client_secret", "scope", "audience",
                    "extra_headers", "clear_extra_headers", "client_certificate",
                    "clear_client_certificate",
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
        (
            gettext_lazy("For experts"),
            {
                "fields": (
                    "idempotency_header", "ca_certificates", "allow_plain_http", "mapping",
                )
            },
        ),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: CustomerApi, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for warn in warnings_for(obj):
            messages.warning(request, warn)

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
        api = context.get("original") or CustomerApi()
        shown = context | {"speeds": SPEEDS, **_in_force(api.preset, api.mapping)}
        shown |= playground_context(context.get("original"))
        shown["mapping_fields"] = reference()
        page: HttpResponse = super().render_change_form(request, shown, *args, **kwargs)
        return page

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("test/", guarded(self.test_view), name="imports_customerapi_test_new"),
            path("<int:pk>/test/", guarded(self.test_view), name="imports_customerapi_test"),
            path(
                "playground/", guarded(self.playground_view), name="imports_customerapi_playground"
            ),
            path(
                "mapping-schema.json", guarded(self.schema_view), name="imports_customerapi_schema"
            ),
            path("mapping/", guarded(self.mapping_view), name="imports_customerapi_mapping"),
        ]
        return [*mine, *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Test connection, of what stands in the form or is saved. Sends no customer."""
        permissions.require(request, permissions.MANAGE_APIS)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        saved = get_object_or_404(self.get_queryset(request), pk=pk) if pk else None
        found = _probe(saved, request.POST)
        if request.headers.get("HX-Request"):
            return render(request, "imports/api/probe.html", found._asdict())
        (messages.success if found.ok else messages.error)(request, in_words(found.message))
        if saved is None:
            return redirect("admin:imports_customerapi_add")
        return redirect("admin:imports_customerapi_change", saved.pk)

    def playground_view(self, request: HttpRequest) -> HttpResponse:
        """What the mapping in the form would send, and read out of an answer. Sends nothing."""
        permissions.require(request, permissions.MANAGE_APIS)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return render(request, "imports/api/played.html", played(request.POST))

    def schema_view(self, request: HttpRequest) -> HttpResponse:
        """The JSON Schema of a mapping, for editors."""
        return JsonResponse(json_schema())

    def mapping_view(self, request: HttpRequest) -> HttpResponse:
        """The mapping in force, as the form would have it."""
        permissions.require(request, permissions.MANAGE_APIS)
        try:
            changes = read_changes(request.POST.get("mapping", "").strip() or "{}")
            if isinstance(changes, dict):
                changes = with_answer(changes, request.POST.get(REFUSALS))
            shown = _in_force(request.POST.get("preset", ""), changes)
        except (ValueError, RecursionError) as error:
            shown = {"mapping_error": str(error)}
        return render(request, "imports/api/in_force.html", shown)


def _in_force(preset: str, changes: Any) -> dict[str, Any]:
    try:
        if not isinstance(changes, dict):
            raise BadMapping(_("The mapping is a JSON object: { … }."))
        return {"mapping_values": values_in_force(preset, changes), "mapping_preset": preset}
    except BadMapping as error:
        return {"mapping_error": str(error)}


def _probe(saved: CustomerApi | None, given: QueryDict) -> ProbeResult:
    try:
        return _probe_form(saved, given) if "url" in given else _probe_saved(saved)
    except WrongKey:
        text = _("No key in CREDENTIAL_KEYS opens its stored secrets. Enter them again.")
        return ProbeResult(Proof.FAILED, text)


def _probe_saved(saved: CustomerApi | None) -> ProbeResult:
    if saved is None:
        return ProbeResult(Proof.FAILED, _("Fill in the form first."))
    return probe(CustomerApi.objects.get(pk=saved.pk))


def _probe_form(saved: CustomerApi | None, given: QueryDict) -> ProbeResult:
    """What would be saved; how fast it is sent, and under which name, is not looked at."""
    form = CustomerApiForm(given, instance=copy(saved) if saved else None)
    form.asks_again = False
    wrong = {name: texts for name, texts in form.errors.items() if name not in UNTESTED}
    if wrong:
        lines = [
            f"{form[name].label}: {' '.join(map(str, texts))}" for name, texts in wrong.items()
        ]
        return ProbeResult(Proof.FAILED, _("Correct the form first."), "\n".join(lines))
    return probe_unsaved(form.draft(), saved, form.kept())


def mapping_of_form(given: QueryDict) -> Mapping:
    """The mapping as the form has it. Raises BadMapping with everything that is wrong."""
    try:
        changes = read_changes(given.get("mapping", "").strip() or "{}")
    except (ValueError, RecursionError) as error:
        text = _("This is not JSON: %(error)s.") % {"error": error}
        raise BadMapping(text, (("", text),)) from None
    if not isinstance(changes, dict):
        raise BadMapping(_("The mapping is a JSON object: { … }."))
    found = preset(given.get("preset", ""))
    changes = with_answer(changes, given.get(REFUSALS))
    return found.with_overrides(changes) if changes else found


def playground_context(api: CustomerApi | None) -> dict[str, Any]:
    """What can be chosen at first: records of this API's imports, and its earlier answers."""
    if api is None or api.pk is None:
        return {"play_records": "", "earlier_answers": []}
    seen = Attempt.objects.filter(job__api=api, http_status__isnull=False).exclude(answer="")
    return {
        "play_records": "\n".join(latest_records(api)),
        "earlier_answers": list(seen.order_by("-pk")[:5]),
    }


def latest_records(api: CustomerApi) -> list[str]:
    """The first records of the API's latest import, as they were sent."""
    newest = ImportResult.objects.filter(job__api=api, batch__isnull=False).order_by("-job_id")
    first = newest.values_list("batch_id", flat=True).first()
    if first is None:
        return []
    results = ImportResult.objects.filter(batch_id=first).order_by("body_start")
    ids = list(results.values_list("pk", flat=True)[:3])
    raws = batches.bytes_of(ids)
    return [raws[pk].decode("utf-8", "replace").replace("\n", " ") for pk in ids if pk in raws]


def played(given: QueryDict) -> dict[str, Any]:
    """The result for what stands in the form: the request, and each record's verdict."""
    try:
        mapping = mapping_of_form(given)
    except BadMapping as error:
        return {"mapping_errors": error.errors or (("", str(error)),)}
    found: dict[str, Any] = {"mapping": mapping, "most": mapping.request.max_records}
    text, url = given.get("play_records", "")[:LONGEST_SAMPLE], given.get("url", "").strip()
    try:
        records = playground.records_of(text) if text.strip() else []
        records = records or playground.made_up(mapping, url)
        records = records[: mapping.request.max_records]
        found["request_text"] = playground.request_text(mapping, url, records, _credential(given))
    except (NoSample, CannotBuild) as error:
        return found | {"sample_error": in_words(error.message)}
    except ValueError:
        return found | {"sample_error": _("The URL of the API is not one.")}
    return found | _read(mapping, records, given)


def _read(mapping: Mapping, records: list[bytes], given: QueryDict) -> dict[str, Any]:
    """What the pasted answer means, or the hostile one that was clicked."""
    pasted = given.get("play_answer", "")[:LONGEST_SAMPLE].encode()
    status = given.get("play_status", "").strip()
    hostile = list(playground.hostile(mapping, pasted))
    clicked = next((one for one in hostile if one.name == given.get("play_hostile")), None)
    found: dict[str, Any] = {"hostile": hostile, "clicked": clicked}
    if clicked is not None:
        answer = Answer(clicked.status, {}, clicked.body)
    elif pasted.strip() or status:
        number = int(status) if status.isdecimal() and len(status) == 3 else mapping.accepted[0]
        answer = Answer(number, {}, pasted)
    else:
        return found
    asks = given.get("play_asks") == "on"
    return found | {
        "status": answer.status,
        "verdicts": playground.verdicts(mapping, records, answer, asks=asks),
        "polls": mapping.poll is not None,
    }


def _credential(given: QueryDict) -> str:
    """A word for the credential, which is not shown."""
    kind = given.get("auth", "")
    return str(AuthKind(kind).label) if kind in AuthKind.values else ""
