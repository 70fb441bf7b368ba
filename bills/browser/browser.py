"""The browser of a job runner: concurrent attempts in one warm Chromium, retries in a new one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from bills.browser.attempt import attempt
from bills.browser.chromium import Chromium, launch, new_folder, remove
from bills.browser.page_errors import excerpt
from bills.browser.plan import Watch
from bills.browser.report import AttemptReport
from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from playwright.async_api import Playwright

    from bills.browser.plan import Login, PortalPlan

# Starting a browser, gathering evidence, closing: what an attempt may take beyond its own time
# limit, each of these having a limit of its own. A lease must be longer than both together.
LONGEST_OVERTIME_SECONDS = 75.0
STOP_SECONDS = 30.0
RENEWED_AFTER = 200  # attempts: a browser grows with every context that it has had


class Browser:
    """Runs attempts on a thread of its own. Use as a context manager, or call `close`.

    `executable` is a Chromium's path. Everything on disk lies in one folder below `parent`, which
    `clean_abandoned(parent)` removes should this process die.
    """

    def __init__(self, executable: str, parent: Path) -> None:
        self.executable = executable
        self.folder = new_folder(parent)
        self._numbers = itertools.count(1)
        self._playwright: Playwright | None = None
        self._warm: Chromium | None = None
        self._starting = asyncio.Lock()
        self._running: set[asyncio.Task[AttemptReport]] = set()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="browser", daemon=True)
        self._thread.start()

    def submit(
        self, login: Login, plan: PortalPlan, *, fresh: bool = False, watch: Watch | None = None
    ) -> Future[AttemptReport]:
        """Start one attempt and return at once. The future does not raise: the report says all.

        `fresh` gives it a browser process of its own (a retry). The report's files are the
        caller's to store before `AttemptReport.discard`, or before this browser is closed.
        Raises RuntimeError once closed.
        """
        if self._closing:
            raise RuntimeError("This browser is closed.")
        work = self._attempt(login, plan, fresh, watch or Watch())
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End running attempts as INTERRUPTED, then all processes, then remove all files."""
        if not self._closing:
            self._closing = True
            ending = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
            with contextlib.suppress(TimeoutError):
                ending.result(STOP_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS)
            remove(self.folder)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)  # its texts may hold a password
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _attempt(
        self, login: Login, plan: PortalPlan, fresh: bool, watch: Watch
    ) -> AttemptReport:
        folder = self.folder / f"attempt-{next(self._numbers)}"
        report = AttemptReport(folder=folder)
        deadline = self._loop.time() + plan.attempt_timeout
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            folder.mkdir()
            async with self._chromium(fresh) as chromium:
                await attempt(chromium, login, plan, watch, report, deadline)
        except asyncio.CancelledError:
            report.fail(PortalError(Code.INTERRUPTED))
        except (PlaywrightError, OSError) as error:
            report.fail(
                PortalError(Code.BROWSER_CRASH, failures.NOT_STARTED.format(error=excerpt(error)))
            )
        except Exception as error:  # the future does not raise: its text may hold a secret
            detail = failures.SCRIPT_FAILED.format(kind=type(error).__name__)
            report.fail(PortalError(Code.NAVIGATION, detail))
        finally:
            if task is not None:
                self._running.discard(task)
        return report

    @contextlib.asynccontextmanager
    async def _chromium(self, fresh: bool) -> AsyncIterator[Chromium]:
        """A new process, or the warm one; it is closed when nobody will use it again."""
        chromium = await (self._launch() if fresh else self._warm_one())
        chromium.users += 1
        chromium.served += 1
        try:
            yield chromium
        finally:
            chromium.users -= 1
            if chromium is not self._warm and not chromium.users:
                await chromium.close()

    async def _warm_one(self) -> Chromium:
        async with self._starting:
            warm = self._warm
            if warm is None or not warm.is_alive or warm.served >= RENEWED_AFTER:
                self._warm = None
                if warm is not None and not warm.users:
                    await warm.close()
                self._warm = warm = await self._launch()
            return warm

    async def _launch(self) -> Chromium:
        """Start a Chromium, and Playwright's driver where it is not running (any more)."""
        folder = self.folder / f"chromium-{next(self._numbers)}"
        try:
            return await launch(await self._driver(), self.executable, folder)
        except PlaywrightError:
            await asyncio.to_thread(remove, folder)
            if await self._is_driver_alive():
                raise
            self._playwright = None
            return await launch(await self._driver(), self.executable, folder)

    async def _driver(self) -> Playwright:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        return self._playwright

    async def _is_driver_alive(self) -> bool:
        if self._playwright is None:
            return False
        try:
            await (await self._playwright.request.new_context()).dispose()
        except PlaywrightError:
            return False
        return True

    async def _shut_down(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_SECONDS / 2)
        if self._warm is not None:
            await self._warm.close()
        if self._playwright is not None:
            with contextlib.suppress(PlaywrightError):
                await self._playwright.stop()
