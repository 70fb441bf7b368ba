"""The admin site: the side bar, our style sheet and script, and the queue's own pages."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns
from rq.exceptions import NoSuchJobError

from imports.admin import permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

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


def _setup() -> list[dict[str, Any]]:
    return [
        item(
            _("Customer APIs"), "api", "admin:imports_customerapi_changelist",
            "imports.view_customerapi", permissions.MANAGE_APIS,
        ),
        item(
            _("Watched folders"), "drive_folder_upload", "admin:imports_watchedfolder_changelist",
            permissions.MANAGE_WATCHED_FOLDERS,
        ),
        item(
            _("Record templates"), "rule_settings", "admin:imports_recordtemplate_changelist",
            "imports.view_recordtemplate", permissions.MANAGE_TEMPLATES,
        ),
        item(
            _("Notification channels"), "campaign", "admin:imports_channel_changelist",
            permissions.MANAGE_NOTIFICATIONS,
        ),
        of_model(_("Users"), "group", "auth", "user"),
        of_model(_("Groups"), "shield_person", "auth", "group"),
        item(_("Erase a person"), "person_remove", "admin:imports_erase", permissions.ERASE),
        item(_("Queue"), "queue", "django_rq:home", permissions.QUEUE),
    ]  # fmt: skip


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
            "admin:imports_notificationdelivery_changelist",
            permissions.MANAGE_NOTIFICATIONS,
        ),
        item(
            _("Audit log"), "history", "admin:imports_jobevent_changelist",
            permissions.VIEW, permissions.CHANGE,
        ),
    ]  # fmt: skip
    return [
        {"title": _("Work"), "items": work},
        {"title": _("Records"), "items": records},
        *(group(request) for group in _more),
        {"title": _("Setup"), "items": _setup()},
    ]


def style(request: HttpRequest) -> str:
    """The address of what we add to Unfold's look; django-rq's pages need more of it."""
    found = request.resolver_match
    is_queue = found is not None and "django_rq" in found.namespaces
    return static("imports/queue.css" if is_queue else "imports/redrive.css")


def style_of_acts(request: HttpRequest) -> str:
    """The address of the look of what is done to many records at once."""
    return static("imports/acts.css")


def style_of_records(request: HttpRequest) -> str:
    """The address of the look of one record: found, told, put right."""
    return static("imports/records.css")


def style_of_members(request: HttpRequest) -> str:
    """The address of the look of member files and record templates."""
    return static("imports/members.css")


def script_of_records(request: HttpRequest) -> str:
    """The address of what the editor of one record does in the browser."""
    return static("imports/records.js")


def script(request: HttpRequest) -> str:
    """The address of what our pages do in the browser."""
    return static("imports/redrive.js")


def script_of_messages(request: HttpRequest) -> str:
    """The address of what tells, in the browser's own way, that a job ended."""
    return static("imports/tell.js")


def favicon(request: HttpRequest) -> str:
    """The address of the small picture in the browser's tab."""
    return static("imports/icon.svg")


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view behind the admin's login, and then its own permission."""

    @wraps(view)
    def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        permissions.require(request, permissions.QUEUE)
        try:
            return view(request, *args, **kwargs)
        except (NoSuchJobError, LookupError, ValueError, ImproperlyConfigured) as error:
            # A message or a worker that is gone, or a part of django-rq that is not in use.
            raise Http404 from error

    return admin.site.admin_view(permitted)


def addresses() -> list[URLPattern]:
    """Every page that django-rq has, guarded; also those that a token of its own would open."""
    patterns: list[URLPattern] = [*get_api_urlpatterns(), *get_admin_urlpatterns()]
    for pattern in patterns:
        pattern.callback = guarded(pattern.callback)
    return patterns
