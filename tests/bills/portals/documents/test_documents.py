"""A bill's document is found wherever portals keep it, and nothing else is taken for it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from bills.browser.plan import Login
from bills.browser.report import Stage
from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply, running
from config.dev.sandbox.portal_pages import plain_pdf
from tests.bills.browsing import (
    CANARY,
    EMAIL,
    LOG_OUT,
    Pages,
    Together,
    Visitor,
    bill_row,
    bill_table,
    page,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bills.browser.browser import Browser
    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request

pytest_plugins = ("tests.bills.browser_fixtures",)

QUICK = {"login": {"answer_seconds": 4}}
IN_VAIN = {"login": {"answer_seconds": 2}}  # where what is waited for does not come
NUMBERS = ("INV-1011", "INV-1010")
FRAME = """<nav><a href=/site/bills>Bills</a> <a href=/site/guide.pdf>Guide</a></nav>{}
<footer><a href=/site/terms.pdf>Terms and conditions (PDF)</a></footer>"""
DIALOG = """<div id=m role=dialog hidden style="position:fixed;inset:0;background:#eee">
<h2 id=t></h2>
<a id=a download>Download PDF</a> {more}<button onclick="m.hidden=true">Close</button></div>"""


def attached(text: str, kind: str = "application/pdf", name: str = "x.pdf") -> Reply:
    disposition = ("Content-Disposition", f'attachment; filename="{name}"')
    return Reply(200, plain_pdf(text), kind, [disposition])


def numbered(pages: Pages, make: Callable[[str], Reply], *paths: str) -> None:
    """Let GET /site/PATH/INV-1011 and its like give what `make` makes of the number."""
    for path in paths:
        for number in NUMBERS:
            pages.answers[f"GET /site/{path}/{number}"] = lambda _, n=number: make(n)  # type: ignore[misc]


def table(link: str, headings: str = "Invoice number|Date|Amount|") -> str:
    """A row for each number; {n} is the number."""
    rows = [bill_row(number, link.replace("{n}", number)) for number in NUMBERS]
    return bill_table(*rows, headings=headings)


def texts(report: AttemptReport) -> dict[str, str]:
    """By bill number, what its PDF says."""
    return {
        bill.number: PdfReader(bill.path).pages[0].extract_text().strip() for bill in report.bills
    }


def in_parts(request: Request, number: str) -> Reply:
    """The bill's PDF, or the part of it that was asked for."""
    whole, asked = plain_pdf(f"bill {number}"), request.headers.get("range", "")
    if not asked:
        return Reply(200, whole, "application/pdf")
    first, _, last = asked.removeprefix("bytes=").partition("-")
    part = whole[int(first) : int(last) + 1 if last else None]
    held = f"bytes {first}-{int(first) + len(part) - 1}/{len(whole)}"
    return Reply(206, part, "application/pdf", [("Content-Range", held)])


def with_documents(pages: Pages) -> Pages:
    """Pages where /doc/NUMBER is the bill's PDF."""
    numbered(pages, lambda n: attached(f"bill {n}"), "doc")
    return pages


@pytest.fixture
def doc(pages: Pages) -> Pages:
    return with_documents(pages)


def both(prefix: str = "bill") -> dict[str, str]:
    return {number: f"{prefix} {number}" for number in NUMBERS}


def detail(body: str) -> Callable[[str], Reply]:
    return lambda n: page(FRAME.format(f"<h1>Invoice {n}</h1>" + body.replace("{n}", n)))


