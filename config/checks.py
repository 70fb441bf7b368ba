"""What `manage.py check --deploy` says about the settings of a production host."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from config import logs

PLAIN_HTTP = Warning(
    "Every page redirects to https, but nothing tells Redrive that a request came by https.",
    hint="gunicorn speaks plain HTTP. Put a proxy that ends TLS in front, let it set "
    "X-Forwarded-Proto and X-Forwarded-For, and set BEHIND_PROXY=true. See docs/production.md.",
    id="redrive.W001",
)
LOG_FORMAT = Error(f"LOG_FORMAT is one of: {', '.join(logs.FORMATTERS)}.", id="redrive.E001")


def log_format(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A format that does not exist is written as text."""
    return [] if settings.LOG_FORMAT in logs.FORMATTERS else [LOG_FORMAT]


def proxy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without a trusted header, a request is never secure, and redirects to itself."""
    is_loop = settings.SECURE_SSL_REDIRECT and settings.SECURE_PROXY_SSL_HEADER is None
    return [PLAIN_HTTP] if is_loop else []
