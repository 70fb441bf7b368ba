"""Accounts: what is stored at each portal, how it is, and what can be done about it.

They are also taken in as CSVs, with passwords, and given out, never with any secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Q, Subquery
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from bills.accounts import codes, states
from bills.accounts.upload import take
from bills.admin import common as own
from bills.admin.account_forms import AccountForm, AccountsCsvForm, enter_code, with_time_left
from bills.admin.common import RUN_ACCOUNTS, run_accounts
from bills.csv.credentials import account_of
from bills.csv.reader import UnreadableCsv
from bills.drafts import on_disk
from bills.models import Bill, Credential, Schedule
from bills.portals.failures import Code
from imports.admin import permissions
from imports.admin.base import CappedList, CappedPaginator, ManagedAdmin
from imports.admin.formatting import number
from imports.exports import csv_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver


LONGEST_CONTRACTS = 3  # shown in a list
NEEDS_YOU = Q(is_paused=False) & (
    ~Q(stop_code="")
    | Q(last_code__in=[Code.OTP_NEEDED, Code.ACTION_NEEDED, Code.CAPTCHA, "NO_PASSWORD"])
)


class StateFilter(admin.SimpleListFilter):
    """What an operator looks for: who needs something."""

    title = gettext_lazy("state")
    parameter_name = "state"
    CHOICES: dict[str, tuple[Any, Q]] = {
        "needs_you": (gettext_lazy("Needs you"), NEEDS_YOU),
        "failed": (gettext_lazy("Last run failed"), ~Q(last_code="")),
        "works": (gettext_lazy("Works"), Q(last_code="", last_success_at__isnull=False)),
        "new": (gettext_lazy("Not tried yet"), Q(last_code="", last_success_at=None)),
        "paused": (gettext_lazy("Paused"), Q(is_paused=True)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, words) for name, (words, _) in self.CHOICES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.CHOICES.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


@admin.register(Credential)
class AccountAdmin(ManagedAdmin):
    """Add, correct, pause, run and delete; secrets are only ever written."""

    when_empty = gettext_lazy(
        "An account is stored with its first bill download, by a CSV, or here by hand."
    )
    manage = own.MANAGE_CREDENTIALS
    form = AccountForm
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_display = (
        "email", "portal", "customer", "group", "contracts_column", "state_column",
        "last_success_column", "next_run_column",
    )  # fmt: skip
    list_filter = (StateFilter, "portal", ("group", admin.AllValuesFieldListFilter))
    search_fields = ("email", "customer", "group")
    search_help_text = gettext_lazy("E-mail, customer or group")
    ordering = ("portal__name", "account")
    actions = ("run_again", "pause", "resume", "forget_device")
    list_before_template = "bills/accounts/before_list.html"
    change_form_outer_after_template = "bills/accounts/after_form.html"
    fieldsets = (
        (None, {"fields": ("portal", "email", "customer", "group", "is_paused")}),
        (gettext_lazy("Login"), {"fields": ("password",)}),
        (
            gettext_lazy("Two-step login"),
            {"fields": ("totp", "qr_picture", "forget_totp")},
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        return with_summary(Credential.objects.in_use())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return CappedList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Which account it is never changes: its bills are known by it."""
        return ("portal", "email") if obj is not None else ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"codes_wanted": with_time_left(codes.wanted()), **(extra_context or {})}
        listed: HttpResponse = super().changelist_view(request, shown)
        return listed

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        row = self.get_object(request, object_id)
        shown = {"account": row, "state": states.state_of(row) if row else None}
        form: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return form

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        names = ["customer", "group", "is_paused", "deleted_at"]
        if obj.pk is None:
            obj.account, obj.password = account_of(obj.email), ""
            obj.save()
        else:
            Credential.objects.filter(pk=obj.pk).update(
                **{name: getattr(obj, name) for name in names}
            )
        form.store_secrets()

    # Deleting: a job may refer to the row, so Django's own way is closed.

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Each account by its name; nothing else goes with it, and nothing stands in the way."""
        named = [f"{each.email} ({each.portal})" for each in objs]
        return named, {self.opts.verbose_name_plural: len(named)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Credential) -> None:
        states.delete([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        states.delete(list(queryset.values_list("pk", flat=True)))

    # Columns

    @display(description=gettext_lazy("Contracts"))
    def contracts_column(self, account: Credential) -> str:
        names = getattr(account, "contracts", None) or []
        shown = ", ".join(names[:LONGEST_CONTRACTS])
        return f"{shown} …" if len(names) > LONGEST_CONTRACTS else shown or "–"

    @display(description=gettext_lazy("State"))
    def state_column(self, account: Credential) -> str:
        shown = {"state": states.state_of(account)}
        return render_to_string("bills/accounts/state.html", shown)

    @display(description=gettext_lazy("Last success"), ordering="last_success_at")
    def last_success_column(self, account: Credential) -> str:
        return _when(account.last_success_at)

    @display(description=gettext_lazy("Next run"))
    def next_run_column(self, account: Credential) -> str:
        rests = account.is_paused or account.stop_code
        return _when(None if rests else getattr(account, "next_run", None))

    # Actions

    def has_run_permission(self, request: HttpRequest) -> bool:
        """For the action; Django asks for it by this name."""
        return permissions.may(request, *RUN_ACCOUNTS)

    @admin.action(description=gettext_lazy("Run again"), permissions=["run"])
    def run_again(
        self, request: HttpRequest, queryset: QuerySet[Credential]
    ) -> HttpResponse | None:
        """A job for each portal, at once."""
        return run_accounts(request, list(queryset.order_by().values_list("pk", flat=True)))

    @admin.action(description=gettext_lazy("Pause"), permissions=["manage"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        done = _("Paused: %(n)s. No schedule runs them.")
        self._change(request, queryset, states.pause, done)

    @admin.action(description=gettext_lazy("Resume"), permissions=["manage"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        done = _("Resumed: %(n)s. An account whose password was refused needs another first.")
        self._change(request, queryset, states.resume, done)

    @admin.action(description=gettext_lazy("Forget the device"), permissions=["manage"])
    def forget_device(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        done = _("Forgotten: %(n)s. The next login is that of a new device.")
        self._change(request, queryset, states.forget_device, done)

    def _change(
        self,
        request: HttpRequest,
        queryset: QuerySet[Credential],
        change: Callable[[list[int]], int],
        done: str,
    ) -> None:
        count = change(list(queryset.order_by().values_list("pk", flat=True)))
        messages.success(request, done % {"n": number(count)})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("upload/", guarded(upload_csv), name="bills_accounts_upload"),
            path("export/", guarded(export_csv), name="bills_accounts_export"),
            path("code/<int:pk>/", guarded(enter_code), name="bills_code"),
            path("<int:pk>/run/", guarded(run_one), name="bills_account_run"),
            path("<int:pk>/forget/", guarded(forget_one), name="bills_account_forget"),
        ]
        return [*mine, *super().get_urls()]


def _when(at: Any) -> str:
    return render_to_string("imports/list/when.html", {"at": at}) if at else "–"


def run_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Run one account now."""
    permissions.require(request, *RUN_ACCOUNTS)
    found = run_accounts(request, [pk]) if request.method == "POST" else None
    return found or redirect("admin:bills_credential_change", pk)