DETAILS: dict[str, str] = {
    "a link": "<a href=/site/doc/{n}>Download PDF</a>",
    "a button": "<button onclick='location=\"/site/doc/{n}\"'>Download</button>",
    "a link in French": "<a href=/site/doc/{n}>Télécharger la facture</a>",
    "a link in Polish": "<a href=/site/doc/{n}>Pobierz fakturę</a>",
    "a link that comes late": (
        "<p id=p></p><script>setTimeout(() => {p.innerHTML ="
        "'<a href=/site/doc/{n}>Download PDF</a>'}, 600)</script>"
    ),
    "a link beside another's": (
        "<a href=/site/doc/{n}>Download PDF</a><ul><li>INV-0900 "
        "<a href=/site/old/INV-0900>Download PDF</a></li></ul>"
    ),
    "a reminder first": (
        "<a href=/site/slip>Payment slip (PDF)</a> <a href=/site/doc/{n}>Invoice (PDF)</a>"
    ),
    "a frame that shows it": "<iframe src=/site/shown/{n}></iframe>",
    "a viewer that asks for parts": (
        "<canvas></canvas><script>(async () => { for (const part of ['0-99', '100-'])"
        " await fetch('/site/parts/{n}', {headers: {Range: 'bytes=' + part}}); })()</script>"
    ),
    "a viewer": "<embed src=/site/shown/{n} type=application/pdf>",
    "a form": "<form method=post action=/site/doc/{n}><button>Download</button></form>",
    "a page behind the page": "<a href=/site/second/{n}>Show invoice</a>",
    "a download by itself": "<script>location='/site/doc/{n}'</script>",
}


VIEW = "<a href=/site/inv/{n}>View</a>"
GO = "<button onclick='location=\"/site/inv/{n}\"'>View</button>"
OPEN = "<button onclick='window.open(\"/site/inv/{n}\")'>View</button>"
MORE = "<button onclick='location=\"/site/inv/{n}\"'>Details</button>"
PRESSED = ("a link", "a button", "a download by itself")
TO_DETAILS = [(VIEW, kind) for kind in DETAILS] + [
    (r, k) for r in (GO, OPEN, MORE) for k in PRESSED
]


def open_details(visitor: Visitor, way: tuple[str, str]) -> AttemptReport:
    doc, (row, kind) = with_documents(visitor.pages), way
    doc.portal(table(row))
    numbered(doc, detail(DETAILS[kind]), "inv")
    numbered(doc, detail(DETAILS["a link"]), "second")
    numbered(doc, lambda n: Reply(200, plain_pdf(f"bill {n}"), "application/pdf"), "shown")
    for number in NUMBERS:
        doc.answers[f"GET /site/parts/{number}"] = lambda ask, n=number: in_parts(ask, n)  # type: ignore[misc]
        doc.answers[f"POST /site/doc/{number}"] = doc.answers[f"GET /site/doc/{number}"]
    return visitor.visit(QUICK)


@pytest.mark.parametrize("way", TO_DETAILS)
def test_a_detail_page_leads_to_the_document(together: Together, way: tuple[str, str]) -> None:
    report = together(open_details, TO_DETAILS)[way].report
    assert report.code is None, (report.error, report.notes)
    assert texts(report) == both()
    report.discard()


@pytest.mark.parametrize("name", ["invoice", "dokument", "INV_{n}"])
def test_a_hosted_page_is_followed_on_a_host_that_the_recipe_names(
    doc: Pages, visitor: Visitor, name: str
) -> None:
    there = doc.url.replace("127.0.0.1", "localhost")
    doc.portal(table(f"<a href={there}/site/inv/{{n}}>View</a>"))
    numbered(doc, detail(DETAILS["a reminder first"]), "inv")
    refused = visitor.visit(QUICK)
    assert refused.code is Code.OTHER_SITE, refused.error
    report = visitor.visit({**QUICK, "hosts": ["localhost"]})
    assert texts(report) == both(), report.error
    report.discard()


DIALOGS: dict[str, tuple[str, str]] = {
    "filled at once": ("a.href='/site/doc/'+n;t.textContent='Invoice '+n", ""),
    "filled late": ("t.textContent='Invoice '+n;setTimeout(()=>a.href='/site/doc/'+n,300)", ""),
    "filled very late": ("setTimeout(()=>{t.textContent=n;a.href='/site/doc/'+n},1500)", ""),
    "named late, with a reminder": (
        "setTimeout(()=>{a.href='/site/doc/'+n;t.textContent=n},900)",
        "<a href=/site/slip>Payment reminder (PDF)</a>",
    ),
    "a button in it": (
        "a.hidden=true;window.now=n",
        "<button onclick=\"location='/site/doc/'+now\">Download</button>",
    ),
}


def open_dialogs(visitor: Visitor, kind: str) -> AttemptReport:
    fill, more = DIALOGS[kind]
    with_documents(visitor.pages).portal(
        table("<button onclick=\"show('{n}')\">View</button>")
        + DIALOG.format(more=more)
        + f"<script>function show(n){{m.hidden=false;{fill}}}</script>"
    )
    return visitor.visit(QUICK)


