"""The sockets' folders: private, and nobody else's is believed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from config.dev import redis_server
from config.dev.server_processes import EmbeddedServerError, private_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_private_folder_is_closed_to_others_even_if_it_was_open(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o777)
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_symbolic_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedServerError, match="belongs to somebody else"):
        private_folder(tmp_path / "folder")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder somebody else's")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.chown(tmp_path / "folder", 65534, 65534)
    with pytest.raises(EmbeddedServerError, match="Remove it, or choose another REDRIVE_HOME"):
        private_folder(tmp_path / "folder")


def test_a_machine_without_redis_gets_instructions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match="apt-get install redis-server"):
        redis_server.program()