def forget_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget what browsers remember of this account."""
    permissions.require(request, own.MANAGE_CREDENTIALS)
    if request.method == "POST":
        states.forget_device([pk])
        messages.success(request, _("It is forgotten: the next login is that of a new device."))
    return redirect("admin:bills_credential_change", pk)


HEADER = (
    "portal", "email", "customer", "group", "state", "code", "contracts", "last_success",
    "next_run",
)  # fmt: skip
REFUSED_SHOWN = 200


def upload_csv(request: HttpRequest) -> HttpResponse:
    """Add and change accounts by a CSV; what was not taken is named, without its values."""
    permissions.require(request, own.MANAGE_CREDENTIALS)
    form = AccountsCsvForm(request.POST or None, request.FILES or None)
    shown: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Credential._meta,
        "title": _("Accounts from a CSV"),
        "form": form,
    }
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["csv"]
        try:
            with on_disk(file.read()) as path:
                taken = take(path, file.name or "accounts.csv", form.cleaned_data["portal"])
        except UnreadableCsv as refusal:
            form.add_error("csv", str(refusal))
        else:
            shown |= {"taken": taken, "refused": taken.refused[:REFUSED_SHOWN]}
    return render(request, "bills/accounts/upload.html", shown, status=422 if form.errors else 200)


def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All accounts, to be corrected and taken in again. No secret is in it."""
    permissions.require(request, own.MANAGE_CREDENTIALS, permissions.EXPORT)
    response = StreamingHttpResponse(_content(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="accounts.csv"'
    return response


def _content() -> Iterator[bytes]:
    extras = _extra_columns()
    yield from csv_rows([*HEADER, *extras], _rows(extras))


def _extra_columns() -> list[str]:
    """The further columns of all accounts, but for those that have a place of their own."""
    found: dict[str, None] = {}
    for extra in Credential.objects.in_use().values_list("extra", flat=True).iterator():
        found.update(dict.fromkeys(extra))
    return [name for name in found if name.casefold() not in HEADER]


def _rows(extras: list[str]) -> Iterator[list[object]]:
    for row in with_summary(Credential.objects.in_use()).iterator(chunk_size=1000):
        state, contracts = states.state_of(row), getattr(row, "contracts", None) or ()
        yield [
            row.portal.name, row.email, row.customer, row.group, str(state.words),
            row.stop_code or row.last_code, ", ".join(contracts), row.last_success_at,
            getattr(row, "next_run", None), *(row.extra.get(name, "") for name in extras),
        ]  # fmt: skip


SECRETS = ("password", "totp_secret", "session")


def with_summary(accounts: QuerySet[Credential]) -> QuerySet[Credential]:
    """With `contracts` and `next_run`, and without any secret."""
    bills = Bill.objects.filter(portal=OuterRef("portal"), account=OuterRef("account"))
    contracts = bills.exclude(contract="").order_by().values("account")
    due = Schedule.objects.filter(
        Q(portal=OuterRef("portal")) | Q(portal=None),
        Q(group=OuterRef("group")) | Q(group=""),
        is_active=True,
    ).order_by("next_run_at")
    return (
        accounts.select_related("portal")
        .defer(*SECRETS)
        .annotate(
            contracts=Subquery(
                contracts.annotate(
                    names=ArrayAgg("contract", distinct=True, order_by=["contract"])
                ).values("names")
            ),
            next_run=Subquery(due.values("next_run_at")[:1]),
        )
    )
