"""When bills are fetched without anybody asking for it: schedules, their rhythm and their quiet
hours.
"""

from __future__ import annotations

import calendar
import hashlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from croniter import CroniterError, croniter
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bills.models.portals import Portal
from imports.fields import MessageField

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


class Repeats(models.TextChoices):
    """How often a schedule is due."""

    MONTHLY = "monthly", _("Every month, on a day")  # `day`; the last where a month is shorter
    WEEKLY = "weekly", _("Every week, on a weekday")  # `weekday`
    CRON = "cron", _("By a cron expression")  # `cron`


class Weekday(models.IntegerChoices):
    """As Python counts them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class Schedule(models.Model):
    """Runs the accounts of a portal, of a group, or of a group at one portal.

    All of its truth is here: whoever moves `next_run_at` on, by compare-and-set, makes the jobs.
    Times of day are in the installation's time zone.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    portal = models.ForeignKey(
        Portal, models.CASCADE, null=True, blank=True, related_name="schedules",
        verbose_name=_("portal"), help_text=_("Empty: all portals, of the group below."),
    )  # fmt: skip
    group = models.CharField(
        _("group"), max_length=100, default="", blank=True,
        help_text=_("Only accounts with this word as their group. Empty: all of the portal."),
    )  # fmt: skip
    repeats = models.CharField(_("runs"), max_length=20, choices=Repeats, default=Repeats.MONTHLY)
    day = models.PositiveSmallIntegerField(
        _("day of the month"), default=1, validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("In a month that is shorter: its last day."),
    )  # fmt: skip
    weekday = models.PositiveSmallIntegerField(
        _("weekday"), choices=Weekday, default=Weekday.MONDAY
    )
    at = models.TimeField(_("at"), default=EARLY)
    cron = models.CharField(
        _("cron expression"), max_length=200, default="", blank=True,
        help_text=_("Minute, hour, day, month, weekday: “30 6 1,15 * *”."),
    )  # fmt: skip
    quiet_from = models.TimeField(
        _("quiet from"), null=True, blank=True,
        help_text=_("No account is begun between these two times."),
    )  # fmt: skip
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    spread_minutes = models.PositiveIntegerField(
        _("spread over (minutes)"), default=0, validators=[MaxValueValidator(7 * 24 * 60)],
        help_text=_("The accounts begin one by one over this time. 0: as fast as allowed."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["name"]
        default_permissions = ("view",)
        permissions = [("manage_schedules", "Can add, change and delete schedules")]
        constraints = [
            models.CheckConstraint(
                condition=Q(portal__isnull=False) | ~Q(group=""), name="schedule_is_of_something"
            )
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(is_active=True), name="schedule_due")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rhythm(self) -> Rhythm:
        """When it is due, without the ORM."""
        return Rhythm(
            self.repeats, self.day, self.weekday, self.at, self.cron,
            Quiet.of(self.quiet_from, self.quiet_until),
        )  # fmt: skip

    def clean(self) -> None:
        """Raises ValidationError that names the field."""
        errors: dict[str, str] = {}
        if self.portal is None and not self.group:
            errors["portal"] = gettext("Choose a portal, or name a group, or both.")
        if self.repeats == Repeats.CRON and not is_cron(self.cron):
            errors["cron"] = gettext("This is no cron expression that ever comes due.")
        if (self.quiet_from is None) != (self.quiet_until is None):
            errors["quiet_until"] = gettext("Give both times, or neither.")
        elif self.quiet_from is not None and self.quiet_from == self.quiet_until:
            errors["quiet_until"] = gettext("This would be quiet for ever, or never.")
        if errors:
            raise ValidationError(errors)


class ScheduleRun(models.Model):
    """One time that a schedule came due, and what was made of it."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="history")
    due_at = models.DateTimeField()
    ran_at = models.DateTimeField(db_default=Now())
    message = MessageField()  # how many accounts, and how many were left out

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_runs_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at}"
