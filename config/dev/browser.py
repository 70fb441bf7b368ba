"""Which Chromium to drive; `python -m config.dev.browser` gets one when there is none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# The headless shell first: it draws no window, and takes a third of the time for a page.
ON_PATH = (
    "chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser",
    "google-chrome", "google-chrome-stable", "microsoft-edge",
)  # fmt: skip
INSTALL_SECONDS = 900
REMEDY = (
    "No browser was found, and none could be installed here: bills cannot be downloaded yet "
    "(customer imports can). Install chromium or google-chrome, then: make browser"
)


@cache
def find_browser() -> str | None:
    """The executable of a Chromium that runs: one on PATH, else Playwright's own, else None."""
    on_path = (found for name in ON_PATH if (found := shutil.which(name)))
    return next((path for path in (*on_path, *playwrights_own()) if runs(path)), None)


def runs(executable: str) -> bool:
    """Whether it starts: some packages named chromium are only a hint to install another one."""
    try:
        asked = [executable, "--version"]
        return subprocess.run(asked, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> list[str]:
    """Chromium where this version of Playwright puts its download (see its page on browsers)."""
    revision = wanted_revision()
    patterns = (
        f"chromium_headless_shell-{revision}/*/*headless?shell",
        f"chromium-{revision}/chrome-linux*/chrome",
        f"chromium-{revision}/chrome-mac*/*.app/Contents/MacOS/*",
    )
    folder = download_folder()
    return [str(path) for pattern in patterns for path in sorted(folder.glob(pattern))]


def wanted_revision() -> str:
    """The Chromium that this version of Playwright was made for; empty without Playwright."""
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return ""
    names = Path(spec.origin).parent / "driver" / "package" / "browsers.json"
    browsers = json.loads(names.read_text())["browsers"]
    return str(next(b["revision"] for b in browsers if b["name"] == "chromium"))


def download_folder() -> Path:
    """Where Playwright keeps its downloads."""
    if chosen := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def get_one() -> str | None:
    """Find one, or download Playwright's, or install Debian's package; its executable."""
    for get in (download, install_package):
        if find_browser() is None:
            get()
            find_browser.cache_clear()
    return find_browser()


def download() -> None:
    """Playwright's own download, which some networks refuse."""
    say("No browser on PATH; trying Playwright's download of Chromium …")
    stalled = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000"}  # milliseconds
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    attempt(command, 300, os.environ | stalled)


def install_package() -> None:
    """Debian's package, when we are root and can install it without being asked anything."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    say("Installing the system's Chromium (apt-get) …")
    unattended = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    attempt([apt, "-q", "update"], INSTALL_SECONDS, unattended)
    options = ["-q", "-y", "--no-install-recommends"]
    # Debian's packages: older releases have only the last.
    for package in ("chromium-headless-shell", "chromium"):
        attempt([apt, "install", *options, package], INSTALL_SECONDS, unattended)
        find_browser.cache_clear()
        if find_browser() is not None:
            return


def attempt(command: list[str], seconds: float, environment: dict[str, str]) -> None:
    """Run it silently; whether it worked shows in what is found afterwards."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen(
        command,
        stdin=silent,
        stdout=silent,
        stderr=silent,
        env=environment,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the programs that it started
        process.wait()


def say(line: str) -> None:
    """One line for the operator."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Have a browser if it can be had. Always 0: all but bill downloads works without."""
    if (found := get_one()) is None:
        say(REMEDY)
    else:
        say(f"Browser: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
