"""What is no whole PDF is told apart."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from bills.browser import downloads
from bills.browser.downloads import check_pdf
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.portal_pages import plain_pdf
from tests.bills.browsing import PDF

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content", [PDF, b"\xef\xbb\xbf" + PDF, PDF + b"\r\n", PDF + b"\0" * 4096]
)
def test_a_whole_pdf_is_accepted_with_its_digest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bill"
    path.write_bytes(content)
    whole = check_pdf(path)
    assert (whole.sha256, whole.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert whole.text == "A bill"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"<!DOCTYPE html><html>", "does not begin with %PDF-"),
        (b"PK\x03\x04", "does not begin with %PDF-"),
        (PDF[:-10], "cut off after"),
        (PDF + b"x" * 2000, "its end marker is missing"),
    ],
)
def test_anything_else_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "bill"
    path.write_bytes(content)
    with pytest.raises(PortalError) as refusal:
        check_pdf(path)
    assert refusal.value.code is Code.DOWNLOAD_BAD
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "Not found",
        "404 Dokument nicht gefunden",
        "An error occurred while creating the document",
    ],
)
def test_an_error_printed_as_a_pdf_is_no_bill(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bill"
    path.write_bytes(plain_pdf(text))
    with pytest.raises(PortalError) as refusal:
        check_pdf(path)
    assert refusal.value.code is Code.DOWNLOAD_BAD


def test_a_file_too_large_for_a_bill_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LARGEST_BYTES", 10)
    path = tmp_path / "bill"
    path.write_bytes(PDF)
    with pytest.raises(PortalError, match="too large for a bill"):
        check_pdf(path)
