"""No picture shows the password, wherever a page has put it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, LOGIN_PAGE

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

STAYS = LOGIN_PAGE.replace("<form", "<form onsubmit='event.preventDefault(); shown()'")
SHOWN = "<script>const box = document.querySelector('[type=password]'); function shown() { %s }"
SHOWN += "</script>"
GREEN = "background: rgb(0, 255, 0); color: rgb(255, 0, 0); font: 60px monospace"
# Where the password goes once the form is sent: %s is the page's own script.
HELD = {
    "revealed": "box.type = 'text'; box.name = 'x'; box.id = ''",
    "revealed again": "box.type = 'text'; setInterval(() => box.value = box.value || kept, 5);"
    " const kept = box.value",
    "in a placeholder": "const b = document.createElement('input'); b.placeholder = box.value;"
    " document.body.append(b)",
    "in another box": "const b = document.createElement('textarea'); b.value = box.value;"
    " document.body.append(b)",
    "letter by letter": "for (const one of box.value) { const d = document.createElement('div');"
    " d.textContent = one; document.body.append(d); }",
    "in a shadow tree": "const d = document.createElement('div'); document.body.append(d);"
    " d.attachShadow({mode: 'open'}).innerHTML = '<p></p>';"
    " d.shadowRoot.firstChild.textContent = box.value",
    "in a closed shadow tree": "const d = document.createElement('div'); document.body.append(d);"
    " const root = d.attachShadow({mode: 'closed'}); root.innerHTML = '<p></p>';"
    " root.firstChild.textContent = box.value",
    "in a frame": "const f = document.createElement('iframe'); document.body.append(f);"
    " f.contentDocument.body.textContent = box.value",
    "in generated text": "const s = document.createElement('style'); document.body.append(s);"
    " s.textContent = `h1::after { content: ${JSON.stringify(box.value)} }`",
    "turned": "const d = document.createElement('div'); d.textContent = box.value;"
    " d.style.transform = 'rotate(40deg)'; document.body.append(d)",
}
DRAWN = """const c = document.createElement('canvas'); c.width = 600; c.height = 100;
const pen = c.getContext('2d'); pen.fillStyle = 'rgb(0, 255, 0)'; pen.fillRect(0, 0, 600, 100);
pen.fillText(box.value, 9, 50); document.body.append(c)"""


def failed(pages: Pages, visitor: Visitor, script: str) -> AttemptReport:
    """An attempt whose page stays where it is, and does this with the password."""
    pages.show("/login", STAYS + SHOWN % script)
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code in {Code.UNRECOGNISED_PAGE, Code.LOGIN_FAILED}, report.error
    assert report.evidence is not None
    assert "canary" not in report.evidence.html
    return report


def colours(png: bytes) -> set[tuple[int, int, int]]:
    """The colours of a picture, read without a library: RGB or RGBA, eight bits, no interlace."""
    at, data, width, depth = 8, b"", 0, 3
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, _, _, colour = struct.unpack(">IIBB", body[:10])
            depth = 4 if colour == 6 else 3
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, row, found = zlib.decompress(data), bytearray(width * depth), set()
    for start in range(0, len(raw), width * depth + 1):
        row = unfiltered(
            raw[start], bytearray(raw[start + 1 : start + 1 + width * depth]), row, depth
        )
        found |= {(row[x], row[x + 1], row[x + 2]) for x in range(0, len(row), depth)}
    return found


def unfiltered(kind: int, line: bytearray, above: bytearray, depth: int) -> bytearray:
    """One line of a PNG without its filter."""
    for x in range(len(line)):
        left = line[x - depth] if x >= depth else 0
        corner = above[x - depth] if x >= depth else 0
        up = above[x]
        guess = left + up - corner
        nearest = min((abs(guess - left), 0), (abs(guess - up), 1), (abs(guess - corner), 2))[1]
        added = (0, left, up, (left + up) // 2, (left, up, corner)[nearest])[kind]
        line[x] = (line[x] + added) & 255
    return line


@pytest.mark.parametrize("script", HELD.values(), ids=HELD.keys())
def test_a_page_that_holds_the_password_is_emptied_or_not_photographed(
    pages: Pages, visitor: Visitor, script: str
) -> None:
    report = failed(pages, visitor, script)
    evidence = report.evidence
    assert evidence is not None
    if script not in (HELD["revealed"], HELD["in another box"]):
        assert evidence.screenshot is None
        assert "the page shows the password" in evidence.note


def test_a_revealed_box_is_empty_in_the_picture(pages: Pages, visitor: Visitor) -> None:
    style = f"box.type = 'text'; box.name = 'x'; box.style = '{GREEN}'"
    report = failed(pages, visitor, style)
    assert report.evidence is not None
    assert report.evidence.screenshot is not None
    found = colours(report.evidence.screenshot)
    assert (0, 255, 0) in found  # the box itself
    assert not any(red > 128 > green for red, green, blue in found if blue < 100)  # its letters


def test_what_cannot_be_read_is_covered(pages: Pages, visitor: Visitor) -> None:
    report = failed(pages, visitor, DRAWN)
    assert report.evidence is not None
    assert report.evidence.screenshot is not None
    assert (0, 255, 0) not in colours(report.evidence.screenshot)


def test_an_ordinary_failure_has_its_picture(pages: Pages, visitor: Visitor) -> None:
    report = failed(pages, visitor, "")
    assert report.evidence is not None
    assert report.evidence.screenshot is not None


def test_pictures_of_every_stage_are_taken_before_the_password_is_typed(
    pages: Pages, visitor: Visitor
) -> None:
    shows = LOGIN_PAGE + "<script>document.querySelector('[type=password]').oninput = event => {"
    shows += f"event.target.type = 'text'; event.target.style = '{GREEN}' }}</script>"
    pages.portal("<p>You have no bills yet.</p>", shows)
    pages.reply("POST /login", Reply(303, headers=[("Location", "/site/bills")]))
    report = visitor.visit(picture_each_stage=True)
    assert report.code is None, report.error
    assert [stage for stage, _ in report.pictures] == ["open", "login", "judge", "list"]
    for _, picture in report.pictures:
        assert (0, 255, 0) not in colours(picture)
    assert pages.passwords == [CANARY]
