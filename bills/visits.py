"""From a portal's row to what a browser is started with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings

from bills.plan import PortalPlan
from bills.portals.scripts import portal_named
from imports.customers.addresses import check_url

if TYPE_CHECKING:
    from pathlib import Path

    from bills.models import Portal


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
    )


def browsers_folder() -> Path:
    """Where browsers keep their files while they run: on this host's own disk."""
    folder: Path = settings.HOME / "browsers"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
