"""The sandbox portal's pages and PDFs. Whatever came from outside is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from config.dev.sandbox.portal_accounts import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.dev.sandbox.portal_accounts import Bill, Session

COMPANY = "Norrsken Energi"

CSS = """
:root { color-scheme: light; --ink: #16302b; --green: #0b6e4f; --line: #d5dfda; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: #f3f7f5; }
header { display: flex; gap: 1.5rem; align-items: center; padding: .8rem 2rem; color: #fff;
  background: var(--green); }
header strong { font-size: 1.15rem; margin-right: auto; }
header button { background: #fff; color: var(--green); }
main { max-width: 64rem; margin: 2rem auto; padding: 1.5rem 2rem; background: #fff;
  border: 1px solid var(--line); border-radius: .6rem; }
main.narrow { max-width: 26rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input:not([type=checkbox]) { width: 100%; padding: .55rem; font: inherit;
  border: 1px solid #7b8f87; border-radius: .35rem; }
button, a.button { display: inline-block; padding: .45rem 1rem; font: inherit; cursor: pointer;
  border: 0; border-radius: .35rem; color: #fff; background: var(--green);
  text-decoration: none; }
main.narrow form button { margin-top: 1.2rem; width: 100%; }
:focus-visible { outline: 3px solid #f2a900; outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem; text-align: left; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
td.amount, th.amount { text-align: right; }
.alert { padding: .7rem 1rem; border-left: 4px solid #b3261e; background: #fdecea; }
.cover { position: fixed; inset: 0; display: grid; place-items: center; z-index: 9;
  background: rgb(0 0 0 / .6); }
.cover > div { max-width: 26rem; padding: 1.5rem; border-radius: .6rem; background: #fff; }
"""

BANNER = """
<div class="cover" id="cookies" role="dialog" aria-modal="true" aria-labelledby="cookies-title">
<div><h2 id="cookies-title">We value your privacy</h2>
<p>We use cookies to keep you logged in and to count our visitors.</p>
<button type="button" id="accept">Accept all cookies</button></div></div>
<script>
document.getElementById("accept").addEventListener("click", () => {
  document.cookie = "portal_cookies=accepted; path=/portal; samesite=lax";
  document.getElementById("cookies").remove();
});
</script>
"""

POPUP_SCRIPT = """<script>
for (const link of document.querySelectorAll("a[data-popup]"))
  link.addEventListener("click", (event) => {
    event.preventDefault();
    window.open(link.dataset.popup, "bill", "width=700,height=900");
  });
</script>"""

BLOB_SCRIPT = """<script>
for (const link of document.querySelectorAll("a[data-blob]"))
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await fetch(link.dataset.blob);
    const saved = document.createElement("a");
    saved.href = URL.createObjectURL(await answer.blob());
    saved.download = link.dataset.name;
    saved.click();
  });
</script>"""

# Laying out some 3,000 boxes inside one another overflows the renderer's stack: a true crash of
# the tab, without eating memory. chrome://crash is closed to pages.
CRASH_SCRIPT = """<script>
addEventListener("load", () => {
  const outermost = document.createElement("div");
  let box = outermost;
  for (let depth = 0; depth < 6000; depth += 1)
    box = box.appendChild(document.createElement("div"));
  box.textContent = "deep";
  document.body.append(outermost);
});
</script>"""

SCRIPTS = {Scenario.POPUP: POPUP_SCRIPT, Scenario.BLOB: BLOB_SCRIPT, Scenario.CRASH: CRASH_SCRIPT}


def page(title: str, body: str, *, top: str = "", narrow: bool = True) -> bytes:
    """A whole document; `title` is its heading too."""
    kind = ' class="narrow"' if narrow else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {COMPANY}</title><style>{CSS}</style></head>\n"
        f"<body><header><strong>{COMPANY}</strong>{top}</header>\n"
        f"<main{kind}><h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    ).encode()


def message(title: str, text: str) -> bytes:
    """A page with only a message."""
    return page(title, f'<p role="alert" class="alert">{escape(text)}</p>')


def login(
    action: str = "/portal/login", message: str = "", *, form: str, banner: bool = False
) -> bytes:
    """The login form; `form` marks this showing of it."""
    alert = f'<p role="alert" class="alert">{escape(message)}</p>' if message else ""
    return page(
        "Log in",
        f"""{alert}<form method="post" action="{escape(action)}">
<input type="hidden" name="form" value="{form}">
<label for="email">E-mail</label>
<input id="email" name="email" inputmode="email" autocomplete="username">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password">
<button>Log in</button></form>{BANNER if banner else ""}""",
    )


def change_password() -> bytes:
    return page(
        "Choose a new password",
        """<p>Your password has expired. Choose a new one before you go on.</p>
<form method="post" action="/portal/change-password">
<label for="new">New password</label>
<input id="new" name="new_password" type="password" autocomplete="new-password">
<label for="again">Repeat new password</label>
<input id="again" name="again" type="password" autocomplete="new-password">
<button>Save</button></form>""",
    )


def one_time_code(message: str = "") -> bytes:
    alert = f'<p role="alert" class="alert">{escape(message)}</p>' if message else ""
    return page(
        "Enter your one-time code",
        f"""{alert}<p>We have sent a code to your phone, or your app shows one.</p>
<form method="post" action="/portal/verify"><label for="code">One-time code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code">
<label><input type="checkbox" name="remember" value="yes"> Remember this device</label>
<button>Continue</button></form>""",
    )


def phone(codes: dict[str, str]) -> bytes:
    """What the owners of the accounts read on their phones."""
    lines = "".join(f"<li>{escape(email)}: {code}</li>" for email, code in codes.items())
    return page("Codes by SMS", f"<ul>{lines}</ul>" if lines else "<p>None was sent yet.</p>")


def captcha() -> bytes:
    return page(
        "Are you a human?",
        """<form method="post" action="/portal/challenge">
<div class="g-recaptcha" data-sitekey="sandbox">
<label><input type="checkbox" name="human"> I am not a robot</label></div>
<button>Continue</button></form>""",
    )


def survey() -> bytes:
    return page(
        "Tell us what you think",
        "<p>How likely are you to recommend us to a friend?</p><p>Thank you for your time.</p>",
    )


def bills(
    session: Session, shown: Sequence[Bill], number: int, last: int, *, banner: bool
) -> bytes:
    """One page of the list: page `number` of `last`, counted from 1."""
    top = (
        f'<span id="who">{escape(session.email)}</span>'
        '<form method="post" action="/portal/logout"><button>Log out</button></form>'
    )
    body = table(session.scenario, shown) + pagination(number, last)
    script = SCRIPTS.get(session.scenario, "")
    return page("Your bills", body + script + (BANNER if banner else ""), top=top, narrow=False)


def table(scenario: Scenario, shown: Sequence[Bill]) -> str:
    if not shown:
        return "<p>You have no bills yet.</p>"
    rows = "\n".join(row(scenario, bill) for bill in shown)
    return f"""<table id="bills"><thead><tr><th scope="col">Bill number</th>
<th scope="col">Date</th><th scope="col" class="amount">Amount</th>
<th scope="col">Customer number</th><th scope="col">E-mail</th>
<th scope="col">PDF</th></tr></thead><tbody>
{rows}
</tbody></table>"""


def row(scenario: Scenario, bill: Bill) -> str:
    amount = bill.amount.replace(" ", "&nbsp;")  # as real portals do, to trip careless readers
    return (
        f'<tr class="bill"><th scope="row" class="number">{bill.number}</th>'
        f'<td class="date"><time datetime="{bill.issued_on}">{bill.issued_on}</time></td>'
        f'<td class="amount">{amount}</td><td class="customer">{bill.customer_number}</td>'
        f'<td class="email">{escape(bill.email)}</td>'
        f'<td class="pdf">{download(scenario, bill)}</td></tr>'
    )


def download(scenario: Scenario, bill: Bill) -> str:
    """The row's "Download": a link, but for "post", where it is a button."""
    url = f"/portal/bills/{bill.number}.pdf"
    match scenario:
        case Scenario.INLINE:
            return f'<a class="button" href="{url}" target="_blank">Download</a>'
        case Scenario.POPUP:
            return f'<a class="button" href="#" data-popup="{url}">Download</a>'
        case Scenario.BLOB:
            name = f"bill-{bill.number}.pdf"
            return f'<a class="button" href="#" data-blob="{url}" data-name="{name}">Download</a>'
        case Scenario.POST:
            return (
                '<form method="post" action="/portal/bills/download">'
                f'<input type="hidden" name="number" value="{bill.number}">'
                "<button>Download</button></form>"
            )
    return f'<a class="button" href="{url}">Download</a>'


def pagination(number: int, last: int) -> str:
    if last < 2:
        return ""
    links = [f"Page {number} of {last}"]
    if number > 1:
        links.insert(0, f'<a rel="prev" href="/portal/bills?page={number - 1}">Previous</a>')
    if number < last:
        links.append(f'<a rel="next" href="/portal/bills?page={number + 1}">Next</a>')
    return f'<nav aria-label="Pages"><p>{" · ".join(links)}</p></nav>'


TERMS = (
    "Payment is due 30 days after the date of this bill. Interest on late payment",
    "follows the Swedish Interest Act (1975:635). Questions about your consumption or",
    "your meter are answered by customer service on weekdays between 8 and 17.",
    "Norrsken Energi is made up, and so is everything on this page: it belongs to the",
    "sandbox of Redrive, where downloads are practised. Nobody has to pay this bill.",
)


def bill_pdf(bill: Bill) -> bytes:
    """A one-page PDF 1.4 of 1 to 3 KB. E-mail, number and amount stand in it as plain text."""
    lines = (
        "Norrsken Energi AB",
        f"Bill {bill.number}",
        f"Customer: {bill.holder}, number {bill.customer_number}",
        f"E-mail: {bill.email}",
        f"Date: {bill.issued_on.isoformat()}",
        f"To pay: {bill.amount}",
        "",
        *TERMS,
    )
    return plain_pdf(*lines)


def plain_pdf(*lines: str) -> bytes:
    """A whole PDF of one page with these lines."""
    return assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
            b" /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
            stream(page_text(lines)),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )


def page_text(lines: tuple[str, ...]) -> bytes:
    """The drawing operators that set the lines below one another in 12 point."""
    shown = [b"(" + literal(line) + b") Tj T*" for line in lines]
    return b"\n".join([b"BT /F1 12 Tf 18 TL 60 780 Td", *shown, b"ET"])


def literal(text: str) -> bytes:
    """The inside of a PDF string: backslash and parentheses escaped, WinAnsi or '?'."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return escaped.encode("cp1252", "replace")


def stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def assemble(objects: list[bytes]) -> bytes:
    """Header, numbered objects, cross-reference table and trailer (ISO 32000-1, 7.5)."""
    out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, entries)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(out))
    return out + table + trailer


def without_trailer(pdf: bytes) -> bytes:
    """The same file as a broken transfer leaves it: two thirds, and no end marker."""
    return pdf[: len(pdf) * 2 // 3]
