"""The recorder: a portal's recipe out of a recorded script, or of a browser driven from a page."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bills import error_codes, recorder
from bills.accounts import codes
from bills.admin import common as own
from bills.models import Credential, Portal, RecordedAct, Recording
from bills.models.portals import LONGEST_URL
from bills.portals.recording.acts import STEP, Do, Gives, Kind, NotRecorded, Typed
from bills.portals.recording.codegen import LONGEST_SCRIPT, read_script
from bills.portals.recording.recipes import recipe_of
from imports.admin import permissions
from imports.engine import queue
from imports.messages import to_json
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.urls import URLPattern

    from bills.portals.recording.acts import Recorded

# A stored account is used, and its pages are shown.
RECORD = (*own.TEST_PORTAL, permissions.EVIDENCE)
LARGEST_POINT = 10_000  # pixels
TEMPLATES = "bills/recorder/"
MAY_DO = frozenset(Do) - {Do.END}
KEYS = ("Enter", "Tab", "Escape", "Backspace")
DID = {
    Kind.CLICK: gettext_lazy("Press"),
    Kind.CHECK: gettext_lazy("Tick or clear"),
    Kind.PRESS: gettext_lazy("Key"),
    Kind.SELECT: gettext_lazy("Choose"),
    Kind.SEE: gettext_lazy("Logged in"),
    Kind.GOTO: gettext_lazy("The list of bills"),
}
TYPED = {
    Typed.TEXT: gettext_lazy("Type"),
    Typed.USER: gettext_lazy("User name"),
    Typed.PASSWORD: gettext_lazy("Password"),
    Typed.CODE: gettext_lazy("One-time code"),
}


def urls(guarded: Callable[[Any], Any]) -> list[URLPattern]:
    """The recorder's pages, below the portals'."""
    return [
        path("record/paste/", guarded(paste), {"pk": None}, "bills_recorder_paste"),
        path("<int:pk>/record/paste/", guarded(paste), name="bills_recorder_paste_for"),
        path("<int:pk>/record/", guarded(choose), name="bills_recorder"),
        path("record/<int:pk>/", guarded(watch), name="bills_recorder_watch"),
        path("record/<int:pk>/act/", guarded(act), name="bills_recorder_act"),
        path("record/<int:pk>/picture/", guarded(picture), name="bills_recorder_picture"),
        path("record/<int:pk>/finish/", guarded(finish), name="bills_recorder_finish"),
    ]


class Pasted(UnfoldAdminTextareaWidget):
    """A box for a script, which holds a password: a refused form comes back empty."""

    def format_value(self, value: Any) -> None:
        return None


class PasteForm(forms.Form):
    """What Playwright's codegen printed."""

    script = forms.CharField(
        label=gettext_lazy("Recorded script"),
        max_length=LONGEST_SCRIPT,
        strip=False,
        widget=Pasted(attrs={"rows": 16, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "All that the recorder printed, in Python or JavaScript. Redrive runs nothing of it, "
            "and keeps no text that was typed."
        ),
    )
    billing_url = forms.CharField(
        label=gettext_lazy("Billing URL"),
        max_length=LONGEST_URL,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy(
            "The page that lists the bills. Needed only where the recording reaches it by "
            "pressing links."
        ),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "script" in data and "billing_url" in data:
            try:
                self.recorded = recipe_of(read_script(data["script"]), data["billing_url"])
            except NotRecorded as refusal:
                raise ValidationError(
                    {"script": [in_words(each) for each in refusal.problems]}
                ) from None
        return data


class AccountForm(forms.Form):
    """Whose account is used."""

    email = forms.CharField(
        label=gettext_lazy("Account"),
        max_length=320,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "rd-accounts", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "A stored account of this portal. Its password is typed by the browser and shown "
            "nowhere."
        ),
    )

    def __init__(self, portal: Portal, *args: Any) -> None:
        super().__init__(*args)
        self.portal = portal

    def clean_email(self) -> Credential:
        """The account itself."""
        email = self.cleaned_data["email"].strip()
        found = Credential.objects.in_use().filter(portal=self.portal, email__iexact=email)
        credential = found.exclude(password="").first()
        if credential is None:
            raise ValidationError(_("This portal has no account of that name with a password."))
        return credential


def paste(request: HttpRequest, pk: int | None) -> HttpResponse:
    """Make a recipe of a recorded script, for the portal's form."""
    permissions.require(request, own.MANAGE_PORTALS)
    portal = get_object_or_404(Portal, pk=pk) if pk else None
    first = {"billing_url": portal.billing_url} if portal else {}
    form = PasteForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        made = Recording.objects.create(portal=portal, made_by=own.user(request), ended_at=Now())
        return _to_form(made, form.recorded)
    shown = own.around_portal(request, _("A recipe from a recorded script"))
    shown |= {"form": form, "portal": portal}
    status = 422 if form.errors else 200
    return render(request, TEMPLATES + "paste.html", shown, status=status)


def _to_form(made: Recording, recorded: Recorded) -> HttpResponse:
    """Keep what was recorded for a day, and open the portal's form with it."""
    made.recipe, made.notes = recorded.recipe, [to_json(note) for note in recorded.notes]
    made.login_url, made.billing_url = recorded.login_url, recorded.billing_url
    made.save(update_fields=["recipe", "notes", "login_url", "billing_url"])
    if made.portal is None:
        place = reverse("admin:bills_portal_add")
    else:
        place = reverse("admin:bills_portal_change", args=[made.portal.pk])
    return redirect(f"{place}?recording={made.pk}")


# The portal's form


def recorded_for(request: HttpRequest, portal: Portal | None) -> Recording | None:
    """The recording that the form was opened with."""
    number = request.GET.get("recording", "")
    if request.method != "GET" or not number.isdecimal() or len(number) > 18:
        return None
    if not permissions.may(request, own.MANAGE_PORTALS):
        return None
    return Recording.objects.filter(pk=number, portal=portal).exclude(recipe={}).first()


def fill_in(portal: Portal, recording: Recording) -> None:
    """Put what was recorded into a portal that is not saved. The rest of its recipe stays."""
    merged = dict(portal.recipe)
    for part, value in recording.recipe.items():
        both = isinstance(value, dict) and isinstance(merged.get(part), dict)
        merged[part] = {**merged[part], **value} if both else value
    portal.recipe = merged
    portal.login_url = recording.login_url or portal.login_url
    portal.billing_url = recording.billing_url or portal.billing_url


def initial_of(recording: Recording) -> dict[str, Any]:
    """For the form of a new portal."""
    return {
        "login_url": recording.login_url,
        "billing_url": recording.billing_url,
        "recipe": json.dumps(recording.recipe, indent=2, ensure_ascii=False),
    }


# In a worker's browser


def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose an account, and open the browser."""
    permissions.require(request, *RECORD)
    portal = get_object_or_404(Portal, pk=pk)
    form = AccountForm(portal, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _begin(request, portal, form.cleaned_data["email"])
    shown = own.around_portal(request, _("Record %(portal)s") % {"portal": portal}) | {
        "portal": portal,
        "form": form,
        "accounts": own.accounts_offered(portal.credentials.in_use().exclude(password="")),
        "running": recorder.running().filter(portal=portal).first(),
    }
    status = 422 if form.errors else 200
    return render(request, TEMPLATES + "choose.html", shown, status=status)


def _begin(request: HttpRequest, portal: Portal, credential: Credential) -> HttpResponse:
    try:
        made = recorder.start(portal, credential, own.user(request))
    except RedisError:
        messages.error(request, _("The queue does not answer. Try again in a moment."))
        return redirect("admin:bills_recorder", portal.pk)
    if made is None:
        messages.error(request, _("This portal is being recorded already."))
        return redirect("admin:bills_recorder", portal.pk)
    note(request, portal, f"Recorded in a browser, with account {credential.pk}.")
    return redirect("admin:bills_recorder_watch", made.pk)


def note(request: HttpRequest, portal: Portal, what: str) -> None:
    """Put it into the portal's History."""
    LogEntry.objects.log_actions(own.user(request).pk, [portal], CHANGE, what, single_object=True)


def _recording(request: HttpRequest, pk: int) -> Recording:
    """One in a browser. Raises PermissionDenied or Http404."""
    permissions.require(request, *RECORD)
    known = Recording.objects.select_related("portal").filter(credential__isnull=False)
    return get_object_or_404(known, pk=pk)


def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """The browser's picture, what can be done in it, and what is recorded."""
    recording = _recording(request, pk)
    Recording.objects.filter(pk=pk, ended_at=None).update(seen_at=Now())
    shown = _panel(recording)
    if request.headers.get("HX-Request"):
        if request.GET.get("was") == shown["was"]:
            return HttpResponse(status=204)  # a picture that is being pressed stays in its place
        return render(request, TEMPLATES + "panel.html", shown)
    shown |= {"keys": KEYS}
    title = _("Recording of %(portal)s") % {"portal": recording.portal}
    return render(request, TEMPLATES + "watch.html", own.around_portal(request, title) | shown)


def _panel(recording: Recording) -> dict[str, Any]:
    """What is shown; `was` tells it from what was shown before."""
    steps = recorder.steps_of(recording)
    last = recording.acts.defer("text").order_by("-pk").first()
    no_worker = recording.began_at is None and queue.worker_count() == 0
    left = recording.until - timezone.now() if recording.until else timedelta()
    minutes = max(1, math.ceil(left.total_seconds() / 60))
    done = (last.pk, last.done_at) if last is not None else None
    ids = [step.pk for step in steps]
    state = (recording.view, recording.ended_at, recording.began_at, recording.message)
    was = hashlib.sha256(repr((state, done, ids, no_worker, minutes)).encode()).hexdigest()[:16]
    return {
        "recording": recording,
        "portal": recording.portal,
        "view": recording.view,
        "steps": [(number, *_said(step)) for number, step in enumerate(steps, start=1)],
        "last": last,
        "is_busy": last is not None and last.done_at is None,
        "is_open": recording.ended_at is None,
        "has_begun": recording.began_at is not None and bool(recording.view),
        "minutes": minutes,
        "advice": error_codes.about(recording.error_code),
        "no_worker": no_worker,
        "was": was,
    }


def _said(step: RecordedAct) -> tuple[Any, str, bool]:
    """What a step is, its target as the recipe has it, and whether it gave a document."""
    act = step.act
    kind, typed = Kind(act["kind"]), Typed(act["typed"])
    what = TYPED[typed] if kind is Kind.FILL else DID[kind]
    is_document = act["gives"] == Gives.DOCUMENT
    target = act["in_row"] or act["target"]
    said = json.dumps(target, ensure_ascii=False) if target else ""
    return what, " ".join(filter(None, (said, act["value"]))), is_document


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the browser for something, or undo the last step."""
    recording = _recording(request, pk)
    _ask(request, recording)
    if request.headers.get("HX-Request"):
        recording.refresh_from_db()
        return render(request, TEMPLATES + "panel.html", _panel(recording))
    return redirect("admin:bills_recorder_watch", pk)


def _ask(request: HttpRequest, recording: Recording) -> None:
    do = request.POST.get("do", "click")
    if do == "undo":
        recorder.undo(recording)
    elif do == "stop":
        recorder.end(recording)
    elif do in MAY_DO:
        text = request.POST.get("key" if do == Do.KEY else "text", "")[: recorder.LONGEST_TEXT]
        text = codes.plain(text) if do == Do.CODE else text
        x, y = (_point(request, name) for name in ("x", "y"))
        recorder.ask(recording, do, x, y, text)


def _point(request: HttpRequest, name: str) -> int:
    """A coordinate: as the page's script counts it, or as browsers send a pressed picture."""
    given = request.POST.get(name) or request.POST.get(f"at.{name}") or "0"
    return min(int(given), LARGEST_POINT) if given.isdecimal() and len(given) < 9 else 0


def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The page as it was last shown."""
    recording = _recording(request, pk)
    try:
        png = recorder.picture_of(recording) if recording.ended_at is None else None
    except RedisError:
        png = None
    if png is None:
        raise Http404
    answer = HttpResponse(png, content_type="image/png")
    answer["Cache-Control"] = "private, max-age=60"
    return answer


@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the recipe, close the browser, and open the portal's form."""
    recording = _recording(request, pk)
    portal = recording.portal
    try:
        acts = recorder.acts_of(recording)
        recorded = recipe_of(acts, portal.billing_url if portal else "", STEP)
    except NotRecorded as refusal:
        for each in refusal.problems:
            messages.error(request, in_words(each))
        return redirect("admin:bills_recorder_watch", pk)
    recorder.end(recording)
    if portal is not None:
        note(request, portal, f"Made a recipe of {len(acts) - 1} recorded steps.")
    return _to_form(recording, recorded)