@pytest.mark.parametrize("kind", DIALOGS)
def test_a_dialog_gives_each_row_its_own_document(together: Together, kind: str) -> None:
    report, doc = together(open_dialogs, DIALOGS)[kind]
    assert report.code is None, (report.error, report.notes)
    assert texts(report) == both()
    assert doc.asked.count("GET /site/bills") < 3  # it was closed, not loaded anew
    report.discard()


def test_a_dialog_that_cannot_be_closed_is_left_by_opening_the_list_again(
    doc: Pages, visitor: Visitor
) -> None:
    dialog = DIALOG.format(more="").replace("Close", "…").replace("m.hidden=true", "")
    doc.portal(
        table("<button onclick=\"show('{n}')\">View</button>") + dialog
        + "<script>function show(n){m.hidden=false;a.href='/site/doc/'+n}</script>"
    )  # fmt: skip
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


def test_a_dialog_that_still_shows_the_last_bill_gives_nothing(
    doc: Pages, visitor: Visitor
) -> None:
    doc.portal(
        table("<button onclick=\"show('{n}')\">View</button>") + DIALOG.format(more="")
        + "<script>function show(n){m.hidden=false;if(!a.href)a.href='/site/doc/'+n}</script>"
    )  # fmt: skip
    report = visitor.visit(IN_VAIN)
    assert report.code is Code.DOWNLOAD_BAD
    assert texts(report) == {NUMBERS[0]: f"bill {NUMBERS[0]}"}
    report.discard()


def test_a_detail_view_in_the_lists_place_is_left_again(doc: Pages, visitor: Visitor) -> None:
    doc.portal(
        "<div id=box></div><script>const rows=`"
        + table("<button onclick=\"show('{n}')\">View</button>")
        + "`;const list=()=>box.innerHTML=rows;"
        "function show(n){box.innerHTML='<h1>Invoice '+n+'</h1>"
        "<button onclick=list()>Back</button>"
        "<a href=/site/doc/'+n+'>Download PDF</a>'};list()</script>"
    )
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


def test_a_detail_view_on_the_lists_second_page_is_left_again(
    doc: Pages, visitor: Visitor
) -> None:
    go = "<button onclick='location=\"/site/inv/{n}\"'>Details</button>"
    first, second = (bill_table(bill_row(n, go.replace("{n}", n))) for n in NUMBERS)
    doc.portal(first + "<a href=/site/bills/2>Next</a>")
    doc.show("/bills/2", LOG_OUT + second)
    numbered(doc, detail("<a href=/site/doc/{n}>Download PDF</a>"), "inv")
    assert texts(visitor.visit(QUICK)) == both()


@pytest.mark.parametrize(("other", "code"), [("spec", None), ("x", Code.DOCUMENT_UNCLEAR)])
def test_a_press_that_brings_two_files_keeps_the_bill_or_asks(
    doc: Pages, visitor: Visitor, other: str, code: Code | None
) -> None:
    press = (
        "for (const u of ['doc', 'other']) Object.assign(document.createElement('a'),"
        "{href: '/site/' + u + '/{n}', download: ''}).click()"
    )
    doc.portal(table(f'<button onclick="{press}">Download</button>'))
    numbered(doc, lambda n: attached(f"other {n}", name=f"{other}-{n}.pdf"), "other")
    report = visitor.visit(QUICK)
    assert report.code is code, report.error
    assert texts(report) == ({} if code else both())
    report.discard()


def test_a_download_that_comes_too_late_is_not_the_next_rows(doc: Pages, visitor: Visitor) -> None:
    late = "setTimeout(() => location = '/site/doc/{n}', 2500)"
    doc.portal(table(f'<button onclick="{late}">Download</button>'))
    report = visitor.visit(IN_VAIN)
    assert (report.code, report.bills) == (Code.DOWNLOAD_BAD, [])


def test_a_link_that_a_script_adds_to_save_a_file_is_not_pressed(
    doc: Pages, visitor: Visitor
) -> None:
    """It has no size, and the script presses it itself, here well after it was added."""
    saves = """<script>async function save(n) {
      const file = await (await fetch("/site/doc/" + n)).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = "facture.pdf";
      document.body.append(link);
      setTimeout(() => link.click(), 1000);
    }</script>"""
    numbered(doc, lambda n: attached(f"bill {n}", "application/octet-stream"), "doc")
    doc.portal(table("<button onclick='save(\"{n}\")'>Télécharger la facture</button>") + saves)
    assert texts(visitor.visit(QUICK)) == both()


