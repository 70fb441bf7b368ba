"""Saving a portal: checked whole, its limits in force at once for jobs that are running."""

from __future__ import annotations

from django.db import transaction

from bills.drafts import gate_of
from bills.models import Credential, Portal

# What decides whether a page is recognised: once it is changed, tries that nobody could judge
# are history.
JUDGING = ("login_url", "recipe", "script")


def save_portal(portal: Portal) -> None:
    """Check and save. Raises ValidationError with the fields' own errors; then nothing changes."""
    portal.full_clean()
    store_portal(portal)


def store_portal(portal: Portal) -> None:
    """Save one that is checked."""
    with transaction.atomic():
        before = Portal.objects.filter(pk=portal.pk).first()
        portal.save()
        gate_of(portal)
        if before and any(getattr(before, name) != getattr(portal, name) for name in JUDGING):
            Credential.objects.filter(portal=portal).update(unproven_count=0)
