"""One running Chromium: its folders, how it is started, asked for a fresh context, closed and
killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from playwright.async_api import Error as PlaywrightError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import Page, Playwright

NAME = re.compile(r"redrive-browser-(\d+)-(\d+)-[0-9a-f]+")
# psutil counts a start time from the boot time, which moves when the clock is set.
CLOCK_SLACK_SECONDS = 5
LAST_BREATH_SECONDS = 3.0
SOCKET_FOLDERS = (".org.chromium.", "org.chromium.", ".com.google.Chrome.")


def new_folder(parent: Path) -> Path:
    """Make a folder below `parent` that tells who owns it: this process."""
    owner = psutil.Process()
    name = f"redrive-browser-{owner.pid}-{int(owner.create_time())}-{secrets.token_hex(4)}"
    folder = parent.resolve() / name
    folder.mkdir(parents=True, mode=0o700)
    return folder


def clean_abandoned(parent: Path) -> int:
    """Remove the folders whose owner is dead, and end their browsers. Gives how many there were.

    What cannot be removed yet is left for the next time.
    """
    if not parent.is_dir():
        return 0
    abandoned = [folder for folder in parent.resolve().iterdir() if is_abandoned(folder)]
    for folder in abandoned:
        remove(folder)
    return sum(not folder.exists() for folder in abandoned)


def is_abandoned(folder: Path) -> bool:
    """Whether the folder is a browser's and the process that owns it has ended."""
    found = NAME.fullmatch(folder.name)
    if found is None:
        return False
    try:
        owner = psutil.Process(int(found[1]))
        return (
            not is_running(owner) or abs(owner.create_time() - int(found[2])) > CLOCK_SLACK_SECONDS
        )
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def remove(folder: Path) -> None:
    """End the browsers that run in the folder, then remove it."""
    kill_browsers(folder)
    for profile in folder.glob("**/SingletonSocket"):
        socket_folder = profile.readlink().parent
        if socket_folder.name.startswith(SOCKET_FOLDERS):
            shutil.rmtree(socket_folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def kill_browsers(folder: Path) -> int:
    """Kill every browser whose profile is below the folder, and its children. Gives how many."""
    victims = list(browsers_below(folder))
    family = [child for victim in victims for child in _children(victim)]
    for process in (*victims, *family):
        with contextlib.suppress(psutil.Error):
            process.kill()
    give_up_at = time.monotonic() + LAST_BREATH_SECONDS
    while any(map(is_running, (*victims, *family))) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return len(victims)


def is_running(process: psutil.Process) -> bool:
    """Whether it still does something; one that only waits for its parent to notice does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def browsers_below(folder: Path) -> Iterator[psutil.Process]:
    """The processes that were started with a --user-data-dir below the folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            for argument in process.cmdline():
                name, _, where = argument.partition("=")
                if name == "--user-data-dir" and Path(where).is_relative_to(folder):
                    yield process
                    break


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


START_SECONDS = 30.0
CLOSE_SECONDS = 5.0
LONGEST_SOCKET_FOLDER = 60  # a Unix socket's path may have 108 bytes; Chromium adds some 40
# The preference for WebRTC below holds only where a full Chrome reads it: the flag always does.
ARGUMENTS = (
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Fresh contexts inherit the profile's preferences. PDFs are saved rather than shown, because the
# viewer fires no download event; WebRTC and name prediction must not bypass the egress proxy.
# What a browser needs of our environment. What it does not have, no page can get out of it.
NEEDED = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "DISPLAY", "WAYLAND_DISPLAY", "SSL_CERT_FILE", "SSL_CERT_DIR",
}  # fmt: skip
NEEDED_KINDS = ("LC_", "XDG_", "FONTCONFIG_")
SYSTEMS = {"darwin": "Macintosh; Intel Mac OS X 10_15_7", "win32": "Windows NT 10.0; Win64; x64"}
PLATFORMS = {"darwin": "macOS", "win32": "Windows"}
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

    async def page(
        self,
        proxy: str,
        user_agent: str = "",
        http_credentials: dict[str, str] | None = None,
        remembered: str = "",
    ) -> Page:
        """A page in a fresh context whose only way out is the proxy. Raises PlaywrightError.

        `remembered` is what an earlier context had in store, as JSON.

        It calls itself an ordinary Chrome: the account's owner visits, and many portals turn
        away what calls itself headless.
        """
        named = identity(self._browser.version, user_agent)
        try:
            context = await self._browser.new_context(
                proxy={"server": proxy},
                accept_downloads=True,
                service_workers="block",
                user_agent=named.user_agent,
                extra_http_headers=named.headers,
                http_credentials=http_credentials,  # type: ignore[arg-type] # a TypedDict
                storage_state=json.loads(remembered) if remembered else None,
            )
            page = await context.new_page()
            if named.metadata:
                session = await context.new_cdp_session(page)
                await session.send(
                    "Emulation.setUserAgentOverride",
                    {"userAgent": named.user_agent, "userAgentMetadata": named.metadata},
                )
        except PlaywrightError:
            self.died.set()  # nobody says so when it is Playwright's driver that has died
            raise
        return page

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
    environment = environment_of_browser()
    if len(str(scratch)) <= LONGEST_SOCKET_FOLDER:
        environment["TMPDIR"] = str(scratch)
    context = await playwright.chromium.launch_persistent_context(
        profile,
        executable_path=executable,
        args=list(ARGUMENTS),
        chromium_sandbox=has_sandbox(),
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


@dataclass(frozen=True, slots=True)
class Identity:
    """As what the browser introduces itself: its name, and the client hints that go with it."""

    user_agent: str
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, object] = field(default_factory=dict)


def identity(version: str, given: str = "") -> Identity:
    """An ordinary Chrome of this version; what the recipe says in its place."""
    major = version.split(".")[0]
    system = SYSTEMS.get(sys.platform, "X11; Linux x86_64")
    usual = (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{major}.0.0.0 Safari/537.36"
    )
    if given and "Chrome/" not in given:
        return Identity(given)  # another browser, which sends no hints
    if given:
        major = given.partition("Chrome/")[2].split(".")[0]
    names = (("Chromium", major), ("Google Chrome", major), ("Not;A=Brand", "99"))
    platform = PLATFORMS.get(sys.platform, "Linux")
    hints = ", ".join(f'"{name}";v="{number}"' for name, number in names)
    brands = [{"brand": name, "version": number} for name, number in names]
    metadata: dict[str, object] = {
        "brands": brands, "fullVersionList": brands, "platform": platform,
        "platformVersion": "", "architecture": "x86", "model": "", "mobile": False,
    }  # fmt: skip
    return Identity(given or usual, {"sec-ch-ua": hints}, metadata)


def environment_of_browser() -> dict[str, str | float | bool]:
    """Our environment without what is none of a browser's business: keys, passwords, addresses."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in NEEDED or name.startswith(NEEDED_KINDS)
    }


def has_sandbox() -> bool:
    """Root can have none. BROWSER_SANDBOX=0 gives it up where the kernel does not offer one."""
    return os.geteuid() != 0 and os.environ.get("BROWSER_SANDBOX", "1") != "0"
