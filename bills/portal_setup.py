"""Saving a portal, and what a browser is started with to visit it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import ngettext

from bills.browser.plan import PortalPlan
from bills.browser.sites import same_site, site
from bills.drafts import rate_limit_of
from bills.models import Credential, Portal
from bills.portals.scripts import portal_named
from imports.http.addresses import check_url

if TYPE_CHECKING:
    from pathlib import Path


def plan_of(portal: Portal, attempt_timeout: float, *, with_pictures: bool = False) -> PortalPlan:
    """How the portal is visited. Raises RecipeError or ScriptError for one that can't be used."""
    if portal.script:
        portal_named(portal.script)
    return PortalPlan(
        login_url=portal.login_url,
        billing_url=portal.billing_url,
        recipe=portal.read_recipe(),
        attempt_timeout=attempt_timeout,
        allow_private=settings.ALLOW_PRIVATE_ADDRESSES,
        script=portal.script,
        check_url=partial(check_url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES),
        picture_each_stage=with_pictures,
        keeps_devices=portal.keeps_devices,
    )


def browsers_folder() -> Path:
    """Where browsers keep their files while they run: on this host's own disk."""
    folder: Path = settings.HOME / "browsers"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def moved_passwords(portal: Portal) -> tuple[str, str] | None:
    """The field that would lead stored passwords to another host, and why it must not.

    Who may change an address must not learn by it the passwords that are typed there.
    """
    before = Portal.objects.filter(pk=portal.pk).first()
    if before is None:
        return None
    moved = not same_site(portal.login_url, before.login_url)
    added = password_hosts(portal.recipe) - password_hosts(before.recipe)
    accounts = before.credentials.count() if moved or added else 0
    if not accounts:
        return None
    why = ngettext(
        "The password of %(n)s account was entered for %(site)s and goes to no other "
        "host. Make a new portal: its passwords are entered again.",
        "The passwords of %(n)s accounts were entered for %(site)s and go to no other "
        "host. Make a new portal: its passwords are entered again.",
        accounts,
    )
    shown = {"n": accounts, "site": site(before.login_url)}
    return "login_url" if moved else "recipe", why % shown


def password_hosts(recipe: Any) -> set[str]:
    """The further hosts that a recipe lets a password be typed on."""
    named = recipe.get("password_hosts") if isinstance(recipe, dict) else None
    return set(named) if isinstance(named, list) else set()


def save_portal(portal: Portal) -> None:
    """Check and save. Raises ValidationError with the fields' own errors; then nothing changes."""
    portal.full_clean()
    if moved := moved_passwords(portal):
        raise ValidationError({moved[0]: moved[1]})
    store_portal(portal)


def store_portal(portal: Portal) -> None:
    """Save one that is checked."""
    with transaction.atomic():
        before = Portal.objects.filter(pk=portal.pk).first()
        portal.save()
        rate_limit_of(portal)
        # What decides whether a page is recognised: once it is changed, tries that nobody could
        # judge are history.
        if before and any(
            getattr(before, name) != getattr(portal, name)
            for name in ("login_url", "recipe", "script")
        ):
            Credential.objects.filter(portal=portal).update(unproven_count=0)


NAME = "Sandbox portal"
LOGIN_PATH, BILLING_PATH = "/portal/login", "/portal/bills"
# Fewer refused passwords than the sandbox takes before it locks an account (5).
VALUES: dict[str, object] = {
    "retry_delay_seconds": 2.0,
    "attempt_timeout_seconds": 60.0,
    "concurrency": 3,
    "refused_password_limit": 2,
    "code_wait_seconds": 0,
}


def sandbox_portal(url: str = "", **changes: object) -> Portal:
    """Created where it is missing; else only its URLs follow the sandbox's port, and `changes`."""
    base = url or settings.SANDBOX_URL
    urls: dict[str, object] = {"login_url": base + LOGIN_PATH, "billing_url": base + BILLING_PATH}
    wanted = urls | changes
    portal, _ = Portal.objects.update_or_create(
        name=NAME, defaults=wanted, create_defaults=VALUES | wanted
    )
    return portal
