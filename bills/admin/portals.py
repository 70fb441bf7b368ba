"""Portals: where bills come from; with their form, their test, their health and a new job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from redis.exceptions import RedisError
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from bills import error_codes, health, portal_tests
from bills.accounts import passwords
from bills.admin import common as own
from bills.admin import new_job, recorder
from bills.admin.account_forms import LONGEST_PASSWORD, CodeForm, clock_until
from bills.admin.common import STAGES, stages_of
from bills.csv.credentials import account_of
from bills.models import Credential, Evidence, Portal, PortalTest, TroubleKind
from bills.models.portals import CODE_WAIT_SECONDS
from bills.portal_setup import moved_passwords, store_portal
from bills.portals.recipe_schema import RecipeError, load_recipe
from imports.admin import home, permissions
from imports.admin.base import HealthColumn, ManagedAdmin
from imports.admin.forms import JsonEditor
from imports.admin.home import Alert
from imports.engine import queue
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver

    PortalBase = forms.ModelForm[Portal]
else:
    PortalBase = forms.ModelForm


class PortalForm(PortalBase):
    """The recipe is JSON text here; what is wrong with it is told with the part's name."""

    recipe = forms.CharField(
        label=gettext_lazy("Recipe"),
        required=False,
        widget=JsonEditor(schema=lazy(static, str)("bills/recipe.schema.json")),
        help_text=gettext_lazy(
            "JSON with the parts hosts, overlays, login, outcomes and bills. Redrive works out "
            "what you leave out; most portals need no recipe."
        ),
    )

    class Meta:
        model = Portal
        fields = (
            "name", "login_url", "billing_url", "recipe", "script", "max_attempts",
            "retry_delay_seconds", "attempt_timeout_seconds", "concurrency",
            "refused_password_limit", "code_wait_seconds", "keeps_devices",
        )  # fmt: skip
        help_texts = {
            "max_attempts": gettext_lazy("For each account, the first attempt included."),
            "attempt_timeout_seconds": gettext_lazy(
                "From the login page to the last bill. Then the attempt ends."
            ),
            "refused_password_limit": gettext_lazy(
                "Empty: twice. Most portals lock an account after 3 to 5 refused passwords, and "
                "some block your address after 10. Counted over all jobs until the password "
                "changes."
            ),
            "script": gettext_lazy("A portal written in Python, in place of a recipe."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.recipe and not self.is_bound:
            self.initial["recipe"] = json.dumps(self.instance.recipe, indent=2, ensure_ascii=False)
        elif not self.is_bound and not isinstance(self.initial.get("recipe"), str):
            self.initial["recipe"] = ""

        if "code_wait_seconds" in self.fields:  # not where the form is only looked at
            self.fields["code_wait_seconds"].required = False

    def clean_code_wait_seconds(self) -> int:
        """As usual where nothing is entered."""
        seconds: int | None = self.cleaned_data["code_wait_seconds"]
        return CODE_WAIT_SECONDS if seconds is None else seconds

    def clean_recipe(self) -> dict[str, Any]:
        """The JSON; a syntax error is told with its place, a wrong part with its name."""
        text: str = self.cleaned_data["recipe"].strip()
        if not text:
            return {}
        try:
            load_recipe(text)
        except RecipeError as refusal:
            raise ValidationError([f"{part}: {wrong}" for part, wrong in refusal.errors]) from None
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and "login_url" in data and "recipe" in data:
            urls = {name: data[name] for name in ("login_url", "recipe")}
            if moved := moved_passwords(Portal(pk=self.instance.pk, **urls)):
                self.add_error(*moved)
        return data


class PortalTestForm(forms.Form):
    """Whom to log in as: an account that is known, or a new one with its password."""

    email = forms.CharField(
        label=gettext_lazy("E-mail or user name"),
        max_length=320,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "rd-accounts", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Leave it empty to use the stored password."),
    )


@admin.register(Portal)
class PortalAdmin(HealthColumn, ManagedAdmin):
    """A portal's addresses, recipe and pace."""

    when_empty = gettext_lazy(
        "A portal is a site that bills come from: its login page and its list of bills."
    )
    manage = own.MANAGE_PORTALS
    form = PortalForm
    list_display = (
        "name", "login_url", "max_attempts", "concurrency", "health_column", "trouble_column",
    )  # fmt: skip
    search_fields = ("name", "login_url")
    search_help_text = gettext_lazy("Name or login URL")
    change_form_outer_before_template = "bills/portal/before_form.html"
    change_form_outer_after_template = "bills/portal/after_form.html"
    fieldsets = (
        (None, {"fields": ("name", "login_url", "billing_url", "recipe")}),
        (
            gettext_lazy("How often and how fast"),
            {
                "fields": (
                    "max_attempts", "retry_delay_seconds", "attempt_timeout_seconds",
                    "concurrency", "refused_password_limit",
                )
            },
        ),
        (
            gettext_lazy("Codes and known devices"),
            {"fields": ("code_wait_seconds", "keeps_devices")},
        ),
        (gettext_lazy("Advanced"), {"fields": ("script",)}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Portal]:
        return with_troubles(Portal.objects.all())

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, portal: Portal) -> str:
        return render_to_string("bills/health/badges.html", {"troubles": portal.open_troubles})  # type: ignore[attr-defined]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        row = self.get_object(request, object_id)
        shown = health_of(row) if row is not None else {}
        shown["recorded"] = recorder.recorded_for(request, row) if row is not None else None
        form: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return form

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Portal | None:
        """With what was recorded, where the form is opened for it: to be corrected, not saved."""
        portal: Portal | None = super().get_object(request, *args, **kwargs)
        recorded = recorder.recorded_for(request, portal) if portal is not None else None
        if portal is not None and recorded is not None:
            recorder.fill_in(portal, recorded)
        return portal

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"recorded": recorder.recorded_for(request, None), **(extra_context or {})}
        form: HttpResponse = super().add_view(request, form_url, shown)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        recorded = recorder.recorded_for(request, None)
        if recorded is not None:
            return recorder.initial_of(recorded)
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial

    def save_model(self, request: HttpRequest, obj: Portal, form: Any, change: bool) -> None:
        store_portal(obj)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("new-job/", guarded(new_job.upload), name="bills_new"),
            path("new-job/<int:pk>/", guarded(new_job.confirm), name="bills_preview"),
            path("<int:pk>/resume/", guarded(resume_runs), name="bills_portal_resume"),
            path("<int:pk>/test/", guarded(test), name="bills_portal_test"),
            path("test/<int:pk>/", guarded(watch), name="bills_portal_watch"),
            path("test/<int:pk>/code/", guarded(enter_code), name="bills_portal_test_code"),
            path(
                "test-unsaved/", guarded(test_unsaved), {"pk": None}, "bills_portal_test_unsaved"
            ),
            path(
                "<int:pk>/test-unsaved/", guarded(test_unsaved), name="bills_portal_test_changed"
            ),
        ]
        return [*mine, *recorder.urls(guarded), *super().get_urls()]


