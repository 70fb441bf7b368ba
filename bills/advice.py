"""Who must act on a code, and how, in the operator's language: portals' codes and our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from bills.portals.failures import MEANINGS, Actor, Code

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class Advice:
    """`who` and `remedy` are empty for a code that nobody knows."""

    who: _StrOrPromise = ""
    remedy: _StrOrPromise = ""


WHO: dict[str, _StrOrPromise] = {
    Actor.US: _("Whoever runs Redrive"),
    Actor.OPERATOR: _("You"),
    Actor.PORTAL: _("The portal"),
}
OWN: dict[str, Advice] = {
    "WORKER_LOST": Advice(WHO[Actor.US], _("Retry failed tries it again.")),
    "NOT_STORED": Advice(WHO[Actor.US], _("Look at the disk and the database, then retry.")),
    "WRONG_KEY": Advice(WHO[Actor.US], _("Put the key back into CREDENTIAL_KEYS, then retry.")),
    "NO_BROWSER": Advice(WHO[Actor.US], _("Install Chromium on the worker's host, then resume.")),
    "BAD_RECIPE": Advice(WHO[Actor.US], _("Correct the portal's recipe, then resume.")),
    "INTERNAL_ERROR": Advice(WHO[Actor.US], _("See the worker's log. Retry failed tries again.")),
    "CANCELLED": Advice(WHO[Actor.OPERATOR], _("It was never tried. Retry failed tries it.")),
    "NOT_ARRIVED": Advice(WHO[Actor.OPERATOR], _("Retry failed tries it again.")),
    "EXCLUDED_BY_HAND": Advice(WHO[Actor.OPERATOR], _("Nothing to do: somebody left it out.")),
}
ROW = Advice(WHO[Actor.OPERATOR], _("Correct the row in the CSV and upload it again."))


def advice_on(code: str) -> Advice:
    """What to tell whoever reads the code."""
    if code.startswith("ROW_"):
        return ROW
    if code in Code.__members__:
        meaning = MEANINGS[Code(code)]
        return Advice(WHO[meaning.actor], _(meaning.remedy))
    return OWN.get(code, Advice())
