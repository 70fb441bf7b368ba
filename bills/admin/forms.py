"""Forms for portals and new jobs of bills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.templatetags.static import static
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bills.csv.column_choice import ColumnChoice
from bills.csv.reader import EMAIL_KEYS, PASSWORD_KEYS, key
from bills.models import Portal
from bills.models.portals import CODE_WAIT_SECONDS
from bills.portal_setup import moved_passwords
from bills.portals.recipe_schema import RecipeError, load_recipe
from imports.admin.forms import JsonEditor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bills.csv.column_choice import Heading

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
        widget=JsonEditor(schema=lazy(static, str)("bills/recipe.schema.json")),
        help_text=gettext_lazy(
            "JSON with the parts hosts, overlays, login, outcomes and bills. Redrive works out "
            "what you leave out; most portals need no recipe."
        ),
    )

    class Meta:
        model = Portal
        fields = (
            "name", "login_url", "billing_url", "recipe", "script", "max_attempts",
            "retry_delay_seconds", "attempt_timeout_seconds", "concurrency",
            "refused_password_limit", "code_wait_seconds", "keeps_devices",
        )  # fmt: skip
        help_texts = {
            "max_attempts": gettext_lazy("For each account, the first attempt included."),
            "attempt_timeout_seconds": gettext_lazy(
                "From the login page to the last bill. Then the attempt ends."
            ),
            "refused_password_limit": gettext_lazy(
                "Empty: twice. Most portals lock an account after 3 to 5 refused passwords, and "
                "some block your address after 10. Counted over all jobs until the password "
                "changes."
            ),
            "script": gettext_lazy("A portal written in Python, in place of a recipe."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.recipe and not self.is_bound:
            self.initial["recipe"] = json.dumps(self.instance.recipe, indent=2, ensure_ascii=False)
        elif not self.is_bound and not isinstance(self.initial.get("recipe"), str):
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

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and "login_url" in data and "recipe" in data:
            urls = {name: data[name] for name in ("login_url", "recipe")}
            if moved := moved_passwords(Portal(pk=self.instance.pk, **urls)):
                self.add_error(*moved)
        return data


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
        help_text=gettext_lazy("Leave it empty to use the stored password."),
    )