def test_other_formats_and_payments_are_ignored(doc: Pages, visitor: Visitor) -> None:
    doc.portal(
        table(
            "<a href=/site/csv/{n}>Download CSV</a> <a href=/site/doc/{n}>Download PDF</a>"
            "<button onclick=\"location='/site/pay/{n}'\">Pay bill</button>"
        )
    )
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    assert not [asked for asked in doc.asked if "csv" in asked or "pay" in asked]
    report.discard()


def test_a_menu_that_unfolds_is_searched(doc: Pages, visitor: Visitor) -> None:
    menu = (
        "<button onclick='this.nextSibling.hidden=!this.nextSibling.hidden'>Show</button>"
        "<span hidden><a href=/site/doc/{n}>Download PDF</a></span>"
    )
    doc.portal(table(menu))
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


DRAWN_MENU = """<script>function menu(k) { document.getElementById("menu")?.remove();
  setTimeout(() => document.body.insertAdjacentHTML("beforeend", `<div id=menu role=menu>
    <button role=menuitem onclick="location='/site/doc/${k}'">Scarica</button>
    <button role=menuitem>Paga</button></div>`), 150) }</script>"""
MENUS = {
    "in the row": "<button aria-haspopup=menu onclick='this.nextSibling.hidden = false'>"
    "<svg width=9 height=9></svg></button><div role=menu hidden>"
    "<a role=menuitem href=/site/doc/{n}>Scarica PDF</a></div>",
    "three dots": "<button onclick='this.nextSibling.hidden = false'>⋮</button>"
    "<span hidden><a href=/site/doc/{n}>Pobierz PDF</a></span>",
    "drawn elsewhere": '<button aria-label="Azioni" onclick="menu(\'{n}\')">…</button>',
}


@pytest.mark.parametrize("kind", MENUS)
def test_a_menu_behind_dots_is_opened(doc: Pages, visitor: Visitor, kind: str) -> None:
    doc.portal(table(MENUS[kind]) + DRAWN_MENU)
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


def test_a_detail_page_of_another_bill_is_not_taken(doc: Pages, visitor: Visitor) -> None:
    doc.portal(table("<a href=/site/inv/{n}>View</a>"))
    same = page("<title>x</title><h1>INV-1011</h1><a href=/site/doc/INV-1011>Download PDF</a>")
    numbered(doc, lambda _: same, "inv")
    report = visitor.visit(IN_VAIN)
    assert report.code is Code.DOWNLOAD_BAD, report.error
    assert list(texts(report)) == [NUMBERS[0]]
    report.discard()


TWO: dict[str, tuple[str, str]] = {
    "a reminder and the invoice": ("Reminder (PDF)", "Invoice (PDF)"),
    "a reminder and a PDF": ("Betalningspåminnelse", "PDF"),
    "by their names only": ("<img alt='Zahlungserinnerung'>", "<img alt='Rechnung'>"),
    "slip": ("Acceptgiro (pdf)", "Factuur (pdf)"),
    "specification": ("Einzelverbindungsnachweis (PDF)", "Rechnung (PDF)"),
    "receipt": ("Kvitto (PDF)", "Faktura (PDF)"),
    "Finnish": ("Maksumuistutus (PDF)", "Lasku (PDF)"),
    "Norwegian": ("Purring (PDF)", "Faktura (PDF)"),
    "Danish": ("Indbetalingskort (PDF)", "Regning (PDF)"),
    "French": ("Relance (PDF)", "Facture (PDF)"),
    "Spanish": ("Recordatorio (PDF)", "Factura (PDF)"),
    "Italian": ("Bollettino (PDF)", "Fattura (PDF)"),
    "Polish": ("Wezwanie do zapłaty (PDF)", "Faktura (PDF)"),
    "a price list": ("Price list (PDF)", "Download"),
}


