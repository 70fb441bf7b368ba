"""When a schedule is due, and when it has to be quiet. Pure: all times are passed in, aware."""

from __future__ import annotations

import calendar
import hashlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from croniter import CroniterError, croniter

EARLY = time(6)
MONTHS_IN_A_YEAR = 12
NEVER_YEARS = 5  # an expression that is not due within them (30 February) never is


@dataclass(frozen=True, slots=True)
class Quiet:
    """The part of the day in which nothing begins. It may go past midnight."""

    begins: time
    ends: time

    @classmethod
    def of(cls, begins: time | None, ends: time | None) -> Quiet | None:
        return cls(begins, ends) if begins is not None and ends is not None else None

    def covers(self, at: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something is due, in local time. `repeats` is monthly, weekly or cron."""

    repeats: str
    day: int = 1
    weekday: int = 0
    at: time = EARLY
    cron: str = ""
    quiet: Quiet | None = None

    def next_after(self, moment: datetime) -> datetime:
        """The first time later than this, in the moment's own time zone."""
        if self.repeats == "cron":
            found: datetime = croniter(self.cron, moment).get_next(datetime)
            return found
        if self.repeats == "weekly":
            ahead = (self.weekday - moment.weekday()) % 7
            due = self._on(moment + timedelta(days=ahead))
            return due if due > moment else self._on(moment + timedelta(days=ahead + 7))
        return next(due for due in self._monthly(moment) if due > moment)

    def _monthly(self, moment: datetime) -> list[datetime]:
        """Its day in this month and in the next."""
        found = []
        for month in (moment.month - 1, moment.month):
            year, index = moment.year + month // MONTHS_IN_A_YEAR, month % MONTHS_IN_A_YEAR + 1
            day = min(self.day, calendar.monthrange(year, index)[1])
            found.append(self._on(moment.replace(year=year, month=index, day=day)))
        return found

    def _on(self, day: datetime) -> datetime:
        return datetime.combine(day.date(), self.at, day.tzinfo)

    def allowed_from(self, moment: datetime) -> datetime:
        """The moment itself, or the end of the quiet hours that it falls into."""
        quiet = self.quiet
        if quiet is None or not quiet.covers(moment.time()):
            return moment
        end = datetime.combine(moment.date(), quiet.ends, moment.tzinfo)
        return end if end > moment else end + timedelta(days=1)


def is_cron(text: str) -> bool:
    """Whether it is a cron expression of five fields that comes due at all."""
    if len(text.split()) != 5:
        return False
    try:
        croniter(text, max_years_between_matches=NEVER_YEARS).get_next(datetime)
    except (CroniterError, ValueError):
        return False
    return True


def spread(key: str, minutes: int) -> timedelta:
    """How long after the first an account begins: the same for a key each time."""
    draw = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
    return timedelta(minutes=minutes * draw)
