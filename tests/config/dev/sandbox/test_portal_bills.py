"""The sandbox portal's lists of bills and its PDFs, over a real socket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite
from tests.config.dev.sandbox.portal_visitor import LOGIN_URL, Visitor, cells, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> PortalSite:
    return PortalSite()


@pytest.fixture
def visitor(site: PortalSite) -> Iterator[Visitor]:
    with running(site) as base_url:
        yield Visitor(base_url)


def test_a_list_shows_number_date_amount_and_whose_it_is(visitor: Visitor) -> None:
    page = visitor.log_in("good1@example.test").text
    assert len(set(numbers(page))) == 3
    assert len(set(cells(page, "customer"))) == 1
    assert set(cells(page, "email")) == {"good1@example.test"}
    dates = re.findall(r'datetime="(\d{4}-\d\d-\d\d)"', page)
    assert dates == sorted(dates, reverse=True)
    assert [date[:7] for date in dates] == ["2026-10", "2026-09", "2026-08"]
    for amount in cells(page, "amount"):
        assert re.fullmatch(r"(\d\xa0)?\d{3},\d\d\xa0kr", amount)
    assert page.count(">Download</a>") == 3


def test_the_same_account_sees_the_same_bills_again_on_a_new_portal(visitor: Visitor) -> None:
    first = visitor.log_in("good1@example.test").text
    with running(PortalSite()) as base_url:
        second = Visitor(base_url).log_in("good1@example.test").text
    assert cells(first, "amount") == cells(second, "amount")
    assert numbers(first) == numbers(second)
    assert numbers(first) != numbers(visitor.log_in("good2@example.test").text)


def test_another_seed_makes_other_bills(visitor: Visitor) -> None:
    with running(PortalSite(seed=1)) as base_url:
        other = Visitor(base_url).log_in("good1@example.test").text
    assert numbers(other) != numbers(visitor.log_in("good1@example.test").text)


def test_a_month_that_passes_adds_one_bill_and_keeps_the_others(visitor: Visitor) -> None:
    before = numbers(visitor.log_in("good1@example.test").text)
    visitor.order(new_bills={"good1@example.test": 1})
    after = numbers(visitor.get("/portal/bills").text)
    assert after[1:] == before
    assert after[0] not in before


def test_an_account_without_bills_says_so(visitor: Visitor) -> None:
    page = visitor.log_in("nobills1@example.test").text
    assert "You have no bills yet." in page
    assert "<table" not in page


def test_forty_bills_stand_on_four_pages(visitor: Visitor) -> None:
    page, seen = visitor.log_in("fortybills1@example.test").text, []
    for number in range(1, 5):
        assert f"Page {number} of 4" in page
        seen += numbers(page)
        following = re.search(r'<a rel="next" href="([^"]+)">Next</a>', page)
        assert bool(following) == (number < 4)
        page = visitor.get(following[1]).text if following else page
    assert len(set(seen)) == 40


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("99", 4), ("x", 1), ("-1", 1)])
def test_an_impossible_page_shows_the_nearest(visitor: Visitor, asked: str, shown: int) -> None:
    visitor.log_in("fortybills1@example.test")
    assert f"Page {shown} of 4" in visitor.get(f"/portal/bills?page={asked}").text


def test_another_customers_bill_stands_first_and_carries_the_other_address(
    visitor: Visitor,
) -> None:
    page = visitor.log_in("otherbill1@example.test").text
    assert cells(page, "email") == ["neighbour@example.test", *["otherbill1@example.test"] * 3]
    pdf = visitor.get(f"/portal/bills/{numbers(page)[0]}.pdf").content
    assert b"neighbour@example.test" in pdf


def test_a_bill_that_is_not_in_the_list_is_not_given_out(visitor: Visitor) -> None:
    number = numbers(Visitor(visitor.base_url).log_in("good2@example.test").text)[0]
    visitor.log_in("good1@example.test")
    assert visitor.get(f"/portal/bills/{number}.pdf").status_code == 404
    assert visitor.happened()["downloads"] == {}


def test_a_cookie_banner_covers_the_list_until_it_is_accepted(visitor: Visitor) -> None:
    page = visitor.log_in("cookiebanner1@example.test").text
    assert 'role="dialog"' in page
    assert "Accept all cookies" in page
    visitor.http.cookies.set("portal_cookies", "accepted", path="/portal")
    assert 'role="dialog"' not in visitor.get("/portal/bills").text


def test_the_banner_can_cover_the_login_page_too(visitor: Visitor) -> None:
    assert "Accept all cookies" not in visitor.get(LOGIN_URL).text
    visitor.order(banner_on_login=True)
    assert "Accept all cookies" in visitor.get(LOGIN_URL).text


@pytest.mark.parametrize(
    ("scenario", "sign"),
    [
        ("inline", 'target="_blank"'),
        ("popup", "window.open("),
        ("blob", "URL.createObjectURL("),
        ("post", 'action="/portal/bills/download"'),
        ("crash", "depth < 6000"),
    ],
)
def test_a_list_with_a_trick_carries_it_and_an_ordinary_one_does_not(
    visitor: Visitor, scenario: str, sign: str
) -> None:
    assert sign in visitor.log_in(f"{scenario}1@example.test").text
    assert sign not in visitor.log_in("good1@example.test").text


@pytest.mark.parametrize("scenario", ["good", "flaky", "popup", "blob", "otherbill", "slow"])
def test_most_bills_are_whole_pdfs_sent_as_attachments(
    visitor: Visitor, site: PortalSite, scenario: str
) -> None:
    site.accounts.settings.slow_seconds = 0.0
    email = f"{scenario}1@example.test"
    site.accounts.counts.logins[email] = 2  # past the troubles of "flaky"
    answer = visitor.first_bill(email)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.endswith(b"%%EOF")
    assert len(answer.content) >= 1024


def test_a_bill_names_its_account_number_and_amount_and_never_changes(visitor: Visitor) -> None:
    page = visitor.log_in("good1@example.test").text
    number, amount = numbers(page)[0], cells(page, "amount")[0].replace("\xa0", " ")
    pdf = visitor.get(f"/portal/bills/{number}.pdf").content
    for text in (number, amount, "good1@example.test"):
        assert text.encode("cp1252") in pdf
    assert visitor.get(f"/portal/bills/{number}.pdf").content == pdf


def test_a_bills_cross_reference_table_points_at_its_objects(visitor: Visitor) -> None:
    pdf = visitor.first_bill("good1@example.test").content
    start = re.search(rb"startxref\n(\d+)\n%%EOF$", pdf)
    assert start
    table = pdf[int(start[1]) :]
    assert table.startswith(b"xref\n0 6\n")
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n", table)]
    assert [pdf[offset:][:7] for offset in offsets] == [b"%d 0 obj" % n for n in range(1, 6)]
    length = re.search(rb"/Length (\d+) >>\nstream\n(.*)\nendstream", pdf, re.DOTALL)
    assert length
    assert int(length[1]) == len(length[2])


def test_an_inline_bill_is_sent_as_inline(visitor: Visitor) -> None:
    answer = visitor.first_bill("inline1@example.test")
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert answer.content.endswith(b"%%EOF")


def test_a_posted_form_answers_with_the_pdf_and_an_odd_file_name(visitor: Visitor) -> None:
    page = visitor.log_in("post1@example.test").text
    number = re.findall(r'name="number" value="(\d+)"', page)[0]
    answer = visitor.post("/portal/bills/download", data={"number": number})
    assert answer.headers["Content-Disposition"] == f'attachment; filename= "F{number}.pdf"'
    assert answer.content.startswith(b"%PDF-")


def test_html_that_calls_itself_a_pdf(visitor: Visitor) -> None:
    answer = visitor.first_bill("htmlpdf1@example.test")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"<!doctype html>")


def test_an_empty_bill_has_no_bytes(visitor: Visitor) -> None:
    answer = visitor.first_bill("empty1@example.test")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_truncated_bill_arrives_whole_but_has_no_end(visitor: Visitor) -> None:
    answer = visitor.first_bill("truncated1@example.test")
    assert answer.content.startswith(b"%PDF-")
    assert b"%%EOF" not in answer.content
    assert len(answer.content) == int(answer.headers["Content-Length"])


def test_a_cut_bill_ends_before_the_promised_length(visitor: Visitor) -> None:
    with pytest.raises(requests.RequestException):
        visitor.first_bill("cut1@example.test")


def test_a_dripping_bill_is_whole_in_the_end(visitor: Visitor) -> None:
    visitor.order(drip_seconds=0.00001)
    assert visitor.first_bill("drip1@example.test").content.endswith(b"%%EOF")
