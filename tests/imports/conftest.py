"""What tests of uploads share, with and without pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.customers import drafts
from imports.customers.members import sources

if TYPE_CHECKING:
    from imports.models import CustomerApi, ImportJob


@pytest.fixture
def draft(api: CustomerApi) -> ImportJob:
    """A draft without files."""
    return drafts.new_draft(api, "large")


@pytest.fixture
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is too large to be checked at once: a worker reads it."""
    monkeypatch.setattr(sources, "AT_ONCE_BYTES", 1)
