"""Counts, stages and sizes of bills, in the operator's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bills.report import Stage
from imports.admin.words import number

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


def credentials(count: int) -> str:
    """ "1,000 credentials"."""
    return ngettext("%(n)s credential", "%(n)s credentials", count) % {"n": number(count)}


def attempts(count: int) -> str:
    """The seed's "X attempts"."""
    return ngettext("%(n)s attempt", "%(n)s attempts", count) % {"n": number(count)}


def bills(count: int) -> str:
    """ "3 bills"."""
    return ngettext("%(n)s bill", "%(n)s bills", count) % {"n": number(count)}
