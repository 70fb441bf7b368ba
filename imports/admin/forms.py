"""Forms of jobs and customer APIs, and their box for JSON. A secret is written here, and never
shown again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import Media
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from imports.customers.api.auth import BadCredential, check_headers
from imports.customers.api.editing import goes_where_it_went, read_changes, text_of
from imports.customers.api.mapping import states_refusals
from imports.customers.api.presets import PRESETS
from imports.customers.api.setup import complaints, fitting_batch_size, most_in_a_batch
from imports.fields import WrongKey
from imports.models import CustomerApi, ImportJob
from imports.models.apis import SECRETS
from imports.rendering import in_words
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.safestring import SafeString

    ApiModelForm = forms.ModelForm[CustomerApi]
    JobModelForm = forms.ModelForm[ImportJob]
else:
    ApiModelForm = JobModelForm = forms.ModelForm


class JsonEditor(UnfoldAdminTextareaWidget):
    """A textarea that a script makes an editor. `schema` is the address of a JSON Schema.

    The schema's "x-examples", a list of {"title", "value"}, are offered beside the box.
    """

    def __init__(self, schema: Any = "", attrs: dict[str, Any] | None = None) -> None:
        own = {"rows": 14, "spellcheck": "false", "data-code": "json"}
        super().__init__(own | (attrs or {}))
        self.schema = schema

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The textarea, and what is around it where a script runs."""
        own = {"data-schema": str(self.schema)} if self.schema else {}
        textarea = super().render(name, value, (attrs or {}) | own, renderer)
        return render_to_string("imports/parts/json_editor.html", {"textarea": textarea})

    @property
    def media(self) -> Media:
        return Media(
            css={"all": ["imports/editor.css"]},
            js=["imports/vendor/codemirror.js", "imports/editor.js"],
        )


