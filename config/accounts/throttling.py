"""After too many wrong passwords, an account is locked for the address that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axes.backends import AxesStandaloneBackend

if TYPE_CHECKING:
    from django.http import HttpRequest

LONGEST_NAME = 255


class Throttle(AxesStandaloneBackend):
    """django-axes, except where no request asks: a command or a script has no address."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **credentials: Any) -> None:
        """Raises PermissionDenied while the account is locked."""
        if request is not None:
            super().authenticate(request, *args, **credentials)


def username(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """The name that was tried, no longer than it can be stored."""
    given = (credentials or request.POST).get("username")
    return None if given is None else str(given)[:LONGEST_NAME]
