"""The health of each API and portal, as a column of its list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.views import ChangeList

from imports.ledger.health import Health, health_of

if TYPE_CHECKING:
    from django.http import HttpRequest


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
