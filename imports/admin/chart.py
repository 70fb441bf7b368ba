"""The chart of a job's pace, laid out: every place in it is a percentage of its own drawing."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

from imports.admin.words import number
from imports.pace import DAY, HOUR, MINUTE, marks, pace

if TYPE_CHECKING:
    from datetime import datetime

    from imports.models import ImportJob
    from imports.pace import Frame, Pace, Span

BAR_SHARE = 0.84  # of a span's width: the rest is the gap to the next
LOWEST = 3.0  # percent of the height: what is there at all can be seen
LAST_LABEL = 90.0  # percent: further right a time would not fit beside its mark
TOPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # of a scale, times a power of ten
CLOCKS = {"time": "H:i:s", "minute": "H:i", "day": "m-d H:i"}  # how times are written


@dataclass(frozen=True, slots=True)
class Bar:
    """What came back in one span; one upon the other where there are two."""

    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A round time. `label` is False where the time would not fit."""

    at: datetime
    x: str
    label: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Two plots over one axis of time, in records per minute (per hour where few come back)."""

    pace: Pace
    is_hourly: bool
    clock: str  # one of CLOCKS
    top: str  # of the scale of what succeeded; "" where nothing did
    trouble_top: str  # of the other, which is often much smaller
    success: list[Bar]
    error: list[Bar]
    unknown: list[Bar]
    marks: list[Mark]
    rows: list[tuple[Span, str]]  # with the rate of all that came back
    best: tuple[Span, str]

    @property
    def clock_format(self) -> str:
        return CLOCKS[self.clock]

    @property
    def sums(self) -> tuple[int, int, int]:
        """Succeeded, failed, unknown; a record that was tried again is in it each time."""
        told = [(span.success, span.error, span.unknown) for span in self.pace.spans]
        good, bad, unknown = (sum(counts) for counts in zip(*told, strict=True))
        return good, bad, unknown


def chart(job: ImportJob) -> Chart | None:
    """The chart of a job; None while nothing came back. Two queries, of any job."""
    found = pace(job)
    return drawn(found) if found else None


def drawn(found: Pace) -> Chart:
    """Lay a pace out."""
    spans, step = found.spans, found.frame.step
    best = max(spans, key=lambda span: span.total)
    is_hourly = best.total * MINUTE < step
    per = (HOUR if is_hourly else MINUTE) / step
    good = scale_top(max(span.success for span in spans) * per)
    bad = scale_top(max(span.error + span.unknown for span in spans) * per)
    bars = _Bars(found.frame, per)
    return Chart(
        pace=found,
        is_hourly=is_hourly,
        clock=_clock(found),
        top=rate(good) if good else "",
        trouble_top=rate(bad) if bad else "",
        success=[bars.of(s, 0, s.success, good) for s in spans if s.success],
        error=[bars.of(s, 0, s.error, bad) for s in spans if s.error],
        unknown=[bars.of(s, s.error, s.unknown, bad) for s in spans if s.unknown],
        marks=[_mark(found.frame, at) for at in marks(found.frame)],
        rows=[(span, rate(span.total * per)) for span in spans],
        best=(best, rate(best.total * per)),
    )


def scale_top(most: float) -> float:
    """The next round number; 0 where there is nothing."""
    if most <= 0:
        return 0.0
    power = 10.0 ** floor(log10(most))
    return next(top * power for top in TOPS if top * power >= most * (1 - 1e-9))


def rate(value: float) -> str:
    """With as many digits as it needs: 1,200, 7.5, 0.25."""
    digits = 0 if value >= 10 or value == int(value) else 1 if value >= 1 else 2
    return number(value, digits)


def _clock(found: Pace) -> str:
    if (found.frame.end - found.frame.origin).total_seconds() > DAY:
        return "day"
    return "minute" if found.frame.step >= MINUTE else "time"


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _place(frame: Frame, at: datetime) -> float:
    return 100 * (at - frame.origin).total_seconds() / (frame.step * frame.spans)


def _mark(frame: Frame, at: datetime) -> Mark:
    x = _place(frame, at)
    return Mark(at, _percent(x), label=x <= LAST_LABEL)


@dataclass(frozen=True, slots=True)
class _Bars:
    frame: Frame
    per: float  # from a span's count to its rate

    def of(self, span: Span, below: int, count: int, top: float) -> Bar:
        """So many records of a span, upon those `below` them."""
        slot = 100 / self.frame.spans
        height = self._height(count, top)
        foot = min(self._height(below, top), 100.0 - height)
        return Bar(
            x=_percent(_place(self.frame, span.at) + slot * (1 - BAR_SHARE) / 2),
            width=_percent(slot * BAR_SHARE),
            y=_percent(100 - foot - height),
            height=_percent(height),
        )

    def _height(self, count: int, top: float) -> float:
        return max(LOWEST, 100 * count * self.per / top) if count else 0.0
