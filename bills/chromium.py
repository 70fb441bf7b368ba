"""One running Chromium: how it is started, asked for a fresh context, closed, and killed."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from bills.folders import kill_browsers, remove

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import BrowserContext, Playwright

START_SECONDS = 30.0
CLOSE_SECONDS = 5.0
LONGEST_SOCKET_FOLDER = 60  # a Unix socket's path may have 108 bytes; Chromium adds some 40
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Fresh contexts inherit the profile's preferences. PDFs are saved rather than shown, because the
# viewer fires no download event; nothing goes around the gate by WebRTC or by guessing names.
PREFERENCES = {
    "plugins": {"always_open_pdf_externally": True},
    "webrtc": {"ip_handling_policy": "disable_non_proxied_udp"},
    "net": {"network_prediction_options": 2},
    "autofill": {"enabled": False, "profile_enabled": False, "credit_card_enabled": False},
    "credentials_enable_service": False,
    "profile": {"password_manager_enabled": False},
}


class Chromium:
    """A browser process with its own profile below `folder`. `users` counts running attempts."""

    def __init__(self, browser: PlaywrightBrowser, folder: Path) -> None:
        self.folder = folder
        self.users = 0
        self.served = 0
        self.died = asyncio.Event()
        self._browser = browser
        browser.on("disconnected", lambda _: self.died.set())

    @property
    def is_alive(self) -> bool:
        return self._browser.is_connected() and not self.died.is_set()

    async def context(self, proxy: str) -> BrowserContext:
        """A fresh context whose only way out is the proxy. Raises PlaywrightError."""
        try:
            return await self._browser.new_context(
                proxy={"server": proxy}, accept_downloads=True, service_workers="block"
            )
        except PlaywrightError:
            self.died.set()  # nobody says so when it is Playwright's driver that has died
            raise

    async def close(self) -> None:
        """End the process, by force where it does not go, and remove its files."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._browser.close()
        except (TimeoutError, PlaywrightError):
            pass
        await asyncio.to_thread(remove, self.folder)

    async def kill(self) -> None:
        """End the process at once, with everything that runs in it."""
        self.died.set()
        await asyncio.to_thread(kill_browsers, self.folder)


async def launch(playwright: Playwright, executable: str, folder: Path) -> Chromium:
    """Start a Chromium whose files all lie below `folder`. Raises PlaywrightError.

    A persistent context, because only then the profile is ours to choose; its own page is closed,
    and every attempt gets a context of its own beside it.
    """
    profile, scratch = folder / "profile", folder / "tmp"
    (profile / "Default").mkdir(parents=True)
    scratch.mkdir()
    (profile / "Default" / "Preferences").write_text(json.dumps(PREFERENCES))
    environment: dict[str, str | float | bool] = dict(os.environ)
    if len(str(scratch)) <= LONGEST_SOCKET_FOLDER:
        environment["TMPDIR"] = str(scratch)
    context = await playwright.chromium.launch_persistent_context(
        profile,
        executable_path=executable,
        args=[*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        artifacts_dir=scratch,
        downloads_path=scratch,
        env=environment,
        handle_sigint=False,  # closing is ours: an attempt that is cut off must say so
        handle_sigterm=False,
        handle_sighup=False,
        timeout=START_SECONDS * 1000,
    )
    browser = context.browser
    if browser is None:
        raise PlaywrightError("This Playwright gives no browser for a persistent context.")
    for page in context.pages:
        await page.close()
    return Chromium(browser, folder)
