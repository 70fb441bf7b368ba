"""When a schedule is due, by the clocks of its place; and the hours in which nothing begins."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bills.models.schedules import Quiet, Rhythm, is_cron, spread

HERE = ZoneInfo("Europe/Stockholm")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("rhythm", "now", "due"),
    [
        (Rhythm("monthly", day=3), "2026-11-03T05:59", "2026-11-03T06:00"),
        (Rhythm("monthly", day=3), "2026-11-03T06:00", "2026-12-03T06:00"),
        (Rhythm("monthly", day=31), "2026-11-03T06:00", "2026-11-30T06:00"),
        (Rhythm("monthly", day=31), "2027-01-31T06:00", "2027-02-28T06:00"),
        (Rhythm("monthly", day=30), "2028-02-01T06:00", "2028-02-29T06:00"),
        (Rhythm("monthly", day=1), "2026-12-05T10:00", "2027-01-01T06:00"),
        (Rhythm("weekly", weekday=0), "2026-11-27T12:00", "2026-11-30T06:00"),
        (Rhythm("weekly", weekday=4, at=time(12)), "2026-11-27T12:00", "2026-12-04T12:00"),
        (Rhythm("weekly", weekday=4, at=time(12, 1)), "2026-11-27T12:00", "2026-11-27T12:01"),
        (Rhythm("cron", cron="30 6 1,15 * *"), "2026-11-27T12:00", "2026-12-01T06:30"),
    ],
)
def test_the_next_time_is_later_than_now(rhythm: Rhythm, now: str, due: str) -> None:
    assert rhythm.next_after(at(now)) == at(due)


def test_a_time_of_day_stays_the_same_when_clocks_are_changed() -> None:
    october = Rhythm("monthly", day=20).next_after(at("2026-10-01T00:00"))
    november = Rhythm("monthly", day=20).next_after(october)
    assert (october.hour, november.hour) == (6, 6)
    assert october.utcoffset() != november.utcoffset()


@pytest.mark.parametrize(
    ("begins", "ends", "now", "allowed"),
    [
        (time(22), time(6), "2026-11-27T21:59", "2026-11-27T21:59"),
        (time(22), time(6), "2026-11-27T22:00", "2026-11-28T06:00"),
        (time(22), time(6), "2026-11-28T05:59", "2026-11-28T06:00"),
        (time(22), time(6), "2026-11-28T06:00", "2026-11-28T06:00"),
        (time(8), time(17), "2026-11-28T12:00", "2026-11-28T17:00"),
        (time(8), time(17), "2026-11-28T17:00", "2026-11-28T17:00"),
    ],
)
def test_nothing_begins_in_quiet_hours(begins: time, ends: time, now: str, allowed: str) -> None:
    rhythm = Rhythm("monthly", quiet=Quiet(begins, ends))
    assert rhythm.allowed_from(at(now)) == at(allowed)


def test_without_quiet_hours_anything_may_begin_at_once() -> None:
    assert Quiet.of(None, time(6)) is None
    assert Rhythm("weekly").allowed_from(at("2026-11-28T03:00")) == at("2026-11-28T03:00")


@pytest.mark.parametrize("text", ["30 6 1,15 * *", "0 */2 * * mon-fri", "* * * * *"])
def test_a_cron_expression_has_five_fields_and_comes_due(text: str) -> None:
    assert is_cron(text)


@pytest.mark.parametrize("text", ["", "monthly", "0 0 30 2 *", "61 * * * *", "@reboot", "* * * *"])
def test_anything_else_is_none(text: str) -> None:
    assert not is_cron(text)


def test_accounts_are_spread_over_the_time_and_each_keeps_its_place() -> None:
    delays = [spread(f"1 {account}", 60) for account in range(500)]
    assert delays == [spread(f"1 {account}", 60) for account in range(500)]
    assert all(timedelta() <= delay < timedelta(hours=1) for delay in delays)
    halves = sum(delay < timedelta(minutes=30) for delay in delays)
    assert 200 < halves < 300
    assert {spread("1 1", 0)} == {timedelta()}
