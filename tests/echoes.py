"""A world that says everything back: an API, its token URL, a portal and a mail server.

Whatever is sent there stands in the answer: in headers, in errors, in pages, in addresses. What
of that is kept or shown must have gone through a scrubber.
"""

from __future__ import annotations

import base64
import json
import re
import socketserver
import threading
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from config.dev.sandbox.http_server import Reply
from config.dev.sandbox.portal_pages import plain_pdf
from tests.canaries import key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.dev.sandbox.http_server import Request

CODE = """<h1>One more step</h1><p>Enter the verification code that we have sent.</p>
<form method="post" action="/echo/code"><label>Code
<input name="code" autocomplete="one-time-code"></label><button>Verify</button></form>"""
PDF = plain_pdf("A bill")
REPEATED = 40  # so often that whatever is cut off, it is cut in the middle of a secret
LONGEST_HEADER = 2_000  # characters, before they are quoted
LOGIN = """<h1>Log in</h1><form method="post" action="/echo/login">
<label>E-mail <input name="email"></label>
<label>Password <input name="password" type="password"></label><button>Log in</button></form>"""


class Echo:
    """The site at /echo. The customer API is at /echo/customers/STATUS."""

    prefix = "/echo"

    def handle(self, request: Request) -> Reply:
        """One request's answer. Called from many threads at once."""
        place = request.path.removeprefix("/echo/").split("/")
        match place[0]:
            case "customers":
                return customers(request, int(place[1]))
            case "token":
                return token(request, is_refused=place[1:] == ["refused"])
            case "login":
                return login(request)
            case "code":
                return code(request)
            case "bill.pdf":
                return pdf(request)
        return html(bills(request))


def said(request: Request) -> str:
    """All that a request said, over and over, at a different place each time."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    basic = request.headers.get("authorization", "").removeprefix("Basic ")
    lines = [*(f"{name}: {value}" for name, value in request.headers.items())]
    lines += [*form.values(), request.body.decode("utf-8", "replace"), str(request.query)]
    lines += [_decoded(basic)]
    return "".join("." * n + " ".join(lines) for n in range(REPEATED))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""


def customers(request: Request, status: int) -> Reply:
    """The answer to a batch, as the GK API words it."""
    summary: Any = {"title": said(request), "detail": said(request)}
    if status < 300:
        sent = json.loads(request.body)["data"]
        summary = {"data": [{**each, "result": said(request)} for each in sent]}
    quoted = quote(said(request)[:LONGEST_HEADER])
    back = [("X-Echo", quoted), ("Location", f"/elsewhere?{quoted}")]
    return Reply(status, msgspec.json.encode(summary), headers=back if status >= 300 else back[:1])


def token(request: Request, *, is_refused: bool) -> Reply:
    """An access token that is a secret itself; or a refusal that quotes the credential."""
    summary = {"access_token": key("access-token"), "expires_in": 3600, "scope": said(request)}
    if is_refused:
        summary = {"error": "invalid_client", "error_description": said(request)}
    return Reply(400 if is_refused else 200, json.dumps(summary).encode())


def login(request: Request) -> Reply:
    """good@… and broken@… get in; the e-mail of others says what the page shows.

    code@… is asked for a code, and every code is wrong.
    """
    if request.method == "GET":
        return html(LOGIN)
    form = dict(parse_qsl(request.body.decode("ascii", "replace")))
    who, secret = form.get("email", "").partition("@")[0], form.get("password", "")
    if who == "code":
        session = ("Set-Cookie", f"{who}={quote(secret)}; Path=/; Max-Age=86400")
        return Reply(303, headers=[("Location", "/echo/code"), session])
    if who in ("good", "broken"):
        session = ("Set-Cookie", f"{who}={quote(secret)}; Path=/")
        return Reply(303, headers=[("Location", f"/echo/bills?p={quote(secret)}"), session])
    sentence = "Wrong e-mail or password" if who == "refused" else "Tell us what you think"
    hidden = f'<input type="hidden" name="again" value="{escape(secret)}"><!-- {secret} -->'
    page = f'<h1>{sentence}</h1><p role="alert">{sentence}: {escape(secret)}</p>{hidden}'
    return html(f'{page}<a href="/echo/login?p={quote(secret)}">{escape(secret)}</a>', secret)


def code(request: Request) -> Reply:
    if request.method == "GET":
        return html(CODE)
    return html(f"<p>Wrong code. Try again. {escape(said(request))}</p>{CODE}")


def bills(request: Request) -> str:
    """One bill, whose link quotes the password: a PDF, or for broken@… a page about it."""
    secret = unquote(next(iter(request.cookies.values()), ""))
    link = f'<a href="/echo/bill.pdf?p={quote(secret)}">Download</a>'
    row = f"<tr><td>1001</td><td>2026-10-01</td><td>100,00 kr</td><td>{link}</td></tr>"
    heads = "".join(f"<th>{name}</th>" for name in ("Bill number", "Date", "Amount", "PDF"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{row}</tbody></table>"
    return f"<button>Log out</button><p>Hello {escape(secret)}</p>{table}"


def pdf(request: Request) -> Reply:
    if "broken" in request.cookies:
        return html(f"<h1>Session expired</h1>{escape(said(request))}")
    named = quote(request.query.get("p", ""))
    disposition = ("Content-Disposition", f"attachment; filename*=UTF-8''{named}.pdf")
    return Reply(200, PDF, "application/pdf", [disposition])


def html(body: str, title: str = "A page") -> Reply:
    text = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title>{body}"
    return Reply(200, text.encode(), "text/html; charset=utf-8")


class _Mail(socketserver.StreamRequestHandler):
    """A mail server that refuses every login, and says why in the client's own words."""

    def handle(self) -> None:
        self.wfile.write(b"220 echo\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-echo\r\n250 AUTH PLAIN LOGIN\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                coded = re.sub(rb"^AUTH \w+ ", b"", line.strip())
                plain = _decoded(coded.decode()).replace("\0", " ").encode()
                self.wfile.write(b"535 refused: " + coded + b" " + plain + b"\r\n")


@contextmanager
def mail_server() -> Iterator[int]:
    """Its port, while the block runs."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
