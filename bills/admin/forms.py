"""Forms for portals and new jobs of bills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bills.models import Portal
from bills.models.portals import CODE_WAIT_SECONDS
from bills.portals.recipe_schema import RecipeError, load_recipe

if TYPE_CHECKING:
    PortalBase = forms.ModelForm[Portal]
else:
    PortalBase = forms.ModelForm

LARGEST_CSV_BYTES = 50 * 1024 * 1024
LONGEST_PASSWORD = 1_000


class PortalForm(PortalBase):
    """The recipe is JSON text here; what is wrong with it is told with the part's name."""

    recipe = forms.CharField(
        label=gettext_lazy("Recipe"),
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 18, "spellcheck": "false", "class": "font-mono"}
        ),
        help_text=gettext_lazy(
            "JSON with the parts hosts, overlays, login, outcomes and bills. What is left out "
            "is guessed; empty guesses everything. The README teaches it."
        ),
    )

    class Meta:
        model = Portal
        fields = (
            "name", "login_url", "billing_url", "recipe", "script", "max_attempts",
            "retry_delay_seconds", "attempt_timeout_seconds", "concurrency",
            "refused_password_limit", "code_wait_seconds", "keeps_devices",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.recipe and not self.is_bound:
            self.initial["recipe"] = json.dumps(self.instance.recipe, indent=2, ensure_ascii=False)
        elif not self.is_bound:
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
            raise ValidationError(
                [f"{part}: {summary}" for part, summary in refusal.errors]
            ) from None
        parsed: dict[str, Any] = json.loads(text)
        return parsed


class NewBillsForm(forms.Form):
    """A portal and a CSV; both are shown again, read, before anything is stored."""

    portal = forms.ModelChoiceField(
        label=gettext_lazy("Portal"),
        queryset=Portal.objects.all(),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Where to log in, and how fast."),
    )
    csv = forms.FileField(
        label=gettext_lazy("CSV of credentials"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv", "class": "rd-input"}),
        help_text=gettext_lazy(
            "A column with the e-mail (or user name) and one with the password; all others are "
            "kept and shown. The file itself is not kept."
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
        help_text=gettext_lazy("Empty: the one that is stored for this account."),
    )
