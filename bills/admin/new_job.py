"""A new bill download: a portal and a CSV, what was read of it, and then a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from bills.admin import common
from bills.admin.account_forms import LARGEST_CSV_BYTES
from bills.csv.column_choice import ColumnChoice, choose_columns, headings_of
from bills.csv.credentials import CredentialRow, account_of, preview, read_credentials
from bills.csv.reader import EMAIL_KEYS, PASSWORD_KEYS, UnreadableCsv, key
from bills.drafts import new_draft, on_disk
from bills.models import Credential, CsvUpload, Portal
from imports.admin import permissions
from imports.admin.job.page import to_tab
from imports.fields import cipher
from imports.models import ImportJob

if TYPE_CHECKING:
    from pathlib import Path

    from django.http import HttpRequest, HttpResponse

    from bills.csv.column_choice import Heading
    from bills.csv.credentials import Preview
    from bills.drafts import Draft


COMPARED = 5_000  # rows of a file that are held against what is stored


if TYPE_CHECKING:
    from collections.abc import Sequence

    from bills.csv.column_choice import Heading

    PortalBase = forms.ModelForm[Portal]
else:
    PortalBase = forms.ModelForm


class NewBillsForm(forms.Form):
    """A portal and a CSV; both are shown again, read, before anything is stored."""

    portal = forms.ModelChoiceField(
        label=gettext_lazy("Portal"),
        queryset=Portal.objects.all(),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("The site that the bills come from."),
    )
    csv = forms.FileField(
        label=gettext_lazy("CSV of credentials"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv", "class": "rd-input"}),
        help_text=gettext_lazy(
            "One column holds the e-mail or user name, one the password. Other columns are kept "
            "and shown. Redrive does not keep the file."
        ),
    )

    def clean_csv(self) -> Any:
        """Refuse what is too large to be read while the operator waits."""
        upload = self.cleaned_data["csv"]
        if upload.size > LARGEST_CSV_BYTES:
            raise ValidationError(
                _("The file is larger than %(mb)s MB. Split it, or use download_bills.")
                % {"mb": LARGEST_CSV_BYTES >> 20}
            )
        return upload


class ColumnsForm(forms.Form):
    """Which column holds the login, which the password; GET, so that the page can be reloaded."""

    login = forms.TypedChoiceField(
        label=gettext_lazy("E-mail or user name"), coerce=int, widget=UnfoldAdminSelectWidget
    )
    password = forms.TypedChoiceField(
        label=gettext_lazy("Password"), coerce=int, widget=UnfoldAdminSelectWidget
    )
    no_header = forms.BooleanField(
        label=gettext_lazy("The first row is an account, not a heading"),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    def __init__(self, headings: Sequence[Heading], data: Any = None) -> None:
        super().__init__(data)
        choices = [(each.position, column_name(each)) for each in headings]
        for name in ("login", "password"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.initial = _guess(headings)

    def choice(self) -> ColumnChoice | None:
        """What was chosen; None where nothing was, or nothing that the file offers."""
        if not self.is_bound or not self.is_valid():
            return None
        cleaned = self.cleaned_data
        return ColumnChoice(cleaned["login"], cleaned["password"], not cleaned["no_header"])


def column_name(heading: Heading) -> str:
    """The heading; a number where the first row may be an account, whose cells are not shown."""
    if heading.name:
        return heading.name
    number = heading.position + 1
    if heading.holds_addresses:
        return _("Column %(n)s: e-mail addresses") % {"n": number}
    return _("Column %(n)s") % {"n": number}


def _guess(headings: Sequence[Heading]) -> dict[str, Any]:
    """What the form offers first: the recognised columns, or those that look like them."""
    keys = [key(each.name) for each in headings]
    logins = [keys.index(known) for known in EMAIL_KEYS if known in keys]
    logins += [each.position for each in headings if each.holds_addresses]
    passwords = [keys.index(known) for known in PASSWORD_KEYS if known in keys]
    login = logins[0] if logins else 0
    others = [each.position for each in headings if each.position != login]
    return {
        "login": login,
        "password": (passwords or others or [0])[0],
        "no_header": bool(headings) and not any(each.name for each in headings),
    }


def upload(request: HttpRequest) -> HttpResponse:
    """Portal and CSV. The file is kept encrypted until it is confirmed, an hour at most."""
    permissions.require(request, *common.NEW_JOB)
    chosen = {"portal": request.GET.get("portal", "")}
    form = NewBillsForm(request.POST or None, request.FILES or None, initial=chosen)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["csv"]
        kept = CsvUpload.objects.create(
            portal=form.cleaned_data["portal"],
            name=(file.name or "credentials.csv")[:500],
            content=cipher().encrypt(file.read()),
            uploaded_by=common.user(request),
        )
        return redirect("admin:bills_preview", kept.pk)
    shown = _around(request, _("New bill download")) | {
        "form": form,
        "is_ready": Portal.objects.exists(),
    }
    return render(request, "bills/new_job.html", shown, status=422 if form.errors else 200)


def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read, by columns that can be chosen; on POST a draft is made of it, or nothing."""
    permissions.require(request, *common.NEW_JOB)
    mine = CsvUpload.objects.filter(uploaded_by=common.user(request)).select_related("portal")
    kept = get_object_or_404(mine, pk=pk)
    if request.method == "POST":
        return _decided(request, kept)
    shown = _around(request, kept.name) | {"upload": kept}
    with on_disk(cipher().decrypt(bytes(kept.content))) as path:
        shown |= _read(request, kept, path)
    return render(request, "bills/preview.html", shown, status=422 if "refusal" in shown else 200)


