"""A PDF is caught however it comes, and nothing else passes for one."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from bills.browser.downloads import inside_data_url
from bills.browser.report import Stage
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.http_server import Reply, running
from config.dev.sandbox.portal_pages import plain_pdf
from tests.bills.browsing import PDF, Pages, Visitor, bill_row, bill_table, page, pdf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.browser.browser import Browser
    from bills.browser.report import AttemptReport

pytest_plugins = ("tests.bills.browser_fixtures",)

CODED = base64.b64encode(plain_pdf("data")).decode()
BLOB = """const bytes = Uint8Array.from(atob("{coded}"), letter => letter.charCodeAt(0));
const blob = URL.createObjectURL(new Blob([bytes], {{type: "application/pdf"}}));"""
FIRST, SECOND = (
    BLOB.format(coded=base64.b64encode(plain_pdf(text)).decode()) for text in ("blob", "window")
)
WAYS: dict[str, str] = {
    "link": "<a href='/site/1.pdf'>PDF</a>",
    "link in a new tab": "<a target=_blank href='/site/inline?0=x0'>PDF</a>",
    "link with a script": "<a href='/site/inline?1=x1' onclick='window.seen = 1'>PDF</a>",
    "button and script": "<button onclick='location = \"/site/1.pdf?2=x2\"'>PDF</button>",
    "window": "<button onclick='window.open(\"/site/inline?3=x3\")'>PDF</button>",
    "window by way of a page": "<button onclick='window.open(\"/site/wait\")'>PDF</button>",
    "form": "<form method=post action='/site/post?4=x4'><button>PDF</button></form>",
    "form in a new tab": (
        "<form method=post target=_blank action='/site/post?5=x5'><button>PDF</button></form>"
    ),
    "frame": "<button onclick='document.body.append(Object.assign("
    'document.createElement("iframe"), {src: "/site/inline?6=x6"}))\'>PDF</button>',
    "data": f"<a href='data:application/pdf;base64,{CODED}' download=x>PDF</a>",
    "blob": "<button onclick='saveBlob()'>PDF</button>",
    "blob in a window": "<button onclick='openBlob()'>PDF</button>",
    "drawn by a script": "<button onclick='fetch(\"/site/inline?7=x7\")'>PDF</button>",
}
BROKEN: dict[str, tuple[Reply, str]] = {
    "a page": (page("Thank you"), "answered with a page (HTTP 200)"),
    "a page that is missing": (page("", 404), "answered with a page (HTTP 404)"),
    "a page that is called a PDF": (
        Reply(200, b"<html>", "application/pdf"), "is a web page, not a PDF",
    ),
    "an empty file": (Reply(200, b"", "application/pdf"), "The file is empty."),
    "half a file": (Reply(200, PDF[:-20], "application/pdf"), "The file is cut off"),
    "a broken connection": (
        Reply(200, PDF, "application/pdf", cut_after=9), "The connection broke off",
    ),
}  # fmt: skip
SCRIPT = f"""<script>
function saveBlob() {{ {FIRST}
  Object.assign(document.createElement("a"), {{href: blob, download: "x.exe"}}).click(); }}
