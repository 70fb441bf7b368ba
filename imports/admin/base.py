"""What our admin pages share: lists, forms with one permission each, health, and places elsewhere.

Lists are read-only or have many rows; an API's or a portal's health is a column. The form of a
bucket or a server checks its address, and only writes its secret.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminPasswordWidget

from imports.admin import permissions
from imports.http.addresses import BadAddress, check_url
from imports.ledger.health import Health, health_of
from imports.remote import RemoteFailure
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db import models
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    Pages = Paginator[Any]
    PlaceModelForm = forms.ModelForm[models.Model]
else:
    Pages = Paginator
    PlaceModelForm = forms.ModelForm

MOST_COUNTED = 10_000


class CappedPaginator(Pages):
    """Counts up to a limit and no further: a million rows cost what ten thousand do."""

    @cached_property
    def found(self) -> int:
        """How many there are; one more than the limit stands for "more than that"."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment] # all lists here are
        return rows.order_by()[: MOST_COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.found, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        """Whether there is more than the pages show."""
        return self.found > MOST_COUNTED


def page_of(request: HttpRequest, paginator: CappedPaginator) -> dict[str, Any]:
    """The page that the address asks for, and the numbers that lead to the others."""
    page = paginator.get_page(request.GET.get("page"))
    numbers = [*paginator.get_elided_page_range(page.number)]
    return {"page_obj": page, "page_numbers": numbers}


class CappedList(ChangeList):
    """Offers "select all" only where that is really all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.is_capped:
            self.result_count = len(self.result_list)  # the rows of this page: no "all of them"
        self.full_result_count = self.result_count  # nobody counts the whole table


class LedgerAdmin(ModelAdmin):
    """No adding, changing or deleting; no count of a million rows; newest first."""

    ordering = ("-id",)
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    page_template = ""  # of a row; without one, Django's read-only form is shown

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return CappedList

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """A row has no form but a page of its own, where there is a template for it."""
        if not self.page_template:
            form: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return form
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            **self.page_context(request, row),
        }
        return render(request, self.page_template, shown)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What a row's page shows."""
        return {}


def searched_by_record(term: str) -> list[str]:
    """The spellings of a customer id or e-mail that are looked up, by index."""
    return list(dict.fromkeys([term, term.lower()]))


class ManagedAdmin(ModelAdmin):
    """Whoever has `manage` adds, changes and deletes; Django's "view" shows, without secrets."""

    manage: str  # "imports.manage_apis"
    secrets: tuple[str, ...] = ()  # fields that are only ever written

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Also for actions; Django asks for it by this name."""
        return permissions.may(request, self.manage)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the secrets for whoever only looks: Django would print what is stored."""
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_manage_permission(request):
            return fieldsets
        return [
            (name, {**options, "fields": [f for f in options["fields"] if f not in self.secrets]})
            for name, options in fieldsets
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Whoever only looks gets no form: scripts would ask its fields what to show."""
        if not self.has_manage_permission(request):
            reader = copy(self)
            reader.conditional_fields = {}
            context["adminform"].model_admin = reader
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


class HealthList(ChangeList):
    """A page of APIs or portals, with the health of all in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        found = health_of({row.rate_limit_key for row in self.result_list})
        for row in self.result_list:
            row.page_health = found.get(row.rate_limit_key, Health())


class HealthColumn:
    """For the admin of a model that has a `rate_limit_key`."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HealthList

    @display(description=gettext_lazy("Last 24 hours"))
    def health_column(self, row: Any) -> str:
        return render_to_string("imports/list/health.html", {"health": row.page_health})


def secret_field(help_text: Any) -> forms.CharField:
    """The box for a place's secret: it is never shown again."""
    return forms.CharField(
        label=gettext_lazy("Password or secret key"),
        required=False,
        max_length=20_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=help_text,
    )


class PlaceForm(PlaceModelForm):
    """An empty secret keeps what is stored, unless it would go to another place.

    `place_field` is the field that says where the place is; `moved` says that it has changed.
    """

    place_field: ClassVar[str]
    moved: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = type(self.instance)._default_manager.filter(pk=self.instance.pk)
        self.had_secret = stored.exclude(secret="").exists()
        self.leads_to = ("kind", self.place_field, "endpoint", "host_key")
        self.stored_place = stored.values_list(*self.leads_to).first()

    def check_secret(self, data: dict[str, Any]) -> None:
        """A stored secret goes only where it went when it was entered."""
        if data.get("secret"):
            return
        now = tuple(data.get(name, "") for name in self.leads_to)
        if self.stored_place not in (None, now):
            self.add_error("secret", self.moved)
        elif not self.had_secret:
            self.add_error("secret", _("It is needed."))

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]  # type: ignore[attr-defined]
        return super().save(commit)


def check_s3(place_field: str, data: dict[str, Any]) -> None:
    """Whether a bucket can be where the form says. Raises ValidationError for the field."""
    from imports.remote.s3 import bucket_of  # boto3: only where it is used

    with named(place_field):
        bucket_of(data[place_field])
    if data.get("endpoint"):
        with named("endpoint"):
            check_url(data["endpoint"], settings.ALLOW_PRIVATE_ADDRESSES)


def check_sftp(place_field: str, data: dict[str, Any]) -> None:
    """The same for an SFTP server, its host key, its user and a private key."""
    from imports.remote.sftp import host_key_of, private_key_of, server_of  # paramiko: likewise

    with named(place_field):
        server_of(data[place_field])
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