def _read(request: HttpRequest, kept: CsvUpload, path: Path) -> dict[str, Any]:
    """What the page shows of the file, or why it can't be used, beside its columns."""
    try:
        headings = headings_of(path, kept.name)
    except UnreadableCsv as refusal:
        return {"refusal": str(refusal)}
    columns = ColumnsForm(headings, request.GET if "login" in request.GET else None)
    shown: dict[str, Any] = {"columns": columns}
    try:
        choice = _choose(columns, path, kept.name)
        found = preview(path, kept.name)
        known, differing = _differing(kept.portal, path, kept.name)
    except UnreadableCsv as refusal:
        return shown | {"refusal": str(refusal)}
    return shown | _summary(found, headings, choice) | {"known": known, "differing": differing}


def _choose(columns: ColumnsForm, path: Path, name: str) -> ColumnChoice | None:
    """The columns as they were chosen, if they were. Raises UnreadableCsv."""
    choice = columns.choice()
    if choice is not None:
        choose_columns(path, name, choice)
    return choice


def _summary(
    found: Preview, headings: list[Heading], choice: ColumnChoice | None
) -> dict[str, Any]:
    return {
        "found": found,
        "accounts": common.accounts(found.accepted),
        "can_confirm": found.accepted > 0,
        "choice": choice,
        # A column that was chosen by mistake may hold passwords: addresses alone are shown.
        "shows_logins": choice is None or headings[choice.login].holds_addresses,
    }


def _decided(request: HttpRequest, kept: CsvUpload) -> HttpResponse:
    if "another" in request.POST:
        kept.delete()
        return redirect(f"{reverse('admin:bills_new')}?portal={kept.portal_id}")
    if "forget" in request.POST:
        kept.delete()
        messages.success(request, _("The file is discarded. Nothing was stored."))
        return redirect("admin:bills_new")
    try:
        draft = _draft(request, kept)
    except UnreadableCsv as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:bills_preview", kept.pk)
    kept.delete()
    ImportJob.objects.filter(pk=draft.job.pk).update(created_by=request.user)
    text = ngettext(
        "%(accounts)s is ready. Check it, then press Start.",
        "%(accounts)s are ready. Check them, then press Start.",
        draft.accepted,
    )
    messages.success(request, text % {"accounts": common.accounts(draft.accepted)})
    return to_tab(draft.job, "credentials")


def _draft(request: HttpRequest, kept: CsvUpload) -> Draft:
    name = request.POST.get("name", "").strip()
    with on_disk(cipher().decrypt(bytes(kept.content))) as path:
        if "login" in request.POST:
            _choose(ColumnsForm(headings_of(path, kept.name), request.POST), path, kept.name)
        return new_draft(kept.portal, path, kept.name, name, permissions.actor(request))


def _differing(portal: Portal, path: Path, name: str) -> tuple[int, int]:
    """How many accounts of the file are known, and how many of those have another password."""
    entered = {}
    for row in read_credentials(path, name):
        if isinstance(row, CredentialRow):
            entered[account_of(row.email)] = row.password
        if len(entered) >= COMPARED:
            break
    known = Credential.objects.filter(portal=portal, account__in=entered)
    stored = dict(known.values_list("account", "password"))
    return len(stored), sum(stored[each] != entered[each] for each in stored)


def _around(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "opts": ImportJob._meta, "title": title}
