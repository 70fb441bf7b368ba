"""Which browser is taken, and what is said when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing on PATH, nothing downloaded."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "downloads"))
    browser.find_browser.cache_clear()
    yield
    browser.find_browser.cache_clear()


def program(path: Path, exit_code: int = 0) -> str:
    """An executable that ends with that code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def test_a_browser_on_path_comes_first(tmp_path: Path) -> None:
    chromium = program(tmp_path / "bin" / "chromium")
    assert browser.find_browser() == chromium


def test_the_shell_without_windows_is_taken_before_a_whole_browser(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium")
    shell = program(tmp_path / "bin" / "chromium-headless-shell")
    assert browser.find_browser() == shell


def test_a_package_that_is_only_a_hint_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium-browser", exit_code=1)
    chrome = program(tmp_path / "bin" / "google-chrome")
    assert browser.find_browser() == chrome


def test_playwrights_own_download_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "downloads" / f"chromium-{browser.wanted_revision()}"
    chrome = program(folder / "chrome-linux64" / "chrome")
    assert browser.find_browser() == chrome


def test_playwrights_own_shell_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "downloads" / f"chromium_headless_shell-{browser.wanted_revision()}"
    shell = program(folder / "chrome-headless-shell-linux64" / "chrome-headless-shell")
    assert browser.find_browser() == shell


def test_a_download_of_another_version_is_not_taken(tmp_path: Path) -> None:
    program(tmp_path / "downloads" / "chromium-1" / "chrome-linux64" / "chrome")
    assert browser.find_browser() is None


def test_without_any_browser_set_up_goes_on_and_says_what_will_not_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "download", lambda: None)
    assert browser.main() == 0
    assert "bills cannot be downloaded yet" in capsys.readouterr().err
