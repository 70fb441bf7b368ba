"""The form of a destination: each kind says what it needs, and secrets are only written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from bills.deliveries.names import BadPattern, check_pattern
from bills.models import Destination
from bills.models.deliveries import DestinationKind
from imports.http.addresses import check_url
from imports.notifications.channels import NO_SERVER, can_send_email
from imports.remote.forms import PlaceForm, check_s3, check_sftp, named, secret_field
from imports.rendering import in_words

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
        exclude = (
            "secret",
            "after_bill",
            "next_list_at",
        )  # the form's own `save` writes the secret

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
                CHECKS[DestinationKind(kind)]("location", data)
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
