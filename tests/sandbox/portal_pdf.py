"""Small PDF files written by hand, the same bytes for the same bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sandbox.portal_bills import Bill

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
