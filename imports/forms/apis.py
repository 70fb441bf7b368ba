"""The form of a customer API. Its secrets are written here, and never shown again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from imports.customers.addresses import BadAddress, check_url
from imports.customers.mapping import BadMapping, Mapping, preset, states_refusals
from imports.customers.presets import PRESETS
from imports.fields import WrongKey
from imports.models import CustomerApi
from imports.models.apis import AuthKind

if TYPE_CHECKING:
    from collections.abc import Mapping as Dictionary

    ApiModelForm = forms.ModelForm[CustomerApi]
else:
    ApiModelForm = forms.ModelForm

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token, RFC 9110 section 5.6.2
LONGEST_SECRET = 10_000
REFUSALS = "refusal_stored_nothing"
WRITE_ONLY = ("secret", "client_secret", "extra_headers")
# Which fields a kind of authentication needs, besides those that may be empty.
NEEDED: Dictionary[str, tuple[str, ...]] = {
    AuthKind.BASIC: ("username",),
    AuthKind.HEADER: ("header_name",),
    AuthKind.OAUTH2_PASSWORD: ("token_url", "username", "client_id"),
    AuthKind.OAUTH2_CLIENT: ("token_url", "client_id"),
}


def _secret_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        max_length=LONGEST_SECRET,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )


def _clear_field(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget)


class UnshownTextarea(UnfoldAdminTextareaWidget):
    """A box for lines that are secret: as with a password, a refused form comes back without."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_context(name, None, attrs)
        return shown


class CustomerApiForm(ApiModelForm):
    """Empty secrets keep what is stored; a checkbox clears it."""

    secret = _secret_field(gettext_lazy("Token, password or key"))
    clear_secret = _clear_field(gettext_lazy("Forget the stored one"))
    client_secret = _secret_field(gettext_lazy("Client secret"))
    clear_client_secret = _clear_field(gettext_lazy("Forget the stored client secret"))
    extra_headers = forms.CharField(
        label=gettext_lazy("Extra headers"),
        required=False,
        max_length=LONGEST_SECRET,
        widget=UnshownTextarea(attrs={"rows": 3, "placeholder": "GK-Passport: 1.1 …"}),
    )
    clear_extra_headers = _clear_field(gettext_lazy("Forget the stored headers"))
    preset = forms.ChoiceField(
        label=gettext_lazy("Answers as"),
        choices=[(name, name) for name in PRESETS],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("How requests are built and answers are read."),
    )

    refusal_stored_nothing = forms.ChoiceField(
        label=gettext_lazy("If it refuses a batch"),
        required=False,
        choices=[
            ("", gettext_lazy("as the preset says")),
            ("yes", gettext_lazy("nothing of the batch is stored")),
            ("no", gettext_lazy("some of it may be stored, or nobody knows")),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "For example: 20 customers are sent, the 14th is wrong, and the API answers 400 "
            "without saying which. Are the first 13 stored? If none is, refused batches are "
            "halved until the wrong customers stand alone. Else their customers are unknown."
        ),
    )

    class Meta:
        model = CustomerApi
        exclude = WRITE_ONLY

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored(self.instance)
        self._ask_of_refusals()
        for name in ("secret", "client_secret"):
            if name in self.fields:
                self.fields[name].help_text = _help(self.stored.get(name))
        if "extra_headers" in self.fields:
            self.fields["extra_headers"].help_text = _headers_help(self.instance, self.stored)

    def _ask_of_refusals(self) -> None:
        """One field of the mapping is a question of its own, and has no default."""
        mapping = self.initial.get("mapping")
        if isinstance(mapping, dict) and REFUSALS in mapping:
            self.initial["mapping"] = {k: v for k, v in mapping.items() if k != REFUSALS}
            self.initial[REFUSALS] = "yes" if mapping[REFUSALS] else "no"

    def full_clean(self) -> None:
        """As ever; whoever has to correct something enters the secrets again, and is told so."""
        super().full_clean()
        if self.is_bound and self.errors:
            for name in filter(self.data.get, WRITE_ONLY):
                self[name].help_text = _(
                    "Nothing was saved yet, and a secret is not shown: enter it once more."
                )

    def clean_url(self) -> str:
        return _checked(self.cleaned_data["url"])

    def clean_token_url(self) -> str:
        url: str = self.cleaned_data["token_url"]
        return _checked(url) if url else ""

    def clean_header_name(self) -> str:
        return _header_name(self.cleaned_data["header_name"])

    def clean_idempotency_header(self) -> str:
        return _header_name(self.cleaned_data["idempotency_header"])

    def clean_secret(self) -> str:
        return _one_line(self.cleaned_data["secret"])

    def clean_client_secret(self) -> str:
        return _one_line(self.cleaned_data["client_secret"])

    def clean_extra_headers(self) -> str:
        """Lines of "Name: value" become the JSON object that is stored."""
        text: str = self.cleaned_data["extra_headers"]
        headers = {}
        for number, line in enumerate(text.splitlines(), start=1):
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or not HEADER_NAME.fullmatch(name.strip()):
                raise ValidationError(_("Line %(n)s is not “Name: value”.") % {"n": number})
            headers[name.strip()] = value.strip()
        return json.dumps(headers) if headers else ""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in NEEDED.get(data.get("auth", ""), ()):
            if not data.get(name) and name not in self.errors:
                self.add_error(name, _("This authentication needs it."))
        self._answer_refusals(data)
        self._check_mapping(data)
        return data

    def _answer_refusals(self, data: dict[str, Any]) -> None:
        """The answer goes into the mapping. It is asked wherever nobody has given it."""
        mapping, answer = data.get("mapping"), data.get(REFUSALS)
        if not isinstance(mapping, dict):
            return
        if answer and mapping.setdefault(REFUSALS, answer == "yes") != (answer == "yes"):
            self.add_error(REFUSALS, _("The mapping below says otherwise. Remove it there."))
        elif not states_refusals(data.get("preset", ""), mapping):
            self.add_error(REFUSALS, _("This preset does not say: choose one of the others."))

    def _check_mapping(self, data: dict[str, Any]) -> None:
        if "preset" not in data or "mapping" not in data:
            return
        try:
            whole = preset(data["preset"])
            if not isinstance(data["mapping"], dict):
                raise BadMapping(_("The mapping is a JSON object: { … }."))
            if data["mapping"]:
                whole = whole.with_overrides(data["mapping"])
        except BadMapping as error:
            self.add_error("mapping", str(error))
            return
        self._check_batch_size(data, whole)

    def _check_batch_size(self, data: dict[str, Any], mapping: Mapping) -> None:
        most = mapping.request.max_records
        if data.get("batch_size", 0) > most:
            text = _("This API takes at most %(n)s customers in a batch.") % {"n": most}
            self.add_error("batch_size", text)

    def save(self, commit: bool = True) -> CustomerApi:
        for name in WRITE_ONLY:
            if self.cleaned_data.get(name):
                setattr(self.instance, name, self.cleaned_data[name])
            elif self.cleaned_data.get(f"clear_{name}"):
                setattr(self.instance, name, "")
        saved: CustomerApi = super().save(commit)
        return saved


