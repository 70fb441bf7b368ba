"""What can be done about one record, the action that its remedy names first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from imports.admin import permissions
from imports.admin.job import page
from imports.ledger.bulk_actions import EXCLUDED_CODE
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from imports.error_codes import ErrorCode
    from imports.models import ImportResult


@dataclass(frozen=True, slots=True)
class RowAction:
    """One link. `asks` opens a question about this record, in a dialog where a script runs."""

    label: str
    url: str
    symbol: str
    asks: bool = True


def of(request: HttpRequest, result: ImportResult, remedy: ErrorCode | None) -> list[RowAction]:
    """The actions for a record that no later retry has, for those who may."""
    found = list(_of(request, result))
    names_fix = remedy is None or remedy.is_in_data
    if result.status == ResultStatus.ERROR and not names_fix:
        found.sort(key=lambda each: not each.asks)
    return found


def _of(request: HttpRequest, result: ImportResult) -> Iterator[RowAction]:
    fix = page.way_to_fix(request, result)
    if fix:
        yield RowAction(str(fix["label"]), fix["url"], "edit", asks=False)
    match result.status:
        case ResultStatus.ERROR if permissions.may(request, permissions.RETRY):
            yield _asking(result, _("Retry this one"), "retry", "replay")
        case ResultStatus.UNKNOWN if permissions.may(request, permissions.RESOLVE):
            yield _asking(result, _("Mark as imported or failed"), "decide", "help")
        case ResultStatus.EXCLUDED if result.error_code == EXCLUDED_CODE and permissions.may(
            request, permissions.EXCLUDE
        ):
            yield _asking(result, _("Undo exclusion"), "restore", "undo")


def exclusion(request: HttpRequest, result: ImportResult) -> RowAction | None:
    """The link that excludes a failed record."""
    if result.status != ResultStatus.ERROR or not permissions.may(request, permissions.EXCLUDE):
        return None
    return _asking(result, _("Exclude"), "exclude", "do_not_disturb_on")


def _asking(result: ImportResult, label: str, act: str, symbol: str) -> RowAction:
    url = page.act_url(result.job_id, "failures", act)
    return RowAction(label, f"{url}?{urlencode({'ids': result.pk})}", symbol)
