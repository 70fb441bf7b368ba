"""Schedules: which accounts run by themselves, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Prefetch
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from bills import schedules
from bills.admin import common as own
from bills.models import BillRun, Repeats, Schedule, ScheduleRun, Weekday
from imports.admin.base import ManagedAdmin
from imports.states import ENDED_JOBS

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

HISTORY_SHOWN = 24
TIMING = {"repeats", "day", "weekday", "at", "cron", "is_active"}


@admin.register(Schedule)
class ScheduleAdmin(ManagedAdmin):
    """Saving one says when it is due next; the sweeper carries it out."""

    when_empty = gettext_lazy(
        "A schedule fetches the bills of a portal, or of a group of accounts, by itself."
    )
    manage = own.MANAGE_SCHEDULES
    list_display = (
        "name", "covers_column", "rhythm_column", "next_run_column", "state_column", "is_active",
    )  # fmt: skip
    search_fields = ("name", "group")
    search_help_text = gettext_lazy("Name or group")
    actions = ("run_now",)
    change_form_outer_after_template = "bills/schedules/history.html"
    conditional_fields = {
        "day": "repeats == 'monthly'",
        "weekday": "repeats == 'weekly'",
        "at": "repeats != 'cron'",
        "cron": "repeats == 'cron'",
    }
    fieldsets = (
        (None, {"fields": ("name", "portal", "group", "is_active")}),
        (gettext_lazy("When"), {"fields": ("repeats", "day", "weekday", "at", "cron")}),
        (
            gettext_lazy("Spread and quiet hours"),
            {"fields": ("spread_minutes", "quiet_from", "quiet_until")},
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        going = BillRun.objects.exclude(job__status__in=ENDED_JOBS).select_related("job")
        rows = Schedule.objects.select_related("portal")
        return rows.prefetch_related(Prefetch("runs", queryset=going, to_attr="going"))

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or TIMING & set(form.changed_data):
            schedules.plan(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        row = self.get_object(request, object_id)
        shown: dict[str, Any] = {"schedule": row}
        if row is not None:
            shown |= {
                "accounts": schedules.accounts_of(row).count(),
                "history": ScheduleRun.objects.filter(schedule=row)[:HISTORY_SHOWN],
                "jobs": BillRun.objects.filter(schedule=row)
                .select_related("job")
                .order_by("-job")[:HISTORY_SHOWN],
                "going": list(schedules.running(row).select_related("job")),
            }
        form: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return form

    @display(description=gettext_lazy("Accounts of"))
    def covers_column(self, schedule: Schedule) -> str:
        parts = [str(schedule.portal or ""), schedule.group]
        return " · ".join(part for part in parts if part)

    @display(description=gettext_lazy("When"))
    def rhythm_column(self, schedule: Schedule) -> str:
        return in_words(schedule)

    @display(description=gettext_lazy("Next run"), ordering="next_run_at")
    def next_run_column(self, schedule: Schedule) -> str:
        if schedule.next_run_at is None:
            return "–"
        return render_to_string("imports/list/when.html", {"at": schedule.next_run_at})

    @display(description=gettext_lazy("State"))
    def state_column(self, schedule: Schedule) -> str:
        return render_to_string("bills/schedules/state.html", {"schedule": schedule})

    @admin.action(description=gettext_lazy("Run now"), permissions=["manage"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Due now: the sweeper carries it out, as ever, once and not in quiet hours."""
        active = Schedule.objects.filter(pk__in=queryset.order_by().values("pk"), is_active=True)
        count = active.update(next_run_at=Now())
        text = _(
            "Due now: %(n)s. They begin in a moment; where the last run still runs, or hours are "
            "quiet, when that is over."
        )
        messages.success(request, text % {"n": count})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Times as the browser's own control gives them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("at", "cron", "quiet_from"):
            zone = _("In the time zone %(zone)s (TIME_ZONE).") % {"zone": settings.TIME_ZONE}
            field.help_text = f"{field.help_text} {zone}".strip()
        if isinstance(field, forms.TimeField):
            field.widget = forms.TimeInput(
                attrs={"type": "time", "class": "rd-input"}, format="%H:%M"
            )
        return field


def in_words(schedule: Schedule) -> str:
    """ "Every month on day 3 at 06:00 (UTC)": a page shows other times in the reader's zone."""
    at = f"{time_format(schedule.at, 'H:i')} ({settings.TIME_ZONE})"
    if schedule.repeats == Repeats.CRON:
        return f"{schedule.cron} ({settings.TIME_ZONE})"
    if schedule.repeats == Repeats.WEEKLY:
        return _("Every %(weekday)s at %(at)s") % {
            "weekday": Weekday(schedule.weekday).label,
            "at": at,
        }
    return _("Every month on day %(day)s at %(at)s") % {"day": schedule.day, "at": at}
