"""Counts, stages and sizes of bills, in the operator's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bills.portals.lists.reading import Other
from bills.report import Stage
from imports.admin.words import number
from imports.admin.workspace import FieldWords
from imports.models.jobs import Beginning

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

STAGES: dict[str, _StrOrPromise] = {
    Stage.OPEN: _("opening the login page"),
    Stage.LOGIN: _("logging in"),
    Stage.JUDGE: _("waiting for the portal’s answer"),
    Stage.LIST: _("listing the bills"),
    Stage.DOWNLOAD: _("downloading"),
    Stage.DONE: _("done"),
}
# Why a row of a list is no bill to fetch.
OTHER_ROWS: dict[str, _StrOrPromise] = {
    Other.NOT_OURS: _("of others"),
    Other.OLDER: _("older than asked for"),
    Other.PAYMENT: _("payments"),
    Other.NO_DOCUMENT: _("without a document"),
    Other.NOT_A_BILL: _("no bills"),
    Other.REPEATED: _("repeated"),
}
OF_SETTINGS = {
    "concurrency": FieldWords(_("Logins at once"), _("At any moment, over all workers.")),
    "delay_seconds": FieldWords(
        _("Delay between logins (s)"), _("Between any two logins to this portal.")
    ),
    "timeout_seconds": FieldWords(
        help_text=_("From the login page to the last bill; after that the attempt is ended.")
    ),
    "max_attempts": FieldWords(
        help_text=_("Tries of each credential in all, the first included.")
    ),
    "retry_delay_seconds": FieldWords(help_text=_("The same before each further attempt.")),
    "beginning": FieldWords(
        help_text=_(
            "One credential: it is tried, then the job waits until you have looked. Ramp up: each "
            "wave waits for the one before, and the job stops where a whole wave fails."
        ),
        choices={Beginning.ONE: _("One credential, then ask me")},
    ),
}


def credentials(count: int) -> str:
    """ "1,000 credentials"."""
    return ngettext("%(n)s credential", "%(n)s credentials", count) % {"n": number(count)}


def attempts(count: int) -> str:
    """The seed's "X attempts"."""
    return ngettext("%(n)s attempt", "%(n)s attempts", count) % {"n": number(count)}


def bills(count: int) -> str:
    """ "3 bills"."""
    return ngettext("%(n)s bill", "%(n)s bills", count) % {"n": number(count)}