@pytest.fixture(scope="module")
def two_in_a_row(browser: Browser) -> Iterator[AttemptReport]:
    """One visit to a list with every pair of links; the second of each is the bill's."""
    pages, rows = Pages(), []
    for number, (way, (other, bill)) in enumerate(TWO.items()):
        links = f"<a href=/site/o/{number}.pdf>{other}</a> <a href=/site/b/{number}.pdf>{bill}</a>"
        rows.append(bill_row(way, links))
        pages.reply(f"GET /o/{number}.pdf", attached(f"other {way}"))
        pages.reply(f"GET /b/{number}.pdf", attached(f"bill {way}"))
    pages.portal(bill_table(*rows))
    with running(pages) as pages.url:
        report = Visitor(browser, pages).visit()
    assert report.code is None, report.error
    yield report
    report.discard()


@pytest.mark.parametrize("way", TWO)
def test_of_two_links_in_a_row_the_invoice_is_the_bill(
    two_in_a_row: AttemptReport, way: str
) -> None:
    assert texts(two_in_a_row)[way] == f"bill {way}"


def test_headings_tell_links_apart(doc: Pages, visitor: Visitor) -> None:
    cells = "<a href=/site/slip/{n}>PDF</a></td><td><a href=/site/doc/{n}>PDF</a>"
    doc.portal(table(cells, "Invoice number|Date|Amount|Payment slip|Invoice"))
    numbered(doc, lambda n: attached(f"slip {n}"), "slip")
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


def test_two_documents_that_nothing_tells_apart_are_a_question(
    doc: Pages, visitor: Visitor
) -> None:
    doc.portal(table("<a href=/site/doc/{n}>PDF</a> <a href=/site/other/{n}>PDF 2</a>"))
    numbered(doc, lambda n: attached(f"other {n}"), "other")
    report = visitor.visit(QUICK)
    assert report.code is Code.DOCUMENT_UNCLEAR
    assert '"PDF 2"' in report.error
    assert report.bills == []


def test_two_links_to_one_document_are_no_question(doc: Pages, visitor: Visitor) -> None:
    doc.portal(table("<a href=/site/doc/{n}>PDF</a> <a href='/site/doc/{n}?x=1'>Download</a>"))
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    report.discard()


HEADERS: dict[str, Reply] = {
    "no type": Reply(200, b"", ""),
    "octet-stream": Reply(200, b"", "application/octet-stream"),
    "text": Reply(200, b"", "text/plain"),
    "force-download": Reply(
        200, b"", "application/force-download", [("Content-Disposition", "attachment")]
    ),
    "inline": Reply(200, b"", "application/pdf", [("Content-Disposition", "inline")]),
    "a name without quotes": Reply(
        200, b"", "application/pdf;charset=utf-8",
        [("Content-Disposition", "attachment; filename= Min faktura nr 1;.pdf")],
    ),
    "a name in two ways": Reply(
        200, b"", "APPLICATION/PDF",
        [("Content-Disposition", "attachment; filename=x; filename*=UTF-8''%C3%A5.pdf")],
    ),
    "gzip": Reply(200, b"", "application/pdf", [("Content-Encoding", "gzip")]),
    "a ZIP": Reply(200, b"", "application/zip"),
    "a ZIP of no type": Reply(200, b"", "application/octet-stream"),
}  # fmt: skip


def body_of(way: str, text: str) -> bytes:
    import gzip

    if way == "gzip":
        return gzip.compress(plain_pdf(text), mtime=0)
    if not way.startswith("a ZIP"):
        return plain_pdf(text)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("spec.pdf", plain_pdf(f"spec {text}"))
        made.writestr("invoice.pdf", plain_pdf(text))
    return held.getvalue()


@pytest.mark.parametrize("row", ["<a href=/site/h/{n}>PDF</a>", "button"])
def test_odd_headers_do_not_hide_a_document(browser: Browser, row: str) -> None:
    pages, rows = Pages(), []
    for number, (way, reply) in enumerate(HEADERS.items()):
        link = row.replace("{n}", str(number))
        if row == "button":
            if way in ("text", "no type"):
                continue  # a browser shows it as text: see the list's own link
            link = f"<button onclick='location=\"/site/h/{number}\"'>PDF</button>"
        rows.append(bill_row(way, link))
        body = body_of(way, f"bill {way}")
        made = Reply(200, body, reply.content_type, reply.headers)
        pages.reply(f"GET /h/{number}", made)
    pages.portal(bill_table(*rows))
    with running(pages) as pages.url:
        report = Visitor(browser, pages).visit(QUICK)
    assert report.code is None, (report.error, report.notes)
    assert {name: text for name, text in texts(report).items() if text != f"bill {name}"} == {}
    report.discard()


