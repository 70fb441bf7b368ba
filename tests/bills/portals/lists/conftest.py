"""What the tests of lists share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bills.portals.list_pages import Lists

if TYPE_CHECKING:
    from tests.bills.browsing import Pages


@pytest.fixture
def lists(pages: Pages) -> Lists:
    return Lists(pages)
