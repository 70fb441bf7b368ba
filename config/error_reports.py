"""Errors of ours go to Sentry where SENTRY_DSN names one: the trace, and nothing of the data."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from django.conf import settings

from config import __version__

KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")


def begin() -> None:
    """Once for each process."""
    if settings.SENTRY_DSN:
        sentry_sdk.init(
            dsn=settings.SENTRY_DSN,
            environment=settings.SENTRY_ENVIRONMENT,
            release=f"redrive@{__version__}",
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            before_send=stripped,
        )


def stripped(event: Any, hint: Any) -> Any:
    """Where it happened, and of what type. A text may quote a record, an address or an answer."""
    kept = {name: event[name] for name in KEPT if name in event}
    kept["tags"] = {
        name: event["extra"][name]
        for name in ("job", "batch", "attempt")
        if name in event.get("extra", {})
    }
    if template := event.get("logentry", {}).get("message"):
        kept["logentry"] = {"message": template}  # without what was put into it
    values = event.get("exception", {}).get("values", [])
    kept["exception"] = {"values": [each | {"value": ""} for each in values]}
    return kept
