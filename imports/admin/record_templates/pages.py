"""Record templates: their list, and the editor beside a live preview of rows and records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import permissions
from imports.admin.base import ManagedAdmin
from imports.admin.formatting import whole_number
from imports.admin.job.page import tab_url
from imports.admin.record_templates.forms import (
    TemplateForm,
    document_of,
    formset_of,
    posted,
)
from imports.customers import background
from imports.customers.members import preview
from imports.customers.members.preview import Sample
from imports.customers.members.templates import saving
from imports.customers.members.templates.template import BadTemplate, Template, read
from imports.engine import queue
from imports.ledger.lifecycle import NotAllowed
from imports.models import CustomerApi, ImportFile, RecordTemplate
from imports.models.files import FileStatus
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver
    from django.utils.functional import _StrOrPromise

PASTED = "pasted"
LATER_VERSION = gettext_lazy(
    "Somebody has saved a later version meanwhile. Open that one: nothing was saved."
)


@admin.register(RecordTemplate)
class RecordTemplateAdmin(ManagedAdmin):
    """The latest version of each; earlier ones are reached from the editor."""

    when_empty = gettext_lazy(
        "A record template makes an API’s record of each row of a CSV or XLSX file. Add such a "
        "file to an import, and make one from its headings."
    )
    manage = permissions.MANAGE_TEMPLATES
    list_display = ("name", "version", "api", "created_by", "created_at")
    list_filter = ("api",)
    search_fields = ("name",)

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
        "title": base.name if base else _("New record template"),
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
        _("Saved: “%(name)s”, version %(version)s.")
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
        return preview.pasted(data.get(PASTED, "")) if data is not None else Sample()

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
            return saving.save_version(
                self.form.cleaned_data["name"],
                self.base.api if self.base else self.form.cleaned_data["api"],
                self.template,
                headings,
                permissions.actor(self.request),
                after=self.base,
            )
        except saving.Overtaken:
            self.complaints = [LATER_VERSION]
            return None