def stored(api: CustomerApi) -> dict[str, bool]:
    """Which secrets are stored; asked of the database, so that nothing is decrypted."""
    if api.pk is None:
        return {}
    row = CustomerApi.objects.filter(pk=api.pk)
    return {name: row.exclude(**{name: ""}).exists() for name in WRITE_ONLY}


def header_names(api: CustomerApi) -> list[str]:
    """The names of the stored extra headers. Raises WrongKey."""
    text = CustomerApi.objects.values_list("extra_headers", flat=True).get(pk=api.pk)
    return list(json.loads(text)) if text else []


def _help(is_stored: bool | None) -> str:
    if is_stored:
        return _("One is stored, encrypted, and is not shown. Leave this empty to keep it.")
    return _("None is stored yet. It is kept encrypted and never shown again.")


def _headers_help(api: CustomerApi, found: dict[str, bool]) -> str:
    how = _("One “Name: value” a line. Values are kept encrypted and never shown again.")
    if not found.get("extra_headers"):
        return how
    try:
        names = ", ".join(header_names(api))
    except (WrongKey, ValueError):
        return _(
            "No key in CREDENTIAL_KEYS opens the stored headers: they cannot be opened. "
            "Enter them again."
        )
    return _(
        "Stored: %(names)s. Leave this empty to keep them; what you enter replaces them all."
    ) % {"names": names}


def _checked(url: str) -> str:
    try:
        check_url(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
    except BadAddress as error:
        raise ValidationError(str(error)) from None
    return url


def _header_name(name: str) -> str:
    if name and not HEADER_NAME.fullmatch(name):
        raise ValidationError(_("A header's name has letters, digits and hyphens only."))
    return name


def _one_line(secret: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in secret):
        raise ValidationError(_("It contains a line break or another control character."))
    return secret
