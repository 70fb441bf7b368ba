"""What each act needs. The names are checked in the templates and again inside each view.

A draft is Django's: add, change and delete a job. All else has a permission of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

VIEW = "imports.view_importjob"
ADD = "imports.add_importjob"
CHANGE = "imports.change_importjob"
DELETE = "imports.delete_importjob"
START = "imports.start_job"
RETRY = "imports.retry_job"
RESOLVE = "imports.resolve_unknown"
EXCLUDE = "imports.exclude_records"
EVIDENCE = "imports.see_evidence"
EXPORT = "imports.export_records"
ERASE = "imports.erase_person"
MANAGE_APIS = "imports.manage_apis"
MANAGE_TEMPLATES = "imports.manage_templates"
MANAGE_NOTIFICATIONS = "imports.manage_notifications"
MANAGE_WATCHED_FOLDERS = "imports.manage_watched_folders"
QUEUE = "django_rq.admin"  # django-rq's own pages

# Each permission that opens something, as a group's page says it, in that order.
WORDS: dict[str, _StrOrPromise] = {
    VIEW: _("See jobs"),
    "imports.view_importresult": _("See records"),
    "imports.view_importbatch": _("See batches"),
    "imports.view_attempt": _("See attempts"),
    EVIDENCE: _("See evidence: answers, screenshots, pages, traces"),
    ADD: _("Create a draft"),
    CHANGE: _("Change a draft: its files and settings"),
    DELETE: _("Discard a draft"),
    START: _("Start, pause, resume and cancel a job"),
    RETRY: _("Retry failed records"),
    RESOLVE: _("Resolve unknown records"),
    EXCLUDE: _("Exclude records"),
    EXPORT: _("Export records: retry files, exports, ZIPs"),
    ERASE: _("Erase a person"),
    "imports.view_customerapi": _("See customer APIs, without their secrets"),
    MANAGE_APIS: _("Manage customer APIs"),
    MANAGE_WATCHED_FOLDERS: _("Choose which folders are watched for files to import"),
    "imports.view_recordtemplate": _("See record templates"),
    MANAGE_TEMPLATES: _("Manage record templates"),
    MANAGE_NOTIFICATIONS: _("Manage notifications"),
    QUEUE: _("See and empty the queue (django-rq’s own pages)"),
    "auth.view_user": _("See users"),
    "auth.add_user": _("Add users"),
    "auth.change_user": _("Change users"),
    "auth.delete_user": _("Delete users"),
    "auth.view_group": _("See groups"),
    "auth.add_group": _("Add groups"),
    "auth.change_group": _("Change groups"),
    "auth.delete_group": _("Delete groups"),
}


def may(request: HttpRequest, *permissions: str) -> bool:
    """Whether the operator has all of them; whoever may change jobs may view them, too."""
    return all(_has(request, each) for each in permissions)


def _has(request: HttpRequest, permission: str) -> bool:
    names = {permission, CHANGE} if permission == VIEW else {permission}
    return any(request.user.has_perm(name) for name in names)


def require(request: HttpRequest, *permissions: str) -> None:
    """Raises PermissionDenied (403) for an operator who lacks one of them."""
    if not may(request, *permissions):
        raise PermissionDenied


def actor(request: HttpRequest) -> str:
    """Who did it, as the log shows it."""
    return request.user.get_username()
