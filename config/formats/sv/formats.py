"""Dates and times are written in one form on every page."""

from config.formats import DATE, TIME

DATE_FORMAT = SHORT_DATE_FORMAT = DATE
TIME_FORMAT = TIME
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = f"{DATE} {TIME}"
