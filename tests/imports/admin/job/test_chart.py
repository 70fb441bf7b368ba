"""The chart of a job's pace: how it is laid out, and when the page shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from imports.admin.job.progress import Chart, drawn, rate, scale_top
from imports.ledger import lifecycle
from imports.ledger.totals import MINUTE, BatchBody, Pace, Span
from tests.imports.admin.conftest import ended, url
from tests.jobs import LOST, OK, REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker

BEGIN = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def chart(*counts: tuple[int, int, int], step: int = MINUTE) -> Chart:
    """Of spans beside each other that had so many records each."""
    spans = [Span(BEGIN + timedelta(seconds=step * n), *each) for n, each in enumerate(counts)]
    frame = BatchBody(BEGIN, step, 50)
    return drawn(Pace(frame, BEGIN, frame.end, [span for span in spans if span.total]))


def test_bars_stand_on_the_foot_of_their_plot_as_high_as_their_rate() -> None:
    first, second = chart((100, 0, 0), (50, 0, 0)).success
    assert (first.x, first.width) == ("0.16%", "1.68%")
    assert (first.y, first.height) == ("0.00%", "100.00%")
    assert (second.x, second.y, second.height) == ("2.16%", "50.00%", "50.00%")


def test_unknown_stands_upon_failed_and_both_have_a_scale_of_their_own() -> None:
    found = chart((5_000, 3, 2))
    assert (found.top, found.trouble_top) == ("5,000", "5")
    assert (found.error[0].y, found.error[0].height) == ("40.00%", "60.00%")
    assert (found.unknown[0].y, found.unknown[0].height) == ("0.00%", "40.00%")


def test_a_single_failure_among_thousands_can_be_seen_and_none_is_drawn_where_none_was() -> None:
    found = chart((50, 4_000, 1), (50, 0, 0))
    assert [bar.height for bar in found.unknown] == ["3.00%"]
    assert len(found.error) == 1
    assert (chart((50, 0, 0)).trouble_top, chart((0, 2, 0)).top) == ("", "")


def test_what_is_little_can_be_seen_upon_a_bar_as_high_as_the_plot() -> None:
    (bar,) = chart((0, 4_999, 1)).unknown
    assert (bar.y, bar.height) == ("0.00%", "3.00%")


def test_rates_are_per_minute_whatever_the_span_and_per_hour_where_few_come_back() -> None:
    assert chart((50, 0, 0), step=10).best[1] == "300"
    assert chart((300, 0, 0), step=5 * MINUTE).best[1] == "60"
    slow = chart((3, 0, 0), step=30 * MINUTE)
    assert (slow.is_hourly, slow.best[1]) == (True, "6")


@pytest.mark.parametrize(("most", "top"), [(0, 0), (1, 1), (1.2, 1.5), (61, 80), (9_999, 10_000)])
def test_a_scale_ends_at_a_round_number(most: float, top: float) -> None:
    assert scale_top(most) == pytest.approx(top)


@pytest.mark.parametrize(
    ("value", "said"), [(1_200.4, "1,200"), (7.5, "7.5"), (0.25, "0.25"), (3.0, "3")]
)
def test_a_rate_has_as_many_digits_as_it_needs(value: float, said: str) -> None:
    assert rate(value) == said


def test_times_are_said_as_finely_as_the_spans_are() -> None:
    assert [chart((1, 0, 0), step=s).clock for s in (10, 60, 3_600)] == ["time", "minute", "day"]


def page(client: Client, job: ImportJob) -> str:
    return client.get(url(job, "progress")).content.decode()


def test_the_page_draws_what_came_back_and_says_it_in_words_and_in_a_table(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    text = " ".join(page(operator, failed_job()).split())
    assert "6 customers succeeded. Counting each try, 3 failed and 3 are unknown." in text
    assert '<rect class="rd-fill-error" x="' in text
    assert '<rect class="rd-hatched" x="' in text
    assert '<table id="rd-chart-numbers"' in text
    assert '<th scope="row"' in text


def test_a_job_without_an_answer_has_a_sentence_and_one_that_never_began_has_nothing(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(6)
    assert "No answers yet." in page(operator, job)
    lifecycle.cancel(job)
    ended(job)
    for each in (job, make_job.draft()):
        assert "rd-chart" not in page(operator, each).replace("chart.css", "")


def test_an_open_page_is_sent_picture_and_rows_but_not_what_she_opened(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(9)
    answer(job, OK, LOST)
    where = {"tab": "progress", "was": "running"}
    part = operator.get(url(job, "progress", "live"), where).content.decode()
    assert 'id="rd-chart-picture"' in part
    assert 'id="rd-chart-numbers"' in part
    assert "<details" not in part
    elsewhere = operator.get(url(job, "progress", "live"), where | {"tab": "log"})
    assert "rd-chart" not in elsewhere.content.decode()


def test_a_round_is_drawn_by_itself(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    ended(job)
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    assert "Counting each try, 3 failed" in page(operator, job)
    assert "No answers yet." in page(operator, job.retries.get())


def test_what_charts_need_is_loaded_only_where_one_is_drawn(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job()
    assert "imports/chart.css" in operator.get(url(job, "progress")).content.decode()
    for path in ("/admin/", url(job, "log"), "/admin/imports/importjob/"):
        page = operator.get(path).content.decode()
        assert "imports/chart.css" not in page
        assert "unfold/js/chart" not in page
