"""Lists of bills of many kinds, for the tests: each document is its own, by its address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from config.dev.sandbox.http_server import Reply
from config.dev.sandbox.portal_pages import plain_pdf
from tests.bills.browsing import LOG_OUT, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request
    from tests.bills.browsing import Pages

FEW_SECONDS = {"login": {"answer_seconds": 2.5}}
HEADS = "<thead><tr><th>Invoice number<th>Date<th>Amount<th></tr></thead>"

# Shows the bills of a year, a little later.
OF_YEAR = """const of = {{of}};
function show(year) { setTimeout(() => { list.innerHTML = of[year] }, 300) }"""


def document(address: str) -> Reply:
    """A PDF that says which document it is."""
    return Reply(
        200, plain_pdf(address), "application/pdf", [("Content-Disposition", "attachment")]
    )


class Lists:
    """A portal at /site whose every /doc/… is a document; `show` gives it a list."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.fetched: list[str] = []
        plain = pages.handle

        def handle(request: Request) -> Reply:
            if request.path.startswith("/site/doc/"):
                self.fetched.append(request.path.removeprefix("/site/doc/"))
                pages.asked.append(f"{request.method} {request.path}")
                return document(request.path)
            return plain(request)

        pages.handle = handle  # type: ignore[method-assign]

    def show(self, body: str, lang: str = "en") -> None:
        self.pages.portal("")
        self.answer("/bills", lambda _: whole(body, lang))

    def answer(self, path: str, give: Callable[[dict[str, str]], Reply | str]) -> None:
        """Let GET on this path give what the function makes of the query."""

        def reply(request: Request) -> Reply:
            given = give(request.query)
            return given if isinstance(given, Reply) else page(given)

        self.pages.answers[f"GET /site{path}"] = reply


def whole(body: str, lang: str = "en") -> Reply:
    text = f"<!doctype html><html lang={lang}><meta charset=utf-8><title>Bills</title>"
    return Reply(200, (text + LOG_OUT + body).encode(), "text/html; charset=utf-8")


def link(name: object, text: str = "PDF") -> str:
    return f"<a href='/site/doc/{name}'>{text}</a>"


def table_row(number: object, day: str = "2026-10-01", amount: str = "$ 10.00") -> str:
    cells = f"<td>{number}<td>{day}<td>{amount}<td>{link(number)}"
    return f"<tr>{cells}</tr>"


def table(rows: str, identifier: str = "list") -> str:
    return f"<table>{HEADS}<tbody id={identifier}>{rows}</tbody></table>"


def rows(first: int, last: int) -> str:
    """INV-first to INV-last, one a month back from November 2026."""
    months = [(2026 - (n + 1) // 12, 12 - (n + 1) % 12) for n in range(first, last + 1)]
    return "".join(
        table_row(f"INV-{n}", f"{year}-{month:02}-03", f"$ {10 + n}.00")
        for n, (year, month) in zip(range(first, last + 1), months, strict=True)
    )


def years() -> dict[str, str]:
    return {
        year: "".join(table_row(f"{year}-{m}", f"{year}-{m:02}-03", f"$ {m}0.00") for m in months)
        for year, months in (("2026", (10, 9)), ("2025", (12, 11, 10)), ("2024", (3,)))
    }


def names(first: int, last: int) -> list[str]:
    return [f"INV-{n}" for n in range(first, last + 1)]


def numbers(report: AttemptReport) -> list[str]:
    assert report.code is None, report.error
    assert report.rows.missing == 0
    return [bill.number for bill in report.bills]


def documents(report: AttemptReport) -> list[str]:
    """The names of the documents that were kept, sorted."""
    assert report.code is None, report.error
    return sorted(bill.document.removeprefix("/site/doc/") for bill in report.bills)


def script(code: str, **values: Any) -> str:
    """A script in which each {{name}} is a value in JSON."""
    for name, value in values.items():
        code = code.replace("{{" + name + "}}", json.dumps(value))
    return f"<script>{code}</script>"
