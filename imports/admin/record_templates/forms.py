"""The editor of a record template: a form for each field, and what they say as a document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from imports.admin.formatting import whole_number
from imports.admin.forms import apis
from imports.customers.members.templates.template import ISO, MOST_FIELDS
from imports.models import RecordTemplate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import QueryDict

    from imports.customers.members.templates.template import Field, Template

PREFIX = "fields"
BETWEEN = " | "  # between the headings of several columns
BLANK = {"type": "text", "format": ISO, "write_as": ISO, "decimal": ".", "empty": "omit"}
TYPES = (
    ("text", _("text")), ("integer", _("whole number")), ("number", _("number")),
    ("yes-no", _("yes or no")), ("date", _("date")),
)  # fmt: skip
EMPTY = (
    ("omit", _("leave the field out")), ("null", _("send null")), ("text", _("send “”")),
    ("refuse", _("refuse the row")),
)  # fmt: skip
OTHERS = (("refuse", _("refuse the row")), ("keep", _("send as it stands")))
DECIMALS = ((".", "1234.5"), (",", "1234,5"))
SHORT_ROWS = (("refuse", _("refuse it")), ("fill", _("its last cells are empty")))


def _input(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "rd-input", **attributes})


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "rd-input"})


class FieldForm(forms.Form):
    """One field of a record. Its column is one of the file's, or one that the template names."""

    path = forms.CharField(
        label=_("Field"), max_length=500, widget=_input(list="rd-paths", spellcheck="false")
    )
    column = forms.CharField(label=_("Column"), required=False, widget=_select())
    further = forms.CharField(
        label=_("Further columns of a list"), required=False, max_length=5_000, widget=_input(),
        help_text=_("Headings with | between them: the field becomes a list of filled cells."),
    )  # fmt: skip
    constant = forms.CharField(
        label=_("The same for all"), required=False, max_length=5_000, widget=_input(),
    )  # fmt: skip
    type = forms.ChoiceField(label=_("Read as"), choices=TYPES, widget=_select())
    format = forms.CharField(
        label=_("Date in the file"), required=False, max_length=40,
        widget=_input(placeholder="dd.mm.yyyy"),
    )  # fmt: skip
    write_as = forms.CharField(
        label=_("Date for the API"), required=False, max_length=40, widget=_input(placeholder=ISO)
    )
    decimal = forms.ChoiceField(label=_("Decimals"), choices=DECIMALS, widget=_select())
    empty = forms.ChoiceField(label=_("Where the cell is empty"), choices=EMPTY, widget=_select())
    values = forms.CharField(
        label=_("Other values for the API"), required=False, max_length=20_000, strip=False,
        widget=forms.Textarea(attrs={"class": "rd-input rd-wide", "rows": 3}),
        help_text=_("A line for each: what stands in the file = what the API gets."),
    )  # fmt: skip
    others = forms.ChoiceField(
        label=_("A value that is not listed"), choices=OTHERS, widget=_select()
    )
    trim = forms.BooleanField(label=_("Without blanks around it"), required=False)

    def __init__(self, *args: Any, headings: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self["column"].value() or ""
        known = list(dict.fromkeys([*headings, *([chosen] if chosen else [])]))
        select = self.fields["column"].widget
        select.choices = [("", "–"), *((each, each) for each in known)]
        for name in ("type", "decimal", "empty", "others"):
            self.fields[name].required = False


FieldFormSet = forms.formset_factory(
    FieldForm, extra=0, can_delete=True, max_num=MOST_FIELDS, absolute_max=MOST_FIELDS
)


class TemplateForm(forms.Form):
    """A template's name, the API that its records are for, and rows to try it on."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=_input())
    api = forms.ModelChoiceField(
        label=_("API"), queryset=apis().none(), empty_label=None, widget=_select()
    )
    short_rows = forms.ChoiceField(
        label=_("A row that is shorter than the heading"), choices=SHORT_ROWS, required=False,
        widget=_select(),
    )  # fmt: skip
    pasted = forms.CharField(
        label=_("Rows to try it on"), required=False, strip=False,
        widget=forms.Textarea(attrs={"class": "rd-input rd-wide", "rows": 4}),
        help_text=_("Paste the heading and a few rows of the file."),
    )  # fmt: skip

    def __init__(self, *args: Any, fixed: RecordTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api"].queryset = apis()  # type: ignore[attr-defined]
        self._fixed = fixed
        for name in ("name", "api"):
            self.fields[name].required = fixed is None

    def clean_name(self) -> str:
        """A new template needs a new name; a version keeps the one that it has."""
        name: str = self.cleaned_data["name"]
        if self._fixed is not None:
            return self._fixed.name
        if RecordTemplate.objects.filter(name=name).exists():
            raise forms.ValidationError(
                _("A template of this name is there already. Edit that one, or choose another.")
            )
        return name


def as_initial(field: Field) -> dict[str, Any]:
    """What the form of one field begins with."""
    first, *further = field.sources or ("",)
    is_date = field.type == "date"
    return {
        "path": field.path, "column": first, "further": BETWEEN.join(further),
        "constant": as_text(field.constant) if field.is_constant else "",
        "type": field.type, "format": field.format if is_date else "",
        "write_as": field.write_as if is_date and field.write_as != ISO else "",
        "decimal": field.decimal, "empty": field.empty, "others": field.others,
        "trim": field.trim,
        "values": "\n".join(f"{each} = {as_text(to)}" for each, to in field.values.items()),
    }  # fmt: skip


def as_text(value: Any) -> str:
    """A JSON value as somebody writes it: text without quotes, where nothing else is meant."""
    if isinstance(value, str) and isinstance(_value(value), str) and value == value.strip():
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    """What somebody wrote: JSON, or else text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def document_of(formset: Any, short_rows: str) -> dict[str, Any]:
    """What the forms say, valid or not, as a template's document."""
    fields = [
        _field(form.cleaned_data)
        for form in formset.forms
        if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
    ]
    document: dict[str, Any] = {"fields": [each for each in fields if each != {"path": ""}]}
    return document | ({"short_rows": short_rows} if short_rows == "fill" else {})


def _field(data: dict[str, Any]) -> dict[str, Any]:
    field: dict[str, Any] = {"path": data.get("path", "")}
    further = [each.strip() for each in data.get("further", "").split("|") if each.strip()]
    if further:
        field["columns"] = [each for each in (data["column"], *further) if each]
    elif data.get("column"):
        field["column"] = data["column"]
    if data.get("constant"):
        field["constant"] = _value(data["constant"])
    for name in ("type", "format", "write_as", "decimal", "empty", "others"):
        if data.get(name) and data[name] != BLANK.get(name, "refuse"):
            field[name] = data[name]
    if not data.get("trim") and not data.get("constant"):
        field["trim"] = False
    if values := _values(data.get("values", "")):
        field["values"] = values
    return field


def _values(text: str) -> dict[str, Any]:
    lines = [line for line in text.splitlines() if "=" in line]
    parts = [line.partition("=") for line in lines]
    return {known.strip(): _value(to.strip()) for known, _sign, to in parts}


def formset_of(template: Template, headings: Sequence[str]) -> Any:
    """The forms of a template's fields."""
    return FieldFormSet(
        initial=[as_initial(each) for each in template.fields], prefix=PREFIX,
        form_kwargs={"headings": headings},
    )  # fmt: skip


def posted(data: QueryDict, headings: Sequence[str], *, more: bool = False) -> Any:
    """The forms as they were sent; `more`: with an empty one behind them."""
    data = data.copy()
    total = f"{PREFIX}-TOTAL_FORMS"
    number = whole_number(str(data.get(total, ""))) or 0
    if more and number < MOST_FIELDS:
        data[total] = str(number + 1)
        data[f"{PREFIX}-{number}-trim"] = "on"
    return FieldFormSet(data, prefix=PREFIX, form_kwargs={"headings": headings})
