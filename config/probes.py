"""What monitoring asks is answered to any host, over plain HTTP, before all other middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.metrics import metrics
from imports import views

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/healthz": views.healthz,
    "/readyz": views.readyz,
    "/metrics": metrics,
}


class Probes:
    """Answers a probe itself: it names a pod's or a host's address, and speaks no TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return PROBES.get(request.path_info, self.get_response)(request)
