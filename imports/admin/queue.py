"""django-rq's own pages: whoever may see them has a permission for it; staff alone is not enough.

They show bells, which carry ids and no state: what is emptied there is rung again by the sweeper.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns

from imports.admin import permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view behind the admin's login, and then its own permission."""

    @wraps(view)
    def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        permissions.require(request, permissions.QUEUE)
        return view(request, *args, **kwargs)

    return admin.site.admin_view(permitted)


def addresses() -> list[URLPattern]:
    """Every page that django-rq has, guarded; also those that a token of its own would open."""
    patterns: list[URLPattern] = [*get_api_urlpatterns(), *get_admin_urlpatterns()]
    for pattern in patterns:
        pattern.callback = guarded(pattern.callback)
    return patterns
