"""The sample that a first start leaves behind: a portal that points at the sandbox."""

from __future__ import annotations

from django.conf import settings

from bills.models import Portal

NAME = "Sandbox portal"
LOGIN_PATH, BILLING_PATH = "/portal/login", "/portal/bills"
# Fewer refused passwords than the sandbox takes before it locks an account (5).
VALUES: dict[str, object] = {
    "retry_delay_seconds": 2.0,
    "attempt_timeout_seconds": 60.0,
    "concurrency": 3,
    "refused_password_limit": 2,
}


def sandbox_portal(url: str = "", **changes: object) -> Portal:
    """Created where it is missing; else only its URLs follow the sandbox's port, and `changes`."""
    base = url or settings.SANDBOX_URL
    urls: dict[str, object] = {
        "login_url": base + LOGIN_PATH,
        "billing_url": base + BILLING_PATH,
    }
    wanted = urls | changes
    portal, _ = Portal.objects.update_or_create(
        name=NAME, defaults=wanted, create_defaults=VALUES | wanted
    )
    return portal
