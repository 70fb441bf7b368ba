"""When bills are fetched without anybody asking for it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from bills.models.portals import Portal
from bills.schedules import calendar
from imports.fields import MessageField


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
    at = models.TimeField(_("at"), default=calendar.EARLY)
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
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(is_active=True), name="schedule_due"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rhythm(self) -> calendar.Rhythm:
        """When it is due, without the ORM."""
        return calendar.Rhythm(
            self.repeats, self.day, self.weekday, self.at, self.cron,
            calendar.Quiet.of(self.quiet_from, self.quiet_until),
        )  # fmt: skip

    def clean(self) -> None:
        """Raises ValidationError that names the field."""
        errors: dict[str, str] = {}
        if self.portal is None and not self.group:
            errors["portal"] = _now("Choose a portal, or name a group, or both.")
        if self.repeats == Repeats.CRON and not calendar.is_cron(self.cron):
            errors["cron"] = _now("This is no cron expression that ever comes due.")
        if (self.quiet_from is None) != (self.quiet_until is None):
            errors["quiet_until"] = _now("Give both times, or neither.")
        elif self.quiet_from is not None and self.quiet_from == self.quiet_until:
            errors["quiet_until"] = _now("This would be quiet for ever, or never.")
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
            models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_runs_once"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at}"
