"""Dates and times have one form, in every language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format, number_format


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_dates_and_times_are_written_alike(language: str) -> None:
    at = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)
    with translation.override(language):
        for form in ("DATE_FORMAT", "SHORT_DATE_FORMAT"):
            assert date_format(date(2026, 3, 9), form) == "2026-03-09"
        for form in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert date_format(at, form) == "2026-03-09 07:05"
        assert date_format(at, "TIME_FORMAT") == "07:05"


def test_numbers_keep_each_languages_form() -> None:
    with translation.override("en"):
        assert number_format(1234567) == "1,234,567"
    with translation.override("sv"):
        assert number_format(1234567) == "1\xa0234\xa0567"
