"""Watched folders: where files for imports are put, and what became of each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from imports.admin import permissions
from imports.admin.base import ManagedAdmin
from imports.http.addresses import BadAddress, check_url
from imports.models import WatchedFile, WatchedFolder
from imports.models.watched import PlaceKind
from imports.remote.failures import RemoteFailure
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

FILES_SHOWN = 50


if TYPE_CHECKING:
    FolderBase = forms.ModelForm[WatchedFolder]
else:
    FolderBase = forms.ModelForm


class WatchedFolderForm(FolderBase):
    """An empty secret keeps what is stored, unless it would go to another host."""

    secret = forms.CharField(
        label=gettext_lazy("Password or secret key"),
        required=False,
        max_length=20_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "S3: the secret key. SFTP: the password, or a private key. It is stored encrypted and "
            "never shown. Empty keeps what is stored."
        ),
    )

    class Meta:
        model = WatchedFolder
        exclude = ("secret",)  # the form's own `save` writes it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = WatchedFolder.objects.filter(pk=self.instance.pk)
        self.had_secret = stored.exclude(secret="").exists()
        self.stored_place = stored.values_list("kind", "folder", "endpoint", "host_key").first()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") and data.get("folder"):
            try:
                CHECKS[PlaceKind(data["kind"])](data)
            except ValidationError as refusal:
                self.add_error(None, refusal)
            self._check_secret(data)
        return data

    def _check_secret(self, data: dict[str, Any]) -> None:
        if data["kind"] == PlaceKind.FOLDER or data.get("secret"):
            return
        now = tuple(data.get(name, "") for name in ("kind", "folder", "endpoint", "host_key"))
        if self.stored_place not in (None, now):
            self.add_error("secret", _("Enter it again: the place has changed."))
        elif not self.had_secret:
            self.add_error("secret", _("It is needed."))

    def save(self, commit: bool = True) -> WatchedFolder:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]
        saved: WatchedFolder = super().save(commit)
        return saved


def _check_s3(data: dict[str, Any]) -> None:
    from imports.remote.s3 import bucket_of  # boto3: only where it is used

    with named("folder"):
        bucket_of(data["folder"])
    if data.get("endpoint"):
        with named("endpoint"):
            check_url(data["endpoint"], settings.ALLOW_PRIVATE_ADDRESSES)


def _check_sftp(data: dict[str, Any]) -> None:
    from imports.remote.sftp import host_key_of, private_key_of, server_of  # paramiko: likewise

    with named("folder"):
        server_of(data["folder"])
    with named("host_key"):
        host_key_of(data.get("host_key", ""))
    if not data.get("user_name"):
        raise ValidationError({"user_name": _("It is needed.")})
    if "PRIVATE KEY" in data.get("secret", ""):
        with named("secret"):
            private_key_of(data["secret"])


@contextmanager
def named(field: str) -> Iterator[None]:
    """What is wrong, as an error of this field."""
    try:
        yield
    except (RemoteFailure, BadAddress) as failure:
        raise ValidationError({field: in_words(failure.message)}) from None


CHECKS: dict[PlaceKind, Callable[[dict[str, Any]], None]] = {
    PlaceKind.FOLDER: lambda data: None,
    PlaceKind.S3: _check_s3,
    PlaceKind.SFTP: _check_sftp,
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
