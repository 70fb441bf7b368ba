"""Watched folders: where files for imports are put, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import permissions
from imports.admin.base import ManagedAdmin, PlaceForm, check_s3, check_sftp, secret_field
from imports.models import WatchedFile, WatchedFolder
from imports.models.watched import PlaceKind
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

FILES_SHOWN = 50


class WatchedFolderForm(PlaceForm):
    """A directory here, a bucket's prefix, or a directory of an SFTP server."""

    place_field = "folder"
    moved = gettext_lazy("Enter it again: the place has changed.")
    secret = secret_field(
        gettext_lazy(
            "S3: the secret key. SFTP: the password, or a private key. It is stored encrypted and "
            "never shown. Empty keeps what is stored."
        )
    )

    class Meta:
        model = WatchedFolder
        exclude = ("secret",)  # the form's own `save` writes it

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") and data.get("folder"):
            kind = PlaceKind(data["kind"])
            try:
                CHECKS[kind](self.place_field, data)
            except ValidationError as refusal:
                self.add_error(None, refusal)
            if kind is not PlaceKind.FOLDER:
                self.check_secret(data)
        return data


CHECKS: dict[PlaceKind, Callable[[str, dict[str, Any]], None]] = {
    PlaceKind.FOLDER: lambda place_field, data: None,
    PlaceKind.S3: check_s3,
    PlaceKind.SFTP: check_sftp,
}


@admin.register(WatchedFolder)
class WatchedFolderAdmin(ManagedAdmin):
    """A place, which of its files are taken, and where they go."""

    when_empty = gettext_lazy("Each file that is put into a watched folder is imported by itself.")
    manage = permissions.MANAGE_WATCHED_FOLDERS
    form = WatchedFolderForm
    conditional_fields = {
        "endpoint": "kind == 's3'",
        "region": "kind == 's3'",
        "user_name": "kind != 'folder'",
        "host_key": "kind == 'sftp'",
        "secret": "kind != 'folder'",
    }
    list_display = (
        "name", "kind", "folder", "pattern", "api", "starts", "is_active", "trouble_column",
    )  # fmt: skip
    search_fields = ("name", "folder")
    search_help_text = gettext_lazy("Name or folder")
    change_form_outer_after_template = "imports/watched/files.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name", "kind", "folder", "endpoint", "region", "user_name", "host_key",
                    "secret", "pattern", "is_active",
                )
            },
        ),
        (gettext_lazy("What becomes of a file"), {"fields": ("api", "starts")}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchedFolder]:
        secrets = ("secret", "api__secret", "api__client_secret", "api__extra_headers")
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
        where = row.place if row is not None and row.kind == PlaceKind.FOLDER else ""
        shown = {"watched": row, "files": files[:FILES_SHOWN], "where": where}
        form: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return form
