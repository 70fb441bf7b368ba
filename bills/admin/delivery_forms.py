"""The form of a destination: each kind says what it needs, and secrets are only written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from bills.deliveries.names import BadPattern, check_pattern
from bills.models import Destination
from bills.models.deliveries import DestinationKind
from imports.http.addresses import BadAddress, check_url
from imports.notifications.email import NO_SERVER, is_possible
from imports.remote.failures import RemoteFailure
from imports.rendering import in_words

if TYPE_CHECKING:
    DestinationBase = forms.ModelForm[Destination]
else:
    DestinationBase = forms.ModelForm

SHORTEST_KEY = 16  # characters of a webhook's signing secret


class DestinationForm(DestinationBase):
    """An empty secret keeps what is stored, unless the destination leads to another host."""

    secret = forms.CharField(
        label=gettext_lazy("Password or secret key"),
        required=False,
        max_length=20_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "S3: the secret key. SFTP: the password, or a private key. Webhook: the signing "
            "secret. It is stored encrypted and never shown. Empty keeps what is stored."
        ),
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
        exclude = (
            "secret",
            "after_bill",
            "next_list_at",
        )  # the form's own `save` writes the secret

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = Destination.objects.filter(pk=self.instance.pk)
        self.had_secret = stored.exclude(secret="").exists()
        self.stored_location = stored.values_list(
            "kind", "location", "endpoint", "host_key"
        ).first()
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
                CHECKS[DestinationKind(kind)](location, data)
            except RemoteFailure as problem:
                self.add_error("location", in_words(problem.message))
            except BadAddress as problem:
                self.add_error("location", in_words(problem.message))
            except ValidationError as problem:
                self.add_error(None, problem)
        self._check_secret(data)
        return data

    def _check_secret(self, data: dict[str, Any]) -> None:
        """A stored secret goes only where it went when it was entered."""
        kind, secret = data.get("kind"), data.get("secret")
        if kind not in (DestinationKind.S3, DestinationKind.SFTP, DestinationKind.WEBHOOK):
            return
        now = (kind, data.get("location"), data.get("endpoint", ""), data.get("host_key", ""))
        moved = self.stored_location is not None and self.stored_location != now
        if not secret and (moved or not self.had_secret):
            why = (
                _("Enter it again: the destination has changed.") if moved else _("It is needed.")
            )
            self.add_error("secret", why)
        if secret and kind == DestinationKind.WEBHOOK and len(secret) < SHORTEST_KEY:
            self.add_error("secret", _("At least %(n)s characters.") % {"n": SHORTEST_KEY})

    def save(self, commit: bool = True) -> Destination:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]
        saved: Destination = super().save(commit)
        return saved


def _check_folder(location: str, data: dict[str, Any]) -> None:
    path = Path(location)
    if not path.is_absolute() or path.resolve().is_relative_to(Path(settings.HOME).resolve()):
        raise ValidationError(
            {"location": _("Write an absolute path that is not Redrive’s own folder.")}
        )


def _check_s3(location: str, data: dict[str, Any]) -> None:
    from imports.remote.s3 import bucket_of

    bucket_of(location)
    if data.get("endpoint"):
        try:
            check_url(data["endpoint"], settings.ALLOW_PRIVATE_ADDRESSES)
        except BadAddress as problem:
            raise ValidationError({"endpoint": in_words(problem.message)}) from None


def _check_sftp(location: str, data: dict[str, Any]) -> None:
    from imports.remote.sftp import host_key_of, private_key_of, server_of

    server_of(location)
    try:
        host_key_of(data.get("host_key", ""))
    except RemoteFailure as problem:
        raise ValidationError({"host_key": in_words(problem.message)}) from None
    if not data.get("user_name"):
        raise ValidationError({"user_name": _("It is needed.")})
    if "PRIVATE KEY" in data.get("secret", ""):
        try:
            private_key_of(data["secret"])
        except RemoteFailure as problem:
            raise ValidationError({"secret": in_words(problem.message)}) from None


def _check_mailboxes(location: str, data: dict[str, Any]) -> None:
    for each in location.split():
        try:
            validate_email(each)
        except ValidationError:
            text = _("“%(text)s” is not an e-mail address.") % {"text": each}
            raise ValidationError({"location": text}) from None
    if not is_possible():
        raise ValidationError({"kind": in_words(NO_SERVER)})


def _check_webhook(location: str, data: dict[str, Any]) -> None:
    check_url(location, settings.ALLOW_PRIVATE_ADDRESSES)


CHECKS = {
    DestinationKind.FOLDER: _check_folder,
    DestinationKind.S3: _check_s3,
    DestinationKind.SFTP: _check_sftp,
    DestinationKind.EMAIL: _check_mailboxes,
    DestinationKind.WEBHOOK: _check_webhook,
}