LONGEST_SECRET = 10_000
REFUSALS = "refusal_stored_nothing"


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

    asks_again = True  # for secrets that would move; a test of the connection withholds them

    secret = _secret_field(gettext_lazy("Token, password or key"))
    clear_secret = _clear_field(gettext_lazy("Remove the stored secret"))
    client_secret = _secret_field(gettext_lazy("Client secret"))
    clear_client_secret = _clear_field(gettext_lazy("Remove the stored client secret"))
    extra_headers = forms.CharField(
        label=gettext_lazy("Extra headers"),
        required=False,
        max_length=LONGEST_SECRET,
        widget=UnshownTextarea(
            attrs={"rows": 3, "placeholder": "GK-Passport: 1.1 …", "data-secret": ""}
        ),
    )
    clear_extra_headers = _clear_field(gettext_lazy("Remove the stored headers"))
    client_certificate = forms.CharField(
        label=gettext_lazy("Client certificate"),
        required=False,
        strip=True,
        max_length=100_000,
        widget=UnshownTextarea(
            attrs={"rows": 3, "placeholder": "-----BEGIN CERTIFICATE----- …", "data-secret": ""}
        ),
    )
    clear_client_certificate = _clear_field(gettext_lazy("Remove the stored certificate"))
    mapping = forms.CharField(
        label=gettext_lazy("Own mapping"),
        required=False,
        strip=False,
        max_length=100_000,
        widget=JsonEditor(schema=reverse_lazy("admin:imports_customerapi_schema")),
        help_text=gettext_lazy(
            "JSON: only what differs from the preset, kept as you write it. The complete "
            "mapping is shown below."
        ),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("API type"),
        choices=[(name, name) for name in PRESETS],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("How requests are built and answers are read."),
    )

    refusal_stored_nothing = forms.ChoiceField(
        label=gettext_lazy("If the API refuses a batch"),
        required=False,
        choices=[
            ("", gettext_lazy("as the mapping or the preset says")),
            ("yes", gettext_lazy("none of the batch is stored")),
            ("no", gettext_lazy("some of it may be stored, or it is not known")),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "For example: 20 customers are sent, the 14th is wrong, and the API answers 400 "
            "without saying which. Are the first 13 stored? If not, Redrive halves refused "
            "batches until it has found the wrong customers. If they may be, the customers of"
            " a refused batch are unknown."
        ),
    )

    class Meta:
        model = CustomerApi
        exclude = SECRETS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored(self.instance)
        self._show_mapping()
        for name in ("secret", "client_secret", "client_certificate"):
            if name in self.fields:
                self.fields[name].help_text = _help(self.stored.get(name))
        if "extra_headers" in self.fields:
            self.fields["extra_headers"].help_text = _headers_help(self.instance, self.stored)

    def _show_mapping(self) -> None:
        """One field of the mapping is a question of its own, and has no default.

        Whoever answered it in the mapping's own text finds the answer there again.
        """
        changes, written = self.instance.mapping, self.instance.mapping_text
        if REFUSALS in changes and text_of(changes, written) != written:
            self.initial[REFUSALS] = "yes" if changes[REFUSALS] else "no"
            changes = {name: value for name, value in changes.items() if name != REFUSALS}
        self.initial["mapping"] = text_of(changes, written)

    def full_clean(self) -> None:
        """As ever; whoever has to correct something enters the secrets again, and is told so."""
        super().full_clean()
        if self.is_bound and self.errors:
            for name in filter(self.data.get, SECRETS):
                self[name].help_text = _(
                    "Nothing was saved, and secrets are not shown again: enter it once more."
                )

    def clean_secret(self) -> str:
        return _one_line(self.cleaned_data["secret"])

    def clean_client_secret(self) -> str:
        return _one_line(self.cleaned_data["client_secret"])

    def clean_extra_headers(self) -> str:
        """Lines of "Name: value" become the JSON object that is stored."""
        text: str = self.cleaned_data["extra_headers"]
        headers: dict[str, str] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                name, value = _header(number, line)
                if name.lower() in map(str.lower, headers):
                    raise ValidationError(_("Line %(n)s repeats a header.") % {"n": number})
                headers[name] = value
        return json.dumps(headers) if headers else ""

    def clean_mapping(self) -> dict[str, Any]:
        text: str = self.cleaned_data["mapping"]
        try:
            changes = read_changes(text) if text.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("This is not JSON: %(error)s.") % {"error": error}) from None
        if not isinstance(changes, dict):
            raise ValidationError(_("The mapping is a JSON object: { … }."))
        return changes

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._answer_refusals(data)
        if self.instance.pk is None and "batch_size" not in self.changed_data:
            data["batch_size"] = fitting_batch_size(self.draft())
        # Whoever forgets a secret on purpose need not enter another one.
        cleared = [name for name in SECRETS if data.get(f"clear_{name}")]
        for field, text in complaints(self.draft(), [*self.kept(), *cleared]):
            if field in self.fields and (field == "mapping" or field not in self.errors):
                self.add_error(field, text)
        self._ask_again_for_moved_secrets()
        return data

    def _ask_again_for_moved_secrets(self) -> None:
        """Who may change an address must not learn by it what is sent there."""
        wrong = {"url", "token_url", "auth"} & set(self.errors)
        if self.instance.pk is None or wrong or not self.asks_again:
            return
        draft = self.draft()
        for name in self.kept():
            if name not in self.errors and not goes_where_it_went(draft, self.instance, name):
                self.add_error(
                    name,
                    _(
                        "It would go to another host than the one it was entered for. "
                        "Enter it again."
                    ),
                )

    def _answer_refusals(self, data: dict[str, Any]) -> None:
        """The answer goes into the mapping. It is asked wherever nobody has given it."""
        mapping, answer = data.get("mapping"), data.get(REFUSALS)
        if not isinstance(mapping, dict):
            return
        mapping = data["mapping"] = with_answer(mapping, answer)
        if answer and mapping[REFUSALS] != (answer == "yes"):
            self.add_error(REFUSALS, _("The mapping below says the opposite. Remove it there."))
        elif not states_refusals(data.get("preset", ""), mapping):
            self.add_error(
                REFUSALS, _("This preset has no answer of its own: choose one of the other two.")
            )

    def draft(self) -> CustomerApi:
        """What the form says, as an API that is not saved, without what is stored of secrets."""
        names = {field.name for field in CustomerApi._meta.fields} & set(self.cleaned_data)
        values = {name: self.cleaned_data[name] for name in names}
        return CustomerApi(**{name: values[name] for name in names if values[name] is not None})

    def kept(self) -> list[str]:
        """The stored secrets that the form neither replaces nor clears."""
        given = self.cleaned_data.get
        return [
            name
            for name in SECRETS
            if self.stored.get(name) and not given(name) and not given(f"clear_{name}")
        ]

    def save(self, commit: bool = True) -> CustomerApi:
        for name in SECRETS:
            if self.cleaned_data.get(name):
                setattr(self.instance, name, self.cleaned_data[name])
            elif self.cleaned_data.get(f"clear_{name}"):
                setattr(self.instance, name, "")
        text = self.cleaned_data["mapping"] and self.data.get("mapping", "")
        self.instance.mapping_text = text.replace("\r\n", "\n") if text else ""
        saved: CustomerApi = super().save(commit)
        return saved


def with_answer(mapping: dict[str, Any], answer: str | None) -> dict[str, Any]:
    """The mapping, with the answer on refusals where it has none itself."""
    return {REFUSALS: answer == "yes", **mapping} if answer else mapping


def stored(api: CustomerApi) -> dict[str, bool]:
    """Which secrets are stored; asked of the database, so that nothing is decrypted."""
    if api.pk is None:
        return {}
    row = CustomerApi.objects.filter(pk=api.pk)
    return {name: row.exclude(**{name: ""}).exists() for name in SECRETS}


def header_names(api: CustomerApi) -> list[str]:
    """The names of the stored extra headers. Raises WrongKey."""
    text = CustomerApi.objects.values_list("extra_headers", flat=True).get(pk=api.pk)
    return list(json.loads(text)) if text else []


