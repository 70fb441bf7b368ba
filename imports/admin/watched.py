"""Watched folders: where files for imports are put, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import permissions
from imports.admin.base import ManagedAdmin
from imports.models import WatchedFile, WatchedFolder
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

FILES_SHOWN = 50


@admin.register(WatchedFolder)
class WatchedFolderAdmin(ManagedAdmin):
    """A folder, which of its files are taken, and where they go."""

    when_empty = gettext_lazy("Each file that is put into a watched folder is imported by itself.")
    manage = permissions.MANAGE_WATCHED_FOLDERS
    list_display = (
        "name", "folder", "pattern", "api", "starts", "is_active", "trouble_column",
    )  # fmt: skip
    search_fields = ("name", "folder")
    change_form_outer_after_template = "imports/watched/files.html"
    fieldsets = (
        (None, {"fields": ("name", "folder", "pattern", "is_active")}),
        (gettext_lazy("What becomes of a file"), {"fields": ("api", "starts")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchedFolder]:
        secrets = ("api__secret", "api__client_secret", "api__extra_headers")
        return WatchedFolder.objects.select_related("api").defer(*secrets)

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, folder: WatchedFolder) -> str:
        return in_words(folder.trouble) or "–"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        row = self.get_object(request, object_id)
        files = WatchedFile.objects.filter(folder=row).select_related("job")
        shown = {"watched": row, "files": files[:FILES_SHOWN], "root": settings.WATCH_DIR}
        form: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return form
