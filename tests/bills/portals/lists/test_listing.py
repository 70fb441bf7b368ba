"""Lists whose markup is odd: in shadow roots, drawn anew, drawn bit by bit, with odd links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bills.browsing import LOG_OUT, bill_row, bill_table, pdf

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

LINK = "<a href='/site/1.pdf'>PDF</a>"
SHADOW = """<script>customElements.define("x-part", class extends HTMLElement {
  constructor() { super(); this.attachShadow({mode: "open"}).innerHTML = `%s`; }
});</script>"""


def numbers(report: AttemptReport) -> list[str]:
    assert report.code is None, report.error
    return [bill.number for bill in report.bills]


@pytest.mark.parametrize(
    ("button", "recipe"),
    [
        ("<a href='/site/more'><b>Next</b></a>", {}),
        ("<a href='/site/more'><style>b {}</style>Next</a>", {}),
        ("<a href='/site/more' rel=next style='display:contents'><b>More</b></a>", {}),
        ("<a href='/site/home'>Home <b>»</b></a><a href='/site/more'>Next</a>", {}),
        ("<a href='/site/more'>More</a>", {"next": {"selector": ":is(a:has-text('More'), i)"}}),
        (
            "<x-part></x-part>" + SHADOW % "<a href='/site/more'>More</a>",
            {"next": {"selector": "x-part a"}},
        ),
    ],
)
def test_the_next_page_is_found_however_it_is_written(
    pages: Pages, visitor: Visitor, button: str, recipe: dict[str, object]
) -> None:
    pages.portal(bill_table(bill_row("F1", LINK)) + button)
    pages.show("/more", LOG_OUT + bill_table(bill_row("F2", LINK.replace("1", "2"))))
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", pdf())
    assert numbers(visitor.visit({"bills": recipe})) == ["F1", "F2"]


@pytest.mark.parametrize(
    "link",
    [
        "<x-part></x-part>" + SHADOW % LINK,  # one of a component's own
        "<a href='/site/terms.pdf'></a>" + LINK,  # the first of them has no size
    ],
)
def test_a_rows_link_is_the_one_that_is_seen(pages: Pages, visitor: Visitor, link: str) -> None:
    pages.portal(bill_table(bill_row("F1", link)))
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", pdf())
    assert numbers(visitor.visit()) == ["F1"]
    assert "GET /site/terms.pdf" not in pages.asked


def test_a_list_that_is_drawn_anew_all_the_time_is_pressed_all_the_same(
    pages: Pages, visitor: Visitor
) -> None:
    """Each time that we put marks on its rows, the list is drawn without them."""
    button = """<button onclick="location = '/site/1.pdf'">PDF</button>"""
    table = bill_table(bill_row("F1", button))
    pages.portal(
        f"""<div id=list></div><script>
    const draw = () => {{ list.innerHTML = `{table}`; }};
    new MutationObserver(draw).observe(list, {{attributes: true, subtree: true}});
    draw();</script>"""
    )
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", pdf())
    assert numbers(visitor.visit()) == ["F1"]


def test_rows_that_come_one_by_one_are_all_waited_for(pages: Pages, visitor: Visitor) -> None:
    """The next one always comes a moment after we have looked."""
    row = bill_row("F${number}", "<a href='/site/1.pdf?n=${number}'>PDF</a>")
    pages.portal(
        bill_table().replace("<tbody>", "<tbody id=list>")
        + f"""<script>let number = 0;
    const add = () => {{ number += 1; list.insertAdjacentHTML("beforeend", `{row}`); }};
    const later = () => {{ if (number < 4) setTimeout(add, 15); }};
    new MutationObserver(later).observe(list, {{attributes: true, subtree: true}});
    add();</script>"""
    )
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", pdf())
    assert numbers(visitor.visit()) == ["F1", "F2", "F3", "F4"]
