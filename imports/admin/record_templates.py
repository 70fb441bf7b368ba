"""Record templates: their list, and the editor beside a live preview of rows and records.

The editor has a form for each field, and turns them into the template's document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from imports.admin import permissions
from imports.admin.base import ManagedAdmin
from imports.admin.formatting import whole_number
from imports.admin.forms import apis
from imports.admin.job.page import tab_url
from imports.customers import background
from imports.customers.members import preview, template
from imports.customers.members.preview import Sample
from imports.customers.members.template import ISO, MOST_FIELDS, BadTemplate, Template, read
from imports.engine import queue
from imports.ledger.lifecycle import NotAllowed
from imports.models import CustomerApi, ImportFile, RecordTemplate
from imports.rendering import in_words
from imports.states import FileStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import QueryDict
    from django.urls import URLPattern, URLResolver
    from django.utils.functional import _StrOrPromise

    from imports.customers.members.template import Field


LATER_VERSION = _(
    "Somebody has saved a later version meanwhile. Open that one: nothing was saved."
)


@admin.register(RecordTemplate)
class RecordTemplateAdmin(ManagedAdmin):
    """The latest version of each; earlier ones are reached from the editor."""

    when_empty = _(
        "A record template makes an API’s record of each row of a CSV or XLSX file. Add such a "
        "file to an import, and make one from its headings."
    )
    manage = permissions.MANAGE_TEMPLATES
    list_display = ("name", "version", "api", "created_by", "created_at")
    list_filter = ("api",)
    search_fields = ("name",)
    search_help_text = _("Name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecordTemplate]:
        return RecordTemplate.objects.select_related("api").defer("api__secret", "document")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RecordTemplate], search_term: str
    ) -> tuple[QuerySet[RecordTemplate], bool]:
        current = queryset.filter(is_current=True)
        found: tuple[QuerySet[RecordTemplate], bool] = super().get_search_results(
            request, current, search_term
        )
        return found

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        permissions.require(request, self.manage)
        return edit(self, request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        template = get_object_or_404(RecordTemplate, pk=whole_number(object_id) or 0)
        if not self.has_view_permission(request, template):
            permissions.require(request, self.manage)
        return edit(self, request, template)

    def delete_model(self, request: HttpRequest, obj: RecordTemplate) -> None:
        RecordTemplate.objects.filter(name=obj.name).delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RecordTemplate]) -> None:
        names = list(queryset.values_list("name", flat=True))
        RecordTemplate.objects.filter(name__in=names).delete()

    def get_urls(self) -> list[URLPattern | URLResolver]:
        look = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", look, name="imports_recordtemplate_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What the form as it stands makes of the rows."""
        permissions.require(request, permissions.MANAGE_TEMPLATES)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        editor = Editor(request, None)
        shown = {"preview": editor.preview(), "complaints": editor.complaints}
        return render(request, "imports/members/preview.html", shown)


def edit(
    page: RecordTemplateAdmin, request: HttpRequest, base: RecordTemplate | None
) -> HttpResponse:
    """The editor: new, or the next version of one that is there."""
    editor = Editor(request, base)
    if request.method == "POST":
        permissions.require(request, permissions.MANAGE_TEMPLATES)
        if "save" in request.POST and (saved := editor.save()):
            return _after(request, editor, saved)
    shown = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": base.name if base else gettext("New record template"),
        "editor": editor,
        "preview": editor.preview(),
        "complaints": editor.complaints,
        "may_edit": permissions.may(request, permissions.MANAGE_TEMPLATES),
    }
    status = 422 if "save" in request.POST else 200
    return render(request, "imports/members/editor.html", shown, status=status)


def _after(request: HttpRequest, editor: Editor, saved: RecordTemplate) -> HttpResponse:
    messages.success(
        request,
        gettext("Saved: “%(name)s”, version %(version)s.")
        % {"name": saved.name, "version": saved.version},
    )
    file = editor.file
    if file is None or file.job.api_id != saved.api_id:
        return redirect("admin:imports_recordtemplate_changelist")
    if permissions.may(request, permissions.CHANGE):
        use(request, file, saved)
    return redirect(tab_url(file.job_id, "files"))