function openBlob() {{ {SECOND} open(blob); }}
</script>"""


@pytest.fixture(scope="module")
def report(browser: Browser) -> Iterator[AttemptReport]:
    """One visit to an account with a bill for every way, whole and broken."""
    pages = Pages()
    rows = [bill_row(way, link) for way, link in WAYS.items()]
    for number, (way, (reply, _)) in enumerate(BROKEN.items()):
        rows.append(bill_row(way, f"<a href='/site/broken{number}'>PDF</a>"))
        pages.reply(f"GET /broken{number}", reply)
    pages.portal(SCRIPT + bill_table(*rows))
    pages.reply("GET /1.pdf", pdf('attachment; filename= "../../F1.exe"'))
    pages.reply("GET /inline", pdf("inline"))
    pages.reply("POST /post", pdf("inline"))
    pages.show(
        "/wait", "<p>Wait<script>setTimeout(() => location = '/site/1.pdf?w=window', 200)</script>"
    )
    with running(pages) as pages.url:
        report = Visitor(browser, pages).visit(keep_trace=True)
    assert report.stage is Stage.DOWNLOAD, report.error
    yield report
    report.discard()


@pytest.mark.parametrize("way", WAYS)
def test_a_pdf_is_caught_however_it_comes(report: AttemptReport, way: str) -> None:
    [bill] = [bill for bill in report.bills if bill.number == way]
    content = bill.path.read_bytes()
    assert content.startswith(b"%PDF-1.4")
    assert bill.size == len(content)


@pytest.mark.parametrize("way", BROKEN)
def test_an_incomplete_pdf_is_reported_and_not_stored(report: AttemptReport, way: str) -> None:
    [note] = [note for note in map(str, report.notes) if note.startswith(f"bill {way}: ")]
    assert BROKEN[way][1] in note
    assert way not in [bill.number for bill in report.bills]


def test_the_report_counts_what_came_and_what_did_not(report: AttemptReport) -> None:
    assert report.code is Code.DOWNLOAD_BAD
    assert (
        f"{len(BROKEN)} of {len(WAYS) + len(BROKEN)} new bills could not be kept. bill a page"
        in report.error
    )
    assert (report.found, len(report.bills)) == (len(WAYS) + len(BROKEN), len(WAYS))


def test_files_lie_under_our_own_names_in_the_attempts_folder(report: AttemptReport) -> None:
    assert report.folder is not None
    kept = {path.name for path in report.folder.iterdir()} - {"trace.zip"}
    assert kept == {bill.path.name for bill in report.bills}
    assert all(re.fullmatch(r"\d{5}\.pdf\.part", name) for name in kept)


@pytest.mark.parametrize(
    ("href", "reply", "code", "words"),
    [
        ("/site/x", page("", 500), Code.SITE_5XX, "HTTP 500"),
        ("/site/x", Reply(429, headers=[("Retry-After", "7")]), Code.RATE_LIMITED, "HTTP 429"),
        ("http://evil.test/1.pdf", page(""), Code.OTHER_SITE, "http://evil.test"),
    ],
)
def test_what_would_befall_the_other_bills_too_ends_the_attempt(
    pages: Pages, visitor: Visitor, href: str, reply: Reply, code: Code, words: str
) -> None:
    pages.portal(bill_table(*[bill_row(f"F{n}", f"<a href='{href}'>PDF</a>") for n in (1, 2)]))
    pages.reply("GET /x", reply)
    report = visitor.visit()
    assert (report.code, report.stage) == (code, Stage.DOWNLOAD), report.error
    assert words in report.error
    assert report.retry_after == (7.0 if code is Code.RATE_LIMITED else None)
    assert pages.asked.count("GET /site/x") < 2
    report.discard()


def test_a_button_that_does_nothing_is_reported(pages: Pages, visitor: Visitor) -> None:
    pages.portal(bill_table(bill_row("F1", "<button>PDF</button>")))
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert report.code is Code.DOWNLOAD_BAD
    assert "Nothing was downloaded" in report.error


def test_a_press_that_leads_away_is_followed_by_a_way_back(pages: Pages, visitor: Visitor) -> None:
    away = "<button onclick='location = \"/site/thanks{0}\"'>PDF</button>"
    pages.portal(bill_table(*(bill_row(f"F{n}", away.format(n)) for n in (1, 2))))
    for number in (1, 2):
        start = f"<p>Thanks<script>location = '/site/{number}.pdf'</script>"
        pages.show(f"/thanks{number}", start)
        pages.reply(f"GET /{number}.pdf", pdf())
    report = visitor.visit()
    assert report.code is None, report.error
    assert [bill.number for bill in report.bills] == ["F1", "F2"]
    report.discard()


def test_data_urls_are_read() -> None:
    assert inside_data_url(f"data:application/pdf;base64,{CODED}") == plain_pdf("data")
    assert inside_data_url("data:,a%20b") == b"a b"
    with pytest.raises(PortalError, match="base64"):
        inside_data_url("data:;base64,é")