PRINTED = "<p>To pay: 100,00</p>{}<script>{}</script>"


@pytest.mark.parametrize(
    ("row", "body"),
    [
        ("<a href=/site/inv/{n}>View</a>", PRINTED.format("<button>Print</button>", "")),
        ("<a href=/site/inv/{n}>Visa</a>", PRINTED.format("<a href=#>Skriv ut</a>", "")),
        ("<a href=/site/inv/{n} target=_blank>View</a>", PRINTED.format("", "print()")),
        (
            "<button onclick=\"window.open('/site/inv/{n}')\">Show</button>",
            PRINTED.format("", "setTimeout(() => print(), 200)"),
        ),
    ],
)
def test_a_page_that_can_only_be_printed_is_printed_and_marked(
    pages: Pages, visitor: Visitor, row: str, body: str
) -> None:
    pages.portal(table(row))
    numbered(pages, detail(body), "inv")
    report = visitor.visit(QUICK)
    assert report.code is None, (report.error, report.notes)
    assert all(bill.is_printed for bill in report.bills)
    assert all(number in text for number, text in texts(report).items())
    report.discard()


def test_a_page_that_does_not_name_the_bill_is_not_printed(pages: Pages, visitor: Visitor) -> None:
    pages.portal(table("<a href=/site/inv/{n}>View</a>"))
    numbered(pages, lambda n: page(f"<h1>Our campaign {n[-1]}</h1><button>Print</button>"), "inv")
    report = visitor.visit(IN_VAIN)
    assert (report.code, report.bills) == (Code.DOWNLOAD_BAD, [])


REASONS: dict[str, tuple[str, Code]] = {
    "a limit": ("You can only download 10 documents per day.", Code.DOWNLOAD_LIMIT),
    "a Swedish limit": ("Du kan hämta högst 5 fakturor per dygn.", Code.DOWNLOAD_LIMIT),
    "a German limit": ("Sie können maximal 10 Dateien pro Tag laden.", Code.DOWNLOAD_LIMIT),
    "a French limit": ("Limite de téléchargements atteinte.", Code.DOWNLOAD_LIMIT),
    "another login": ("Someone has logged into the system.", Code.SESSION_LOST),
    "an ended session": ("Din session har gått ut.", Code.SESSION_LOST),
    "a Spanish login": ("Su sesión ha caducado.", Code.SESSION_LOST),
    "a login form": ("<form><input type=password></form>", Code.SESSION_LOST),
    "too many requests": ("Too many requests. Try again later.", Code.RATE_LIMITED),
}


PDF_LINK = "<a href=/site/x/{n}>PDF</a>"
PDF_BUTTON = "<button onclick=\"location='/site/x/{n}'\">PDF</button>"
TO_REASONS = [(PDF_LINK, kind) for kind in REASONS] + [
    (PDF_BUTTON, "a limit"), (PDF_BUTTON, "a login form"),
]  # fmt: skip


def be_refused(visitor: Visitor, way: tuple[str, str]) -> AttemptReport:
    doc, (row, kind) = with_documents(visitor.pages), way
    text, _code = REASONS[kind]
    doc.portal(table(row))
    doc.reply(f"GET /x/{NUMBERS[0]}", attached("first"))
    doc.reply(f"GET /x/{NUMBERS[1]}", page(f"<a>Bills</a><p>{text}</p>"))
    return visitor.visit(QUICK)


@pytest.mark.parametrize("way", TO_REASONS)
def test_a_page_in_place_of_a_document_ends_the_attempt_with_its_reason(
    together: Together, way: tuple[str, str]
) -> None:
    report, code = together(be_refused, TO_REASONS)[way].report, REASONS[way[1]][1]
    assert (report.code, report.stage) == (code, Stage.DOWNLOAD), report.error
    assert f"bill {NUMBERS[1]}" in report.error  # what is missing is named
    assert texts(report) == {NUMBERS[0]: "first"}
    report.discard()