def use(request: HttpRequest, file: ImportFile, template: RecordTemplate) -> None:
    """Read a draft's file by a template, or say why not."""
    try:
        if background.use_template(file, template):
            queue.enqueue_on_commit(file.job_id)
    except NotAllowed as refusal:
        messages.warning(request, in_words(refusal.message))


@dataclass
class Editor:
    """What the editor shows: the forms as they were sent, or as the template or a guess has it."""

    request: HttpRequest
    base: RecordTemplate | None
    complaints: list[_StrOrPromise] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self._file()
        self.api = self._api()
        data = self.request.POST if self.request.method == "POST" else None
        self.sample = self._sample(data)
        headings = self.sample.headings or tuple(self.base.headings if self.base else ())
        if data is None or "guess" in data:
            self.template = self._first_template()
            self.formset = formset_of(self.template, headings)
        else:
            self.formset = posted(data, headings, more="add" in data)
            self.template = self._sent_template(data)
        self.form = TemplateForm(data, initial=self._initial(), fixed=self.base)
        if data is not None and "save" not in data:
            self.form.is_valid()

    def _file(self) -> ImportFile | None:
        pk = whole_number(self.request.GET.get("file", "")) or 0
        files = ImportFile.objects.select_related("job__api", "member")
        file = files.filter(pk=pk, member__isnull=False).exclude(member__form={}).first()
        if file is not None:
            permissions.require(self.request, permissions.VIEW)
        return file

    def _api(self) -> CustomerApi | None:
        if self.base is not None:
            return self.base.api
        chosen = whole_number(self.request.POST.get("api", "")) or 0
        apis = CustomerApi.objects.order_by("name")
        if found := apis.filter(pk=chosen).first():
            return found
        return self.file.job.api if self.file else apis.first()

    def _sample(self, data: Any) -> Sample:
        if self.file is not None:
            return preview.sample_of(self.file.member)
        return preview.pasted(data.get("pasted", "")) if data is not None else Sample()

    def _first_template(self) -> Template:
        if self.base is not None:
            return read(self.base.document)
        if self.api is None or not self.sample.headings:
            return Template()
        return preview.guess(self.sample, self.api)

    def _sent_template(self, data: Any) -> Template:
        self.formset.is_valid()
        document = document_of(self.formset, data.get("short_rows", ""))
        try:
            return read(document)
        except BadTemplate as error:
            self.complaints = [in_words(each) for each in error.complaints]
            return Template()

    def _initial(self) -> dict[str, Any]:
        name = self.base.name if self.base else ""
        return {"name": name, "api": self.api, "short_rows": self.template.short_rows}

    @property
    def versions(self) -> list[RecordTemplate]:
        """The versions of the template, the latest first."""
        if self.base is None:
            return []
        found = RecordTemplate.objects.filter(name=self.base.name).defer("document")
        return list(found.order_by("-version")[:50])

    @property
    def paths(self) -> list[str]:
        """Paths of the API's records, to choose from."""
        return preview.known_paths(self.api) if self.api else []

    @property
    def preview_url(self) -> str:
        """Where the preview is made, of the same file."""
        url = reverse("admin:imports_recordtemplate_preview")
        return f"{url}?file={self.file.pk}" if self.file else url

    @property
    def is_draft(self) -> bool:
        """Whether saving makes the file's records anew."""
        return self.file is not None and self.file.status != FileStatus.READING

    def preview(self) -> preview.Preview | None:
        """What the template makes of the sample; None while it is wrong or there is none."""
        if self.api is None or self.complaints:
            return None
        if not self.template.fields:
            return preview.Preview(trouble=self.sample.trouble)
        return preview.preview(self.template, self.sample, self.api)

    def save(self) -> RecordTemplate | None:
        """The next version, stored; None where something is wrong, which the page then says."""
        if not (self.form.is_valid() and self.formset.is_valid()) or self.complaints:
            return None
        headings = self.sample.headings or (self.base.headings if self.base else ())
        try:
            return template.save_version(
                self.form.cleaned_data["name"],
                self.base.api if self.base else self.form.cleaned_data["api"],
                self.template,
                headings,
                permissions.actor(self.request),
                after=self.base,
            )
        except template.Overtaken:
            self.complaints = [LATER_VERSION]
            return None


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
    decimal = forms.ChoiceField(
        label=_("Decimals"), choices=((".", "1234.5"), (",", "1234,5")), widget=_select()
    )
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
