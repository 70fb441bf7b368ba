"""What the forms of places elsewhere share: addresses are checked, and secrets only written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget

from imports.http.addresses import BadAddress, check_url
from imports.remote.failures import RemoteFailure
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db import models

    PlaceModelForm = forms.ModelForm[models.Model]
else:
    PlaceModelForm = forms.ModelForm


def secret_field(help_text: Any) -> forms.CharField:
    """The box for a place's secret: it is never shown again."""
    return forms.CharField(
        label=gettext_lazy("Password or secret key"),
        required=False,
        max_length=20_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=help_text,
    )


class PlaceForm(PlaceModelForm):
    """An empty secret keeps what is stored, unless it would go to another place.

    `place_field` is the field that says where the place is; `moved` says that it has changed.
    """

    place_field: ClassVar[str]
    moved: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = type(self.instance)._default_manager.filter(pk=self.instance.pk)
        self.had_secret = stored.exclude(secret="").exists()
        self.leads_to = ("kind", self.place_field, "endpoint", "host_key")
        self.stored_place = stored.values_list(*self.leads_to).first()

    def check_secret(self, data: dict[str, Any]) -> None:
        """A stored secret goes only where it went when it was entered."""
        if data.get("secret"):
            return
        now = tuple(data.get(name, "") for name in self.leads_to)
        if self.stored_place not in (None, now):
            self.add_error("secret", self.moved)
        elif not self.had_secret:
            self.add_error("secret", _("It is needed."))

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]  # type: ignore[attr-defined]
        return super().save(commit)


def check_s3(place_field: str, data: dict[str, Any]) -> None:
    """Whether a bucket can be where the form says. Raises ValidationError for the field."""
    from imports.remote.s3 import bucket_of  # boto3: only where it is used

    with named(place_field):
        bucket_of(data[place_field])
    if data.get("endpoint"):
        with named("endpoint"):
            check_url(data["endpoint"], settings.ALLOW_PRIVATE_ADDRESSES)


def check_sftp(place_field: str, data: dict[str, Any]) -> None:
    """The same for an SFTP server, its host key, its user and a private key."""
    from imports.remote.sftp import host_key_of, private_key_of, server_of  # paramiko: likewise

    with named(place_field):
        server_of(data[place_field])
    with named("host_key"):
        host_key_of(data.get("host_key", ""))
    if not data.get("user_name"):
        raise ValidationError({"user_name": _("It is needed.")})
    if "PRIVATE KEY" in data.get("secret", ""):
        with named("secret"):
            private_key_of(data["secret"])


@contextmanager
def named(field: str) -> Iterator[None]:
    """What is wrong, as an error of this field."""
    try:
        yield
    except (RemoteFailure, BadAddress) as failure:
        raise ValidationError({field: in_words(failure.message)}) from None
