"""How a portal fares, on its page and on Home; and the button that lets its runs go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from bills.admin import common as own
from bills.health import history, troubles
from bills.models import Portal, TroubleKind
from imports.admin import home, permissions
from imports.admin.home import Alert
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

EARLIER_SHOWN = 5


def with_troubles(portals: QuerySet[Portal]) -> QuerySet[Portal]:
    """Each portal with what is wrong with it now, as `open_troubles`."""
    current = troubles.open_troubles().select_related("portal")
    return portals.prefetch_related(Prefetch("troubles", current, to_attr="open_troubles"))


def context_of(portal: Portal) -> dict[str, Any]:
    """What its page shows above and below the form."""
    return {
        "troubles": [
            {
                "said": troubles.words_of(each),
                "label": each.get_kind_display(),
                "is_stopped": each.kind == TroubleKind.STOPPED,
            }
            for each in portal.open_troubles  # type: ignore[attr-defined] # `with_troubles` set it
        ],
        "days": history.days_of(portal),
        "earlier_troubles": portal.troubles.exclude(ended_at=None)[:EARLIER_SHOWN],
    }


def alerts(request: HttpRequest) -> list[Alert]:
    """What Home says of portals."""
    if not permissions.may(request, own.VIEW_PORTAL):
        return []
    found = troubles.open_troubles().select_related("portal")
    return [
        Alert(
            str(each.portal),
            each.get_kind_display(),
            in_words(troubles.words_of(each)),
            reverse("admin:bills_portal_change", args=[each.portal_id]),
            "danger" if each.kind == TroubleKind.STOPPED else "warning",
        )
        for each in found
    ]


def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the portal's scheduled runs go on."""
    permissions.require(request, own.MANAGE_SCHEDULES)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    portal = get_object_or_404(Portal, pk=pk)
    if troubles.resume(portal, permissions.actor(request)):
        messages.success(request, _("Resumed. Jobs that waited for it go on."))
    else:
        messages.info(request, _("Its scheduled runs were not stopped."))
    return redirect("admin:bills_portal_change", pk)


home.add(alerts)
