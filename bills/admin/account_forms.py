"""Forms of accounts, and the page that asks for a one-time code while an attempt waits for it.

A password and a TOTP secret are written here, and never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from bills.accounts import codes, passwords, states
from bills.accounts.upload import NoSecretInPicture, secret_in_picture
from bills.admin import common as own
from bills.csv.credentials import account_of
from bills.models import CodeRequest, Credential, Portal
from bills.portals.logins.totp import BadSecret, read_totp
from imports.admin import permissions
from imports.admin.job.page import tab_url
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    CredentialBase = forms.ModelForm[Credential]
else:
    CredentialBase = forms.ModelForm

LARGEST_CSV_BYTES = 50 * 1024 * 1024
LARGEST_PICTURE_BYTES = 5 * 1024 * 1024
LONGEST_PASSWORD = 1_000
HIDDEN_WIDGET = {"autocomplete": "new-password"}


class AccountForm(CredentialBase):
    """An empty secret keeps what is stored."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=UnfoldAdminPasswordWidget(attrs=HIDDEN_WIDGET),
    )
    totp = forms.CharField(
        label=gettext_lazy("TOTP secret"),
        required=False,
        max_length=600,
        widget=UnfoldAdminPasswordWidget(attrs=HIDDEN_WIDGET),
    )
    qr_picture = forms.FileField(
        label=gettext_lazy("Or a picture of its QR code"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg", "class": "rd-input"}),
        help_text=gettext_lazy("A screenshot of what the portal shows. It is not kept."),
    )
    forget_totp = forms.BooleanField(
        label=gettext_lazy("Forget the stored TOTP secret"), required=False
    )

    class Meta:
        model = Credential
        fields = ("portal", "email", "customer", "group", "is_paused")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = Credential.objects.filter(pk=self.instance.pk)
        self.fields["password"].help_text = _stored(stored.exclude(password="").exists())
        self.fields["totp"].help_text = _stored(stored.exclude(totp_secret="").exists())

    def clean_password(self) -> str:
        """Raises ValidationError for a new account without one."""
        password: str = self.cleaned_data["password"]
        if password and (not password.strip() or "\0" in password):
            raise ValidationError(_("Enter the password that the portal accepts."))
        if self.instance.pk is None and not password:
            raise ValidationError(_("A new account needs its password."))
        return password

    def clean_totp(self) -> str:
        """As it is stored."""
        text: str = self.cleaned_data["totp"].strip()
        try:
            return read_totp(text).uri if text else ""
        except BadSecret as refusal:
            raise ValidationError(in_words(refusal.message)) from None

    def clean_qr_picture(self) -> str:
        """The secret in the picture, as it is stored."""
        upload = self.cleaned_data["qr_picture"]
        if not upload:
            return ""
        if upload.size > LARGEST_PICTURE_BYTES:
            raise ValidationError(_("The picture is too large. Cut out the QR code."))
        try:
            return secret_in_picture(upload.read())
        except (NoSecretInPicture, BadSecret) as refusal:
            raise ValidationError(in_words(refusal.message)) from None

    def clean(self) -> dict[str, Any]:
        """One account is stored once at a portal; one that was deleted comes back."""
        data: dict[str, Any] = super().clean() or {}
        portal, email = data.get("portal"), data.get("email")
        if self.instance.pk is None and portal and email:
            same = Credential.objects.filter(portal=portal, account=account_of(email)).first()
            if same is not None and same.deleted_at is None:
                self.add_error("email", _("This account is stored already: change it there."))
            elif same is not None:
                same.customer, same.group = data.get("customer", ""), data.get("group", "")
                same.is_paused, same.deleted_at = bool(data.get("is_paused")), None
                self.instance = same
        return data

    def store_secrets(self) -> None:
        """To be called once the row is saved."""
        data, row = self.cleaned_data, self.instance
        totp = data.get("totp") or data.get("qr_picture")
        if totp or data.get("forget_totp"):
            Credential.objects.filter(pk=row.pk).update(totp_secret=totp or "")
            states.forget_device([row.pk])
        if data.get("password"):
            passwords.change(Credential.objects.get(pk=row.pk), data["password"])


def _stored(is_stored: bool) -> str:
    if is_stored:
        return _("One is stored. Leave this empty to keep it.")
    return _("None is stored.")


class AccountsCsvForm(forms.Form):
    """A CSV of accounts, and the portal of the rows that name none."""

    csv = forms.FileField(
        label=gettext_lazy("CSV of accounts"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv", "class": "rd-input"}),
        help_text=gettext_lazy(
            "Columns: email, password, portal, customer, group, totp_secret; all others are kept "
            "and shown. Accounts that are stored are changed, and an empty cell changes nothing. "
            "The file itself is not kept."
        ),
    )
    portal = forms.ModelChoiceField(
        label=gettext_lazy("Portal of rows that name none"),
        queryset=Portal.objects.all(),
        required=False,
        empty_label=gettext_lazy("Every row names its portal"),
        widget=UnfoldAdminSelectWidget,
    )

    def clean_csv(self) -> Any:
        """Refuse what is too large to be read while the operator waits."""
        upload = self.cleaned_data["csv"]
        if upload.size > LARGEST_CSV_BYTES:
            raise ValidationError(
                _("The file is larger than %(mb)s MB. Split it.") % {"mb": LARGEST_CSV_BYTES >> 20}
            )
        return upload


class WrittenOnly(UnfoldAdminTextInputWidget):
    """A box for a secret that may be seen while it is typed: a refused form comes back empty."""

    def format_value(self, value: Any) -> None:
        return None


class CodeForm(forms.Form):
    """A one-time code, as people copy it."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=WrittenOnly(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def clean_code(self) -> str:
        """Without the spaces and dashes that people copy along."""
        code = codes.plain(self.cleaned_data["code"])
        if not code:
            raise ValidationError(_("A code is letters and digits, 3 to 20 of them."))
        return code


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that can still be answered. `left` is a clock: "4:12"."""

    request: CodeRequest
    left: str


def with_time_left(requests: Iterable[CodeRequest]) -> list[Wanted]:
    """Each with how long the browser still waits for it."""
    return [Wanted(each, clock_until(each.expires_at)) for each in requests]


def clock_until(at: datetime | None) -> str:
    """How long it is until then: "4:12"."""
    return clock((at - timezone.now()).total_seconds()) if at else clock(0)


def clock(seconds: float) -> str:
    """Minutes and seconds: "4:12"."""
    left = max(0, int(seconds))
    return f"{left // 60}:{left % 60:02}"


def enter_code(request: HttpRequest, pk: int) -> HttpResponse:
    """The page on which a code is typed. It goes to the browser that waits, and nowhere else."""
    permissions.require(request, own.MANAGE_CREDENTIALS)
    known = CodeRequest.objects.select_related("batch__job").defer("code", "batch__body")
    row = get_object_or_404(known, pk=pk)
    waiting = codes.wanted().filter(pk=pk).first()
    form = CodeForm(request.POST or None)
    if request.method == "POST" and waiting is not None and form.is_valid():
        if codes.give(pk, form.cleaned_data["code"], permissions.actor(request)):
            messages.success(request, _("The code is handed over: the browser goes on."))
            return redirect(tab_url(row.batch.job_id, "credentials"))
        waiting = None
    shown: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Credential._meta,
        "title": _("One-time code"),
        "form": CodeForm() if form.is_bound and not form.errors else form,
        "wanted": with_time_left([waiting])[0] if waiting is not None else None,
        "row": row,
        "job": row.batch.job,
    }
    return render(request, "bills/accounts/code.html", shown, status=422 if form.errors else 200)
