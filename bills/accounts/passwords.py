"""How often a password was sent and refused: counted before it is typed, over all jobs.

Portals lock accounts after a few refused passwords, so a password that was refused as often as
its portal allows is not sent again until it is changed, or an operator force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from bills.browser.report import Stage
from bills.models import Credential
from bills.portals.failures import Code, PortalError
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from bills.browser.report import AttemptReport


UNJUDGED = (Code.UNRECOGNISED_PAGE, Code.FORBIDDEN)  # it may have been refused, or not
LOGGED_IN = (Stage.LIST, Stage.DOWNLOAD, Stage.DONE)
SENT_ONCE = sentence(
    "SENT_ONCE",
    _(
        "This password was sent once without success, which is as often as this portal's settings "
        "allow: it is not sent again until it is changed."
    ),
)
SENT_OFTEN = sentence(
    "SENT_OFTEN",
    _(
        "This password was sent {n} times without success, which is as often as this portal's "
        "settings allow: it is not sent again until it is changed."
    ),
)
CHANGED = sentence(
    "CHANGED", _("It was changed while this attempt ran: the next one sends the new one.")
)
UNJUDGED_ONCE = sentence(
    "UNJUDGED_ONCE",
    _(
        "This password was sent once, and the answer was not recognised: it is not tried again, "
        "so that the account is not locked. Tell the recipe what the page means, then retry."
    ),
)
UNJUDGED_OFTEN = sentence(
    "UNJUDGED_OFTEN",
    _(
        "This password was sent {n} times, and the answer was not recognised: it is not tried "
        "again, so that the account is not locked. Tell the recipe what the page means, then "
        "retry."
    ),
)


@dataclass(frozen=True, slots=True)
class Password:
    """Identifies a credential's password by the time it was entered, without the password."""

    credential_id: int
    changed_at: datetime.datetime
    limit: int

    def _rows(self) -> QuerySet[Credential]:
        return Credential.objects.filter(
            pk=self.credential_id, password_changed_at=self.changed_at
        )

    def is_spent(self) -> bool:
        """Whether it has been refused (or sent without proof) as often as is allowed."""
        return self._rows().filter(spent(self.limit)).exists()

    def count_before_typing(self) -> None:
        """Note that it is being sent. Raises PortalError where it must not be.

        LOGIN_FAILED where the portal has refused it; UNRECOGNISED_PAGE where nobody knows.
        """
        counted = (
            self._rows().exclude(spent(self.limit)).update(unproven_count=F("unproven_count") + 1)
        )
        if counted:
            return
        refused = self._rows().values_list("refused_count", flat=True).first()
        if refused is None:
            raise PortalError(Code.LOGIN_FAILED, CHANGED)
        raise PortalError(*why_spent(refused, self.limit))

    def note_accepted(self) -> None:
        """The portal let us in: what was refused before does not count any more."""
        counted = self._rows().exclude(refused_count=0, unproven_count=0)
        counted.update(refused_count=0, unproven_count=0)

    def settle(self, report: AttemptReport, times_sent: int) -> None:
        """What the attempt proved about it. Nothing seen of an answer proves nothing."""
        if not times_sent:
            return
        if report.stage in LOGGED_IN:
            self.note_accepted()
        elif report.code is Code.LOGIN_FAILED:
            self._rows().update(
                refused_count=F("refused_count") + 1,
                unproven_count=Greatest(F("unproven_count") - times_sent, 0),
            )
        elif not (report.code in UNJUDGED or was_not_judged(report)):
            self._rows().update(unproven_count=Greatest(F("unproven_count") - times_sent, 0))


def was_not_judged(report: AttemptReport) -> bool:
    """Whether the answer was neither yes, no, nor a failure of the portal's own."""
    return report.stage is Stage.JUDGE and report.code is Code.NAVIGATION


def was_spent(credential: Credential, limit: int) -> bool:
    """As `Password.is_spent`, by what was read of the credential just now."""
    return credential.refused_count + credential.unproven_count >= limit


def spent(limit: int) -> Q:
    """Credentials whose password may not be sent again."""
    return Q(refused_count__gte=limit - F("unproven_count"))


def why_spent(refused: int, limit: int) -> tuple[Code, Message]:
    """Why it is not sent, and what helps. Only a refusal that was seen is called one."""
    if refused:
        return Code.LOGIN_FAILED, SENT_ONCE if limit == 1 else SENT_OFTEN.format(n=limit)
    text = UNJUDGED_ONCE if limit == 1 else UNJUDGED_OFTEN.format(n=limit)
    return Code.UNRECOGNISED_PAGE, text


def change(credential: Credential, password: str) -> bool:
    """Store a password and reset its count; False if it is the stored one."""
    if password == credential.password:
        return False
    credential.password = password
    Credential.objects.filter(pk=credential.pk).update(
        password=password, password_changed_at=Now(), refused_count=0, unproven_count=0,
        stop_code="", stopped_at=None, last_code="",
    )  # fmt: skip
    credential.refresh_from_db()
    return True


def force(credential_ids: Iterable[int]) -> None:
    """Reset the count, because an operator sends them again unchanged."""
    Credential.objects.filter(pk__in=credential_ids).update(refused_count=0, unproven_count=0)
