"""The side bar: the pages an operator needs, each only for those who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from imports.admin import permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

Group = dict[str, Any]
_more: list[Callable[[HttpRequest], Group]] = []


def add(group: Callable[[HttpRequest], Group]) -> None:
    """Have another app's pages in the side bar, between the records and the set-up."""
    _more.append(group)


def item(
    title: str, icon: str, view: str, *permissions: str, but: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One line; shown to those who have any of the permissions.

    It is marked on every page below its own, `but` not on those of these names.
    """
    return {
        "title": title,
        "icon": icon,
        "link": reverse(view),
        "permission": lambda request: any(request.user.has_perm(each) for each in permissions),
        "active": lambda request: _is_here(request, view, but),
    }


def _is_here(request: HttpRequest, view: str, but: tuple[str, ...]) -> bool:
    """Whether the page is the line's own or stands below it."""
    match = request.resolver_match
    if match is not None and match.view_name in but:
        return False
    link = reverse(view)
    is_home = link == reverse("admin:index")
    return request.path == link if is_home else request.path.startswith(link)


def of_model(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    """The line of a model's list; shown to those who may see or change its rows."""
    may = f"{app}.view_{model}", f"{app}.change_{model}"
    return item(title, icon, f"admin:{app}_{model}_changelist", *may)


def sidebar(request: HttpRequest) -> list[Group]:
    """All groups, in order."""
    work = [
        item(
            _("Home"), "home", "admin:index", "imports.view_importjob", "imports.change_importjob"
        ),
        of_model(_("Jobs"), "stacks", "imports", "importjob"),
    ]
    records = [
        of_model(_("Results"), "person_search", "imports", "importresult"),
        of_model(_("Batches"), "package_2", "imports", "importbatch"),
        of_model(_("Attempts"), "replay", "imports", "attempt"),
        item(
            _("Notifications"),
            "notifications",
            "admin:imports_delivery_changelist",
            permissions.MANAGE_NOTIFICATIONS,
        ),
    ]
    setup = [
        item(
            _("Customer APIs"), "api", "admin:imports_customerapi_changelist",
            "imports.view_customerapi", permissions.MANAGE_APIS,
        ),
        item(
            _("Notification channels"), "campaign", "admin:imports_channel_changelist",
            permissions.MANAGE_NOTIFICATIONS,
        ),
        of_model(_("Users"), "group", "auth", "user"),
        of_model(_("Groups"), "shield_person", "auth", "group"),
        item(_("Queue"), "queue", "django_rq:home", permissions.QUEUE),
    ]  # fmt: skip
    return [
        {"title": _("Work"), "items": work},
        {"title": _("Look up"), "items": records},
        *(group(request) for group in _more),
        {"title": _("Set-up"), "items": setup},
    ]
