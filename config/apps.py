"""How this installation is served, as an app: its checks, and where its errors are reported.

`manage.py check --deploy` says what is wrong with the settings of a production host. Errors of
ours go to Sentry where SENTRY_DSN names one: the trace, and nothing of the data.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from config import __version__, logs


class ServingConfig(AppConfig):
    """Registers the checks of the settings, and reports errors where somebody wants them."""

    name = "config"

    def ready(self) -> None:
        register(check_proxy, Tags.security, deploy=True)
        register(check_log_format, "settings")
        report_errors()


PLAIN_HTTP = Warning(
    "Every page redirects to https, but nothing tells Redrive that a request came by https.",
    hint="gunicorn speaks plain HTTP. Put a proxy that ends TLS in front, let it set "
    "X-Forwarded-Proto and X-Forwarded-For, and set BEHIND_PROXY=true. See docs/production.md.",
    id="redrive.W001",
)
LOG_FORMAT = Error(f"LOG_FORMAT is one of: {', '.join(logs.FORMATTERS)}.", id="redrive.E001")


def check_log_format(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A format that does not exist is written as text."""
    return [] if settings.LOG_FORMAT in logs.FORMATTERS else [LOG_FORMAT]


def check_proxy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without a trusted header, a request is never secure, and redirects to itself."""
    is_loop = settings.SECURE_SSL_REDIRECT and settings.SECURE_PROXY_SSL_HEADER is None
    return [PLAIN_HTTP] if is_loop else []


def report_errors() -> None:
    """Once for each process."""
    if settings.SENTRY_DSN:
        import sentry_sdk  # it takes its time, which most installations need not wait for

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


KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")


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