def _help(is_stored: bool | None) -> str:
    if is_stored:
        return _("A secret is stored, encrypted, and not shown. Leave this empty to keep it.")
    return _("None is stored yet. It is encrypted and never shown again.")


def _headers_help(api: CustomerApi, found: dict[str, bool]) -> str:
    how = _("One “Name: value” per line. Values are encrypted and never shown again.")
    if not found.get("extra_headers"):
        return how
    try:
        names = ", ".join(header_names(api))
    except (WrongKey, ValueError):
        return _("No key in CREDENTIAL_KEYS opens the stored headers. Enter them again.")
    return _(
        "Stored: %(names)s. Leave this empty to keep them; anything you enter replaces them all."
    ) % {"names": names}


def _header(number: int, line: str) -> tuple[str, str]:
    """The name and value in one line. Raises ValidationError as sending would refuse it."""
    name, colon, value = line.partition(":")
    if not colon:
        raise ValidationError(_("Line %(n)s is not “Name: value”.") % {"n": number})
    try:
        check_headers({name.strip(): value.strip()})
    except BadCredential as error:
        params = {"n": number, "why": in_words(error.message)}
        raise ValidationError(_("Line %(n)s: %(why)s") % params) from None
    return name.strip(), value.strip()


def _one_line(secret: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in secret):
        raise ValidationError(_("It contains a line break or another control character."))
    return secret


PACE = ("concurrency", "delay_seconds", "max_attempts")  # what a paused job may change


def apis() -> QuerySet[CustomerApi]:
    """The APIs to choose from, with their secrets left where they are."""
    return CustomerApi.objects.defer(*SECRETS)


class NewImportForm(forms.Form):
    """A draft needs a name and an API; all else is chosen on its own tabs."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "How you will find it later. If you leave this empty, today’s date is used."
        ),
    )
    api = forms.ModelChoiceField(
        label=gettext_lazy("API"),
        queryset=CustomerApi.objects.none(),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "Where the customers are sent, and at what pace unless you change it."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api"].queryset = apis()  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        today = timezone.localdate().isoformat()
        return name or str(gettext_lazy("Customers of %(day)s") % {"day": today})


class JobSettingsForm(JobModelForm):
    """The operator's settings of one job. Only those that still change something are in it."""

    class Meta:
        model = ImportJob
        fields = (
            "api", "batch_size", "concurrency", "delay_seconds", "timeout_seconds", "max_attempts",
            "retry_delay_seconds", "rollout", "force", "leave_earlier_copies_out",
        )  # fmt: skip
        widgets = {
            "api": UnfoldAdminSelectWidget,
            "batch_size": UnfoldAdminIntegerFieldWidget,
            "concurrency": UnfoldAdminIntegerFieldWidget,
            "delay_seconds": UnfoldAdminDecimalFieldWidget,
            "timeout_seconds": UnfoldAdminDecimalFieldWidget,
            "max_attempts": UnfoldAdminIntegerFieldWidget,
            "retry_delay_seconds": UnfoldAdminDecimalFieldWidget,
            "rollout": UnfoldAdminSelectWidget,
            "force": UnfoldBooleanWidget,
            "leave_earlier_copies_out": UnfoldBooleanWidget,
        }
        help_texts = {
            "api": gettext_lazy(
                "Where it is sent, and with which credential. In Redrive, each credential is "
                "an API of its own."
            ),
            "rollout": gettext_lazy(
                "One batch: the job sends it, then waits for you. Ramp up: each stage waits "
                "for the one before it, and the job stops if a whole stage fails."
            ),
            "leave_earlier_copies_out": gettext_lazy(
                "Off: every copy of a customer is sent, each after the one before it has "
                "finished. On: only the last copy is sent; the others are left out, each with"
                " its reason."
            ),
            "force": gettext_lazy(
                "Off: customers that were already imported, or imported in a newer version, "
                "are left out, each with its reason. On: they are sent again."
            ),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "api" in self.fields:
            self.fields["api"].queryset = apis()  # type: ignore[attr-defined]
            self.fields["api"].empty_label = None  # type: ignore[attr-defined]
            self.fields["api"].required = True
        for name in self._settled():
            self.fields.pop(name, None)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        most, size = most_in_a_batch(data.get("api") or self.instance.api), data.get("batch_size")
        if most and size and size > most:
            text = _("This API takes at most %(n)s customers in a batch.") % {"n": most}
            self.add_error("batch_size", text)
        return data

    def _settled(self) -> set[str]:
        """What cannot be changed any more, or means nothing for this job."""
        job = self.instance
        settled = set()
        if job.status == JobStatus.PAUSED:
            settled |= set(self.fields) - set(PACE)
        if job.batches.exists():
            # The batches are cut, as the retry of what failed at this API.
            settled |= {"batch_size", "leave_earlier_copies_out", "api"}
        if not job.files.filter(Q(retry_file__isnull=False) | ~Q(known_before=[])).exists():
            settled.add("force")
        if job.api_id is None:
            settled |= {"api", "leave_earlier_copies_out"}
        return settled
