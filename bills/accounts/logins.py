"""What the browser is given of an account, and what it leaves behind.

It gets the password, what makes the account's codes, and the session that an earlier login has
left, where the portal allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from bills import keeping
from bills.browser.plan import Login
from bills.models import Credential
from bills.portals.logins.page import without_session
from bills.portals.logins.totp import BadSecret, read_totp

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from bills.portals.logins.totp import Totp


def login_of(credential: Credential, *, is_first: bool = True) -> Login:
    """The account as its portal is visited. Raises WrongKey.

    A try after a failed one begins a session of its own, on a device that the portal knows.
    """
    session = credential.session
    return Login(
        email=credential.email,
        password=credential.password,
        known_bills=keeping.known_bills(credential),
        extra=dict(credential.extra),
        totp=totp_of(credential),
        session=session if is_first else without_session(session),
        may_resume=is_first,
    )


def totp_of(credential: Credential) -> Totp | None:
    """What makes the codes of the account's authenticator app."""
    if not credential.totp_secret:
        return None
    try:
        return read_totp(credential.totp_secret)
    except BadSecret:  # it was checked when it was stored
        return None


def keep_session(credential: Credential, report: AttemptReport) -> None:
    """Keep what a login has left behind; nothing new leaves what is kept as it was.

    Not for an account that was deleted meanwhile.
    """
    if report.session:
        Credential.objects.in_use().filter(pk=credential.pk).update(
            session=report.session, session_kept_at=Now()
        )
