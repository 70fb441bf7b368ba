"""What is kept of a failed attempt: screenshot, page and trace, none with a secret in it.

The log of a trace holds what opens a session: `without_cookies` takes that out, too.
"""

from __future__ import annotations

import asyncio
import json
import re
import zipfile
from html import escape, unescape
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error as PlaywrightError

from bills.browser.report import Evidence
from bills.browser.screenshots import picture
from imports.http.redaction import HIDDEN, scrub, scrub_bytes, scrub_cut, storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator
    from pathlib import Path

    from bills.browser.visit import Visit


T = TypeVar("T")
LONGEST_HTML = 500_000  # characters
PIECE_SECONDS = 3.0  # for each piece: a page that hangs must not hold the attempt
LONGEST_SCHEME = 200  # characters of an address in which its scheme must stand
TAG = re.compile(r"(?P<other><!--|<[!?])|<(?P<closes>/?)(?P<name>[a-zA-Z][^\s/>]*)")
# A quoted value that nothing closes makes the whole attribute no match: nothing is tried twice.
ATTRIBUTE = re.compile(
    r"""[\s/]*(?P<name>[^\s=>/"'<]*)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>"'][^\s>]*)|(?!\s*=))"""
)
SMALL = {ord(letter): letter.lower() for letter in ascii_uppercase}  # of the same length
DROPPED_ELEMENTS = {
    "script", "style", "noscript", "template", "object", "embed", "textarea", "xmp", "noembed",
    "noframes", "plaintext",
}  # fmt: skip
VOID_ELEMENTS = {
    "br",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
    "col",
    "area",
    "base",
}
DROPPED_ATTRIBUTES = {"value", "srcdoc", "style", "nonce", "integrity"}
# The page's own text of itself, and that of its frames: cut, whatever its size.
HTML = "most => document.documentElement ? document.documentElement.outerHTML.slice(0, most) : ''"
LONGEST_RAW = 1_000_000  # characters of a page that are read: scripts and styles are left out
MOST_FRAMES = 5
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"wOF2", b"wOFF", b"RIFF")


OPENS_A_SESSION = ("cookie", "set-cookie", "authorization")


async def gather(visit: Visit, folder: Path) -> Evidence:
    """All the evidence that can still be had. Each piece has its own time limit."""
    secrets = await _in_time(visit.all_secrets(), visit.secrets)
    notes = []
    trace, trace_note = await _in_time(
        _trace(visit, folder, secrets), (None, "The trace was lost.")
    )
    html = await _in_time(_pages_of(visit), "")
    shot, shot_note = await picture(visit.page, visit.secrets)
    notes += [note for note in (trace_note, shot_note) if note]
    if not html:
        notes.append("The page could not be read.")
    clean = await asyncio.to_thread(_clean_page, html, secrets)
    return Evidence(
        screenshot=shot,
        html=clean,
        trace=trace,
        url=storable(scrub(visit.page.url, secrets)),
        note=" ".join(notes),
    )


async def _pages_of(visit: Visit) -> str:
    """The page, and behind it what stands in its frames and what its dialogs said."""
    html: str = await visit.page.evaluate(HTML, LONGEST_RAW)
    for frame in visit.page.frames[1 : MOST_FRAMES + 1]:
        if frame.url.startswith("http") and len(html) < LONGEST_RAW:
            inner: str = await frame.evaluate(HTML, LONGEST_RAW)
            html += f"<hr><p>A frame of {escape(frame.url)}:</p>{inner}"
    said = [f"<p>A dialog ({one.kind}) said: {escape(one.text)}</p>" for one in visit.dialogs]
    return "".join([html, *(["<hr>"] if said else []), *said])


def _clean_page(html: str, secrets: tuple[str, ...]) -> str:
    return storable(scrub_cut(stripped(html), secrets, LONGEST_HTML))


async def start_trace(visit: Visit) -> None:
    """To be called once the password has been typed: a trace records all that is typed."""
    if visit.plan.keep_trace:
        await visit.context.tracing.start(snapshots=True, screenshots=False, sources=False)
        visit.tracing = True


async def _trace(visit: Visit, folder: Path, secrets: tuple[str, ...]) -> tuple[Path | None, str]:
    if not visit.tracing:
        return None, ""
    visit.tracing = False
    if visit.trace_spoilt:
        await visit.context.tracing.stop()
        return None, "The trace was not kept: the password was typed while it ran."
    raw, clean = folder / "trace.raw", folder / "trace.zip"
    await visit.context.tracing.stop(path=raw)
    try:
        await asyncio.to_thread(scrub_zip, raw, clean, secrets)
    finally:
        raw.unlink(missing_ok=True)
    return clean, ""