def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose an account and have it tried."""
    permissions.require(request, *own.TEST_PORTAL)
    portal = get_object_or_404(Portal, pk=pk)
    form = PortalTestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        credential = _credential(portal, form)
        if credential is not None:
            return _begin(request, portal, credential)
    shown = own.around_portal(request, _("Test %(portal)s") % {"portal": portal}) | {
        "portal": portal,
        "form": form,
        "accounts": own.accounts_offered(portal.credentials.in_use()),
        "tests": portal.tests.select_related("credential").defer("credential__password")[:10],
    }
    return render(request, "bills/portal/test.html", shown)


def test_unsaved(request: HttpRequest, pk: int | None) -> HttpResponse:
    """Try the portal as the form says, before it is saved, with a password typed for it."""
    permissions.require(request, *own.TEST_PORTAL)
    known = get_object_or_404(Portal, pk=pk) if pk else None
    form = PortalForm(request.POST or None, instance=known)
    if request.method != "POST":
        return redirect("admin:bills_portal_changelist")
    email, password = (request.POST.get(each, "") for each in ("test_email", "test_password"))
    wrong = _wrong(form, email, password)
    if wrong:
        shown = own.around_portal(request, _("Test of settings that are not saved")) | {
            "wrong": wrong
        }
        return render(request, "bills/portal/untestable.html", shown, status=422)
    try:
        asked = portal_tests.ask_unsaved(form.instance, email.strip(), password, own.user(request))
    except RedisError:
        shown = own.around_portal(request, _("Test of settings that are not saved"))
        wrong = [_("The queue does not answer. Try again in a moment.")]
        return render(
            request, "bills/portal/untestable.html", shown | {"wrong": wrong}, status=503
        )
    return redirect("admin:bills_portal_watch", asked.pk)


def _wrong(form: PortalForm, email: str, password: str) -> list[str]:
    """Why the form cannot be tried. A name is not needed for that."""
    found = [
        f"{form.fields[name].label}: {error}" if name in form.fields else str(error)
        for name, errors in form.errors.items()
        if name != "name"
        for error in errors
    ]
    if not email.strip() or not password:
        found.append(_("Enter the e-mail or user name and the password of one account."))
    return found


def is_asked(test: PortalTest) -> bool:
    """Whether its browser waits for a code."""
    return portal_tests.waiting_for_code().filter(pk=test.pk).exists()


def _credential(portal: Portal, form: PortalTestForm) -> Credential | None:
    """The account that is to be tried; None, and the form says why, where there is none."""
    email, password = form.cleaned_data["email"].strip(), form.cleaned_data["password"]
    account = account_of(email)
    known = Credential.objects.in_use().filter(portal=portal, account=account).first()
    if known is None and not password:
        form.add_error("password", _("This account is new. Enter its password."))
        return None
    if known is None:
        return Credential.objects.create(
            portal=portal, email=email, account=account, password=password
        )
    if password:
        passwords.change(known, password)
    return known


def _begin(request: HttpRequest, portal: Portal, credential: Credential) -> HttpResponse:
    try:
        asked = portal_tests.ask(portal, credential, request.user)  # type: ignore[arg-type]
    except RedisError:
        messages.error(request, _("The queue does not answer. Try again in a moment."))
        return redirect("admin:bills_portal_test", portal.pk)
    return redirect("admin:bills_portal_watch", asked.pk)


def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """A test while it runs, and what it saw."""
    permissions.require(request, *own.TEST_PORTAL)
    tests = PortalTest.objects.select_related("portal", "credential")
    found = get_object_or_404(tests.defer("credential__password", "trial", "code"), pk=pk)
    shown = {
        "test": found,
        "portal": found.portal,
        "stages": stages_of(found.details),
        "advice": error_codes.about(found.error_code),
        "pieces": [
            (STAGES.get(piece.stage, ""), piece)
            for piece in Evidence.objects.filter(test=found).defer("token").order_by("pk")
        ],
        "stage": STAGES.get(found.stage, ""),
        "code_left": clock_until(found.code_until) if is_asked(found) else "",
        "no_worker": found.began_at is None and queue.worker_count() == 0,
    }
    if request.headers.get("HX-Request"):
        return render(request, "bills/portal/test_panel.html", shown)
    title = _("Test of %(portal)s") % {"portal": found.portal}
    shown |= own.around_portal(
        request, title if found.portal else _("Test of settings that are not saved")
    )
    return render(request, "bills/portal/watch.html", shown)


def enter_code(request: HttpRequest, pk: int) -> HttpResponse:
    """The page on which a code is typed for a test whose browser waits."""
    permissions.require(request, *own.TEST_PORTAL)
    test = get_object_or_404(PortalTest.objects.defer("trial", "code"), pk=pk)
    if not is_asked(test):
        messages.info(request, _("This code is not waited for any more."))
        return redirect("admin:bills_portal_watch", pk)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if portal_tests.give_code(pk, form.cleaned_data["code"]):
            messages.success(request, _("The code is handed over: the browser goes on."))
        return redirect("admin:bills_portal_watch", pk)
    shown = own.around_portal(request, _("One-time code")) | {
        "form": CodeForm() if form.is_bound and not form.errors else form,
        "test": test,
        "left": clock_until(test.code_until),
    }
    return render(request, "bills/portal/code.html", shown, status=422 if form.errors else 200)


def with_troubles(portals: QuerySet[Portal]) -> QuerySet[Portal]:
    """Each portal with what is wrong with it now, as `open_troubles`."""
    current = health.open_troubles().select_related("portal")
    return portals.prefetch_related(Prefetch("troubles", current, to_attr="open_troubles"))


def health_of(portal: Portal) -> dict[str, Any]:
    """What its page shows above and below the form."""
    return {
        "troubles": [
            {
                "said": health.words_of(each),
                "label": each.get_kind_display(),
                "is_stopped": each.kind == TroubleKind.STOPPED,
            }
            for each in portal.open_troubles  # type: ignore[attr-defined] # `with_troubles` set it
        ],
        "days": health.days_of(portal),
        "earlier_troubles": portal.troubles.exclude(ended_at=None)[:5],
    }


def health_alerts(request: HttpRequest) -> list[Alert]:
    """What Home says of portals."""
    if not permissions.may(request, own.VIEW_PORTAL):
        return []
    found = health.open_troubles().select_related("portal")
    return [
        Alert(
            str(each.portal),
            each.get_kind_display(),
            in_words(health.words_of(each)),
            reverse("admin:bills_portal_change", args=[each.portal_id]),
            "danger" if each.kind == TroubleKind.STOPPED else "warning",
        )
        for each in found
    ]


def resume_runs(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the portal's scheduled runs go on."""
    permissions.require(request, own.MANAGE_SCHEDULES)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    portal = get_object_or_404(Portal, pk=pk)
    if health.resume(portal, permissions.actor(request)):
        messages.success(request, _("Resumed. Jobs that waited for it go on."))
    else:
        messages.info(request, _("Its scheduled runs were not stopped."))
    return redirect("admin:bills_portal_change", pk)


home.add(health_alerts)
