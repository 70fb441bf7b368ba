"""Lists that are only read: what is in the ledger is written by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from unfold.admin import ModelAdmin

from imports.admin import listing

if TYPE_CHECKING:
    from django.http import HttpRequest


class LedgerAdmin(ModelAdmin):
    """No adding, changing or deleting; no count of a million rows; newest first."""

    ordering = ("-id",)
    list_per_page = 50
    paginator = listing.CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[listing.CappedList]:
        return listing.CappedList

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def searched_by_record(term: str) -> list[str]:
    """The spellings of a customer id or e-mail that are looked up, by index."""
    return list(dict.fromkeys([term, term.lower()]))
