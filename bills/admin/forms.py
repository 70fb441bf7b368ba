"""Forms for portals and new jobs of bills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bills.browser.sites import same_site, site
from bills.models import Portal
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
            "refused_password_limit",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.recipe and not self.is_bound:
            self.initial["recipe"] = json.dumps(self.instance.recipe, indent=2, ensure_ascii=False)
        elif not self.is_bound:
            self.initial["recipe"] = ""

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

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        before = Portal.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
        if before is not None and "login_url" in data and "recipe" in data:
            self._keep_passwords_at_home(before, data)
        return data

    def _keep_passwords_at_home(self, before: Portal, data: dict[str, Any]) -> None:
        """Who may change an address must not learn by it the passwords that are typed there."""
        moved = not same_site(data["login_url"], before.login_url)
        added = password_hosts(data["recipe"]) - password_hosts(before.recipe)
        accounts = before.credentials.count() if moved or added else 0
        if accounts:
            why = ngettext(
                "The password of %(n)s account was entered for %(site)s and goes to no other "
                "host. Make a new portal: its passwords are entered again.",
                "The passwords of %(n)s accounts were entered for %(site)s and go to no other "
                "host. Make a new portal: its passwords are entered again.",
                accounts,
            )
            shown = {"n": accounts, "site": site(before.login_url)}
            self.add_error("login_url" if moved else "recipe", why % shown)


def password_hosts(recipe: Any) -> set[str]:
    """The further hosts that a recipe lets a password be typed on."""
    named = recipe.get("password_hosts") if isinstance(recipe, dict) else None
    return set(named) if isinstance(named, list) else set()


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