async def _in_time(work: Awaitable[T], otherwise: T) -> T:
    """The result, or `otherwise` where the page is too slow or too broken to give it."""
    try:
        async with asyncio.timeout(PIECE_SECONDS):
            return await work
    except (TimeoutError, PlaywrightError, OSError):
        return otherwise


def is_harmless(name: str, value: str | None) -> bool:
    """Whether an attribute may be kept: no handler, no box's content, no script or data in it."""
    if name.startswith("on") or name in DROPPED_ATTRIBUTES:
        return False
    plain = re.sub(r"[\x00-\x20]", "", unescape((value or "")[:LONGEST_SCHEME]))
    return not re.match(r"(javascript|data|vbscript):", plain, re.IGNORECASE)


def stripped(html: str) -> str:
    """The page as a document that does nothing: to be read, not run.

    Reads every character once, whatever stands there: the library's own parser does not.
    """
    return "".join(("<!doctype html>\n", *_harmless_parts(html))) if html else ""


def _harmless_parts(html: str) -> Iterator[str]:
    small, at = html.translate(SMALL), 0
    while True:
        found = TAG.search(html, at)
        if found is None:
            yield _as_text(html[at:])
            return
        yield _as_text(html[at : found.start()])
        if found["other"]:  # a comment, a doctype, an instruction
            closing = "-->" if found["other"] == "<!--" else ">"
            at = _behind(small, closing, found.end())
        elif found["closes"]:
            name, at = found["name"].lower(), _behind(small, ">", found.end())
            if name not in VOID_ELEMENTS | DROPPED_ELEMENTS:
                yield f"</{name}>"
        else:
            name = found["name"].lower()
            attributes, at = _attributes(html, found.end())
            if name in DROPPED_ELEMENTS:
                at = _behind(small, f"</{name}", at) if name not in VOID_ELEMENTS else at
                at = _behind(small, ">", at)
            elif not does_something(name, attributes):
                yield f"<{name}{_as_attributes(attributes)}>"


def _behind(html: str, what: str, at: int) -> int:
    """The place behind the next `what`; the end where there is none: the rest is dropped."""
    found = html.find(what, at)
    return len(html) if found < 0 else found + len(what)


def _attributes(html: str, at: int) -> tuple[list[tuple[str, str]], int]:
    """A tag's attributes, and the place behind the tag."""
    found: list[tuple[str, str]] = []
    while at < len(html) and html[at] != ">":
        one = ATTRIBUTE.match(html, at)
        if one is None:
            return found, len(html)  # a quote that nothing closes: the page was cut off there
        if one["name"]:
            found.append((one["name"].lower(), (one["value"] or "").strip("\"'")))
        at = max(one.end(), at + 1)
    return found, min(at + 1, len(html))


def _as_attributes(attributes: list[tuple[str, str]]) -> str:
    kept = [(name, value) for name, value in attributes if is_harmless(name, value)]
    return "".join(
        f' {name}="{_as_text(value).replace(chr(34), "&quot;")}"' for name, value in kept
    )


def _as_text(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def does_something(name: str, attributes: list[tuple[str, str]]) -> bool:
    """Whether an empty element would act: a base for links, or another page after a while."""
    return name == "base" or (name == "meta" and ("http-equiv", "refresh") in attributes)


def without_cookies(content: bytes) -> bytes:
    """The lines of a trace's network log without what opens a session."""
    lines = [_line_without_cookies(line) for line in content.splitlines(keepends=True)]
    return b"".join(lines)


def _line_without_cookies(line: bytes) -> bytes:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return json.dumps(_hidden(entry)).encode() + b"\n"


def _hidden(part: Any) -> Any:
    if isinstance(part, list):
        return [_hidden(each) for each in part]
    if not isinstance(part, dict):
        return part
    if str(part.get("name", "")).lower() in OPENS_A_SESSION and "value" in part:
        return part | {"value": HIDDEN}
    return {name: [] if name == "cookies" else _hidden(value) for name, value in part.items()}


def scrub_zip(source: Path, target: Path, secrets: Iterable[str]) -> None:
    """Copy a zip with every member scrubbed, names too. Pictures are copied as they are."""
    wanted = tuple(secrets)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".network"):
                content = without_cookies(content)
            if not content.startswith(PICTURES):
                content = scrub_bytes(content, wanted)
            new.writestr(scrub(name, wanted), content)
