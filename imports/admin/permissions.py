"""What a button needs. The names are checked in the templates and again in the views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from django.http import HttpRequest

VIEW = "imports.view_importjob"
ADD = "imports.add_importjob"
CHANGE = "imports.change_importjob"
DELETE = "imports.delete_importjob"
START = "imports.start_job"
RETRY = "imports.retry_job"
RESOLVE = "imports.resolve_unknown"
EXCLUDE = "imports.exclude_records"
EVIDENCE = "imports.see_evidence"
DOWNLOAD = "imports.download_retry_files"
CHANGE_API = "imports.change_customerapi"


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the operator has it; to view a job, permission to change jobs is enough."""
    names = {permission, CHANGE} if permission == VIEW else {permission}
    return any(request.user.has_perm(name) for name in names)


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied (403) for an operator who lacks it."""
    if not may(request, permission):
        raise PermissionDenied


def actor(request: HttpRequest) -> str:
    """Who did it, as the log shows it."""
    return request.user.get_username()
