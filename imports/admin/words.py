"""Numbers and counts as an operator reads them, in her language."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def number(value: float, digits: int = 0) -> str:
    """1,000 (or what the language has instead of the comma)."""
    return number_format(value, decimal_pos=digits, use_l10n=True, force_grouping=True)


def customers(count: int) -> str:
    """ "1,000 customers"."""
    return ngettext("%(n)s customer", "%(n)s customers", count) % {"n": number(count)}


def batches(count: int) -> str:
    """ "20 batches"."""
    return ngettext("%(n)s batch", "%(n)s batches", count) % {"n": number(count)}


def files(count: int) -> str:
    """ "3 files"."""
    return ngettext("%(n)s file", "%(n)s files", count) % {"n": number(count)}


def left_alone(count: int) -> str:
    """What became of records that somebody or something else has moved meanwhile."""
    return ngettext(
        "%(n)s had changed meanwhile and was left alone",
        "%(n)s had changed meanwhile and were left alone",
        count,
    ) % {"n": number(count)}


def retried_already(count: int) -> str:
    """Of a retry: records that a later retry has taken on."""
    return ngettext("%(n)s is being retried already", "%(n)s are being retried already", count) % {
        "n": number(count)
    }


def left_out(count: int) -> str:
    """Of a retry: records of which nothing was corrected."""
    return ngettext(
        "%(n)s would fail again and was left out: nothing was corrected",
        "%(n)s would fail again and were left out: nothing was corrected",
        count,
    ) % {"n": number(count)}


def seconds(taken: float) -> str:
    """How long one request took: "0.4 s", "under 0.1 s", "2 min 10 s"."""
    if taken >= 60:
        return duration(taken)
    if taken < 0.1:
        return _("under %(n)s s") % {"n": number(0.1, 1)}
    return _("%(s)s s") % {"s": number(taken, 1)}


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "2 min 10 s"."""
    whole = round(seconds)
    if whole < 60:
        return _("%(s)s s") % {"s": whole}
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s") % {"m": minutes, "s": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(h)s h %(m)s min") % {"h": number(hours), "m": minutes}
