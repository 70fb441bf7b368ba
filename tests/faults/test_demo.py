"""`make demo`, as a new user runs it: in a home of its own, with real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.config.commands import run_python, wipe

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_plays_the_whole_story_and_exits_0(tmp_path: Path) -> None:
    try:
        played = run_python(
            tmp_path, "manage.py", "demo", RETRY_FILES_DIR=str(tmp_path / "retries")
        )
    finally:
        wipe(tmp_path)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Nothing lost, nothing twice." in played.stdout
    assert "retry_batches_" in played.stdout
