"""What browsers remember of a portal, kept for each account where the portal allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from bills.models import Credential

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport


def keep(credential: Credential, report: AttemptReport) -> None:
    """Keep what a login has left behind; nothing new leaves what is kept as it was.

    Not for an account that was deleted meanwhile.
    """
    if report.session:
        Credential.objects.in_use().filter(pk=credential.pk).update(
            session=report.session, session_kept_at=Now()
        )