def test_a_pages_title_is_shown_and_cut(doc: Pages, visitor: Visitor) -> None:
    doc.portal(table("<a href=/site/x/{n}>PDF</a>"))
    numbered(doc, lambda _: page(f"<title>Oops {'x' * 300}</title>"), "x")
    report = visitor.visit(IN_VAIN)
    assert report.code is Code.DOWNLOAD_BAD
    assert "A page" in report.error
    assert len(report.error) < 400


def test_rows_of_terms_and_price_lists_are_no_bills(doc: Pages, visitor: Visitor) -> None:
    rows = [bill_row(n, f"<a href=/site/doc/{n}>PDF</a>") for n in NUMBERS]
    rows.append(bill_row("2026-01", "<a href=/site/t.pdf>Allmänna villkor (PDF)</a>"))
    doc.portal(bill_table(*rows))
    report = visitor.visit(QUICK)
    assert texts(report) == both(), report.error
    assert len(report.notes) == 1
    assert "GET /site/t.pdf" not in doc.asked
    report.discard()


def test_terms_alone_do_not_prove_that_there_are_no_bills(doc: Pages, visitor: Visitor) -> None:
    doc.portal(bill_table(bill_row("2026-01", "<a href=/site/t.pdf>Terms of service</a>")))
    assert visitor.visit(QUICK).code is Code.UNRECOGNISED_PAGE


# With a recipe

STEPS: dict[str, Any] = {
    "open": [
        {"click": {"role": "button", "name": "…"}},
        {"click": {"text": "Papers"}},
    ],
    "document": {"text": "The one of {n}"},
}


def test_a_recipes_steps_lead_to_each_bills_document(doc: Pages, visitor: Visitor) -> None:
    doc.portal(
        table("<button onclick=\"now='{n}';d.hidden=false\">…</button>")
        + "<div id=d hidden><button onclick='p.hidden=false'>Papers</button>"
        "<p id=p hidden><a href=/site/other>Other.pdf</a>"
        "<button id=one onclick=\"location='/site/doc/'+now\">The one</button></p>"
        "<button onclick='d.hidden=p.hidden=true'>Away</button></div><script>var now</script>"
    )
    bills = {
        "rows": "tbody tr",
        "open": STEPS["open"],
        "document": {"selector": "#one"},
        "close": [{"click": {"text": "Away"}}],
    }
    report = visitor.visit({**QUICK, "bills": bills})
    assert report.code is None, (report.error, report.notes)
    assert texts(report) == both()
    report.discard()


def test_a_step_may_name_the_bill(doc: Pages, visitor: Visitor) -> None:
    doc.portal(table("") + "<input id=q aria-label=Number><button onclick="
               "\"location='/site/doc/'+q.value\">Get</button>")  # fmt: skip
    steps = [{"fill": {"label": "Number"}, "value": "{number}"}, {"click": {"text": "Get"}}]
    bills = {"rows": "tbody tr", "open": steps}
    report = visitor.visit({**QUICK, "bills": bills})
    assert texts(report) == both(), report.error
    report.discard()


def test_a_recipe_has_a_page_printed_that_nothing_else_marks(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal(table("<a href=/site/inv/{n}>View</a>"))
    numbered(pages, detail("<p>To pay</p>"), "inv")
    assert visitor.visit(IN_VAIN).code is Code.DOWNLOAD_BAD
    report = visitor.visit({**QUICK, "bills": {"print": True}})
    assert report.code is None, report.error
    assert all(bill.is_printed for bill in report.bills)
    report.discard()


def test_a_column_of_the_csv_opens_a_locked_file(doc: Pages, visitor: Visitor) -> None:
    from tests.bills.browser.test_document_files import locked

    doc.portal(table("<a href=/site/locked/{n}>PDF</a>"))
    numbered(doc, lambda n: Reply(200, locked("1970", plain_pdf(n)), "application/pdf"), "locked")
    assert visitor.visit(QUICK).code is Code.DOCUMENT_PASSWORD
    login = Login(EMAIL, CANARY, extra={"born": "1970"})
    report = visitor.visit({**QUICK, "bills": {"file_password": "{born}"}}, login)
    assert report.code is None, report.error
    assert len(report.bills) == 2
    unknown = visitor.visit({**QUICK, "bills": {"file_password": "{birth}"}}, login)
    assert "Known: born, email" in unknown.error
    report.discard()
