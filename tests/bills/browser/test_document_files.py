"""Whatever file comes for a bill: one whole PDF is made of it, or the reason is told."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader, PdfWriter

from bills.browser import document_files, downloads
from bills.browser.document_files import FileRule, settle
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.portal_pages import assemble, plain_pdf

if TYPE_CHECKING:
    from pathlib import Path

BILL, SPEC = plain_pdf("The bill"), plain_pdf("The specification")
RULE = FileRule("bill INV-11", "INV-11")


def archive(*files: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(name, content)
    return held.getvalue()


def locked(password: str, pages: bytes = BILL) -> bytes:
    """The PDF with a password that its reader must give."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pages)))
    writer.encrypt(password, algorithm="AES-256")
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def linked() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        entry = zipfile.ZipInfo("bill.pdf")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(entry, "/etc/hostname")
    return held.getvalue()


def encrypted_zip() -> bytes:
    """A ZIP whose entry is marked as encrypted, as its first flag says."""
    content = bytearray(archive(("bill.pdf", BILL)))
    content[6] |= 1
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    return bytes(content)


def pages_of(count: int, *objects: bytes) -> bytes:
    tree = b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count %d >>" % count
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *objects])


ONE_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
WHOLE: dict[str, bytes] = {
    "a PDF": BILL,
    "a PDF in gzip": gzip.compress(BILL, mtime=0),
    "a ZIP": archive(("bill.pdf", BILL)),
    "a ZIP with a folder and other files": archive(
        ("2026/", b""), ("2026/bill.pdf", BILL), ("2026/bill.xml", b"<xml/>")
    ),
    "a ZIP with its specification": archive(("spec.pdf", SPEC), ("invoice.pdf", BILL)),
    "a ZIP with its Swedish specification": archive(
        ("Fakturaspecifikation.pdf", SPEC), ("Faktura.pdf", BILL)
    ),
    "a ZIP with a reminder": archive(("Mahnung.pdf", SPEC), ("Dokument.pdf", BILL)),
    "a ZIP with the month's bills": archive(("INV_12.pdf", SPEC), ("INV_11.pdf", BILL)),
    "a ZIP with one bill twice": archive(("a/bill.pdf", BILL), ("b/bill.pdf", BILL)),
    "a ZIP with a spreadsheet": archive(("x.xlsx", archive(("a", b"b"))), ("bill.pdf", BILL)),
}
BROKEN: dict[str, tuple[bytes, Code]] = {
    "a PDF cut off": (BILL[:-20], Code.DOWNLOAD_BAD),
    "a PDF without pages": (assemble([b"<< /Type /Catalog >>"]), Code.DOWNLOAD_BAD),
    "a PDF without an end to what it draws": (
        pages_of(2, ONE_PAGE.replace(b">>", b"/Contents 9 0 R >>"), ONE_PAGE), Code.DOWNLOAD_BAD,
    ),
    "a PDF that lost a page": (pages_of(2, ONE_PAGE), Code.DOWNLOAD_BAD),
    "a PDF whose pages go in circles": (
        pages_of(2, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>", ONE_PAGE), Code.DOWNLOAD_BAD,
    ),
    "a PDF's head and end, and nothing between": (
        b"%PDF-1.4\n" + b"x" * 500 + b"\n%%EOF", Code.DOWNLOAD_BAD,
    ),
    "a PDF with a password": (locked("secret"), Code.DOCUMENT_PASSWORD),
    "a ZIP without a PDF": (archive(("a.txt", b"x")), Code.DOWNLOAD_BAD),
    "an empty ZIP": (archive(), Code.DOWNLOAD_BAD),
    "a ZIP cut off": (archive(("bill.pdf", BILL))[:-30], Code.DOWNLOAD_BAD),
    "a ZIP with two bills": (
        archive(("invoice-a.pdf", BILL), ("invoice-b.pdf", SPEC)), Code.DOCUMENT_UNCLEAR,
    ),
    "a ZIP with terms only": (archive(("Terms.pdf", SPEC)), Code.DOCUMENT_UNCLEAR),
    "a ZIP in a ZIP": (archive(("b.zip", archive(("c.pdf", BILL)))), Code.ZIP_REFUSED),
    "a ZIP that points outside": (archive(("../../bill.pdf", BILL)), Code.ZIP_REFUSED),
    "a ZIP that points to a drive": (archive(("C:\\x\\bill.pdf", BILL)), Code.ZIP_REFUSED),
    "a ZIP with a link": (linked(), Code.ZIP_REFUSED),
    "a ZIP with a password": (encrypted_zip(), Code.DOCUMENT_PASSWORD),
    "a ZIP with too many files": (
        archive(*((f"{n}.txt", b"") for n in range(document_files.MOST_ENTRIES + 1))),
        Code.ZIP_REFUSED,
    ),
    "gzip cut off": (gzip.compress(BILL, mtime=0)[:-9], Code.DOWNLOAD_BAD),
    "a page": (b"<!doctype html><title>Oops</title>", Code.DOWNLOAD_BAD),
    "a page of a lost session": (
        b"<html><p>Your session has expired.</p></html>", Code.SESSION_LOST,
    ),
    "a login form": (b"<html><form><input type=password></form></html>", Code.SESSION_LOST),
    "a page of a limit": (
        b"<html><body>Du kan bara ladda ner 10 fakturor per dag.</body></html>",
        Code.DOWNLOAD_LIMIT,
    ),
}  # fmt: skip


def settled(tmp_path: Path, content: bytes, rule: FileRule = RULE) -> bytes:
    path = tmp_path / "00001.pdf.part"
    path.write_bytes(content)
    try:
        settle(path, rule)
    finally:
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
    return path.read_bytes()


@pytest.mark.parametrize("kind", WHOLE)
def test_one_whole_pdf_is_made_of_it(tmp_path: Path, kind: str) -> None:
    assert settled(tmp_path, WHOLE[kind]) == BILL


@pytest.mark.parametrize("kind", BROKEN)
def test_anything_else_is_refused_with_its_code(tmp_path: Path, kind: str) -> None:
    content, code = BROKEN[kind]
    with pytest.raises(PortalError) as refusal:
        settled(tmp_path, content)
    assert refusal.value.code is code, refusal.value


def test_what_came_along_in_a_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "00001.pdf.part"
    path.write_bytes(WHOLE["a ZIP with its specification"])
    assert settle(path, RULE).others == ("spec.pdf",)


def test_the_recipe_says_which_file_of_a_zip_is_the_bill(tmp_path: Path) -> None:
    content = archive(("invoice-a.pdf", SPEC), ("invoice-b.pdf", BILL))
    assert settled(tmp_path, content, FileRule("bill", in_zip=r"-b\.pdf$")) == BILL


@pytest.mark.parametrize("given", ["", "wrong"])
def test_a_password_that_does_not_open_a_pdf_is_reported(tmp_path: Path, given: str) -> None:
    with pytest.raises(PortalError) as refusal:
        settled(tmp_path, locked("secret"), FileRule("bill", password=given))
    assert refusal.value.code is Code.DOCUMENT_PASSWORD
    assert "secret" not in str(refusal.value)


def test_a_pdf_that_the_given_password_opens_is_kept_as_it_came(tmp_path: Path) -> None:
    content = locked("secret")
    assert settled(tmp_path, content, FileRule("bill", password="secret")) == content


def test_a_pdf_that_only_forbids_printing_needs_no_password(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(BILL)))
    writer.encrypt("", owner_password="owner")
    held = io.BytesIO()
    writer.write(held)
    assert settled(tmp_path, held.getvalue()) == held.getvalue()


def test_a_zip_is_not_unpacked_beyond_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_files, "LARGEST_BYTES", 100_000)
    for bomb in (
        archive(*((f"{n}.pdf", b"\0" * 60_000) for n in range(2))),
        gzip.compress(b"\0" * 200_000, mtime=0),
    ):
        with pytest.raises(PortalError) as refusal:
            settled(tmp_path, bomb)
        assert refusal.value.code is Code.ZIP_REFUSED
        for left in tmp_path.iterdir():
            left.unlink()


def test_a_page_tree_without_end_is_left_after_its_most_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_NODES", 2)
    with pytest.raises(PortalError) as refusal:
        settled(tmp_path, pages_of(2, ONE_PAGE, ONE_PAGE))
    assert refusal.value.code is Code.DOWNLOAD_BAD
