"""The pages in Swedish: by the browser's wish, or chosen; with Swedish numbers and dates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone, translation

from imports.admin import formatting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

    from imports.models import ImportJob

SWEDISH = {"accept-language": "sv-SE,sv;q=0.9,en;q=0.5"}
NO_BREAK_SPACE = "\xa0"


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """A thread keeps the language of its last request: the next test's is not Swedish."""
    yield
    translation.deactivate()


def seen(page: str) -> str:
    """What can be read on it, without the markup."""
    bare = re.sub(r"<(script|style).*?</\1>|<!--.*?-->|<[^>]*>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", bare)


def test_home_speaks_swedish_to_a_swedish_browser(operator: Client) -> None:
    page = operator.get("/admin/", headers=SWEDISH).content.decode()
    assert '<html lang="sv"' in page
    text = seen(page)
    for swedish in ("Översikt", "Din första import", "Ingen arbetare är igång"):
        assert swedish in text
    for english in (
        "Overview",
        "Your first import",
        "No worker",
        "Health",
        "Search",
        "Log out",
    ):
        assert english not in text


def test_failures_speak_swedish(operator: Client, failed_job: Callable[..., ImportJob]) -> None:
    address = f"/admin/imports/importjob/{failed_job().pk}/failures/"
    text = seen(operator.get(address, headers=SWEDISH).content.decode())
    for swedish in ("Orsaker", "Försök igen", "Utelämna", "3 kunder kan ha kommit fram"):
        assert swedish in text
    for english in ("Causes", "Retry", "Exclude", "are unknown", "Who must"):
        assert english not in text


def test_a_chosen_language_goes_before_the_browsers(operator: Client) -> None:
    chosen = {"language": "sv", "next": "/admin/"}
    page = operator.post("/i18n/setlang/", chosen, follow=True).content.decode()
    assert "Översikt" in page
    assert 'value="en"' in page  # the way back


def test_days_stand_with_the_year_first(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    address = f"/admin/imports/importjob/{failed_job().pk}/log/"
    page = operator.get(address, headers=SWEDISH).content.decode()
    assert f"{timezone.localdate():%Y-%m-%d}" in seen(page)


def test_numbers_stand_as_swedes_write_them() -> None:
    with translation.override("sv"):
        assert formatting.number(1_000_000).replace(NO_BREAK_SPACE, " ") == "1 000 000"
        assert formatting.number(0.5, 1) == "0,5"
        assert formatting.customers(1) == "1 kund"
        assert formatting.customers(1_000).replace(NO_BREAK_SPACE, " ") == "1 000 kunder"
