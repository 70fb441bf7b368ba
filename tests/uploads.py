"""Files as a browser sends them, with sample customers in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile

from config.dev.sandbox import samples
from imports.customers import drafts

if TYPE_CHECKING:
    from imports.models import ImportFile, ImportJob


def customers(first: int, count: int) -> bytes:
    """So many sample customers, as a file of the API's own form."""
    return json.dumps({"data": [samples.customer(first + n) for n in range(count)]}).encode()


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    """The file, as a form receives it."""
    return SimpleUploadedFile(name, content)


def received(draft: ImportJob, name: str = "a.json", first: int = 0) -> ImportFile:
    """A file of four customers, as the draft has it right after the upload."""
    return drafts.add_upload(draft, upload(name, customers(first, 4)))
