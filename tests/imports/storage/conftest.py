"""Django's default storage in a bucket of a real S3 server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.storages import file_storage
from tests.storage_server import bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shared(settings: Any, installation: Path) -> Iterator[str]:
    """The default storage is a bucket that other hosts share; its URL."""
    with bucket() as url:
        settings.STORAGES = {**settings.STORAGES, "default": file_storage(url)}
        yield url
