"""One attempt from the login page to the last PDF, with a hard end, and the report of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from bills.accounting import place_document
from bills.evidence import gather, start_trace
from bills.gate import Gate
from bills.identity import sort_out
from bills.page_errors import explained
from bills.pdf_files import check_pdf
from bills.plan import FetchedBill
from bills.portals import details
from bills.portals.base import portal_named
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import TIMERS
from bills.portals.recipe import RecipePortal
from bills.report import AttemptReport, Stage
from bills.scrubbing import scrub, storable
from bills.visit import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from bills.chromium import Chromium
    from bills.plan import Login, PortalPlan, Watch
    from bills.portals.base import ListedBill, Portal

CANCEL_SECONDS = 2.0
CLOSE_SECONDS = 5.0


async def attempt(
    chromium: Chromium,
    login: Login,
    plan: PortalPlan,
    watch: Watch,
    report: AttemptReport,
    deadline: float,
) -> None:
    """Fill in the report; leaves no context open. `deadline` is in the event loop's time.

    Raises nothing but its own cancellation.
    """
    async with Gate(plan.permits, allow_private=plan.allow_private) as gate:
        context: BrowserContext | None = None
        visit: Visit | None = None
        try:
            for url in filter(None, (plan.login_url, plan.billing_url)):
                check_url(plan, url)
            context = await chromium.context(gate.url)
            await context.add_init_script(TIMERS)
            page = await context.new_page()
            visit = Visit(page, login, plan, gate, report, watch)
            await _supervised(visit, watch_for_crash(chromium, visit), deadline)
        except Exception as error:  # whatever it is, the report says it
            await _note_failure(visit, report, error, login.password)
        finally:
            report.notes = [storable(scrub(note, (login.password,))) for note in report.notes]
            if context is not None:
                await _close(chromium, context)


def check_url(plan: PortalPlan, url: str) -> None:
    """Raises PortalError OTHER_SITE with the reason where the settings refuse the URL."""
    if plan.check_url is None:
        return
    try:
        plan.check_url(url)
    except ValueError as refusal:
        raise PortalError(Code.OTHER_SITE, str(refusal)) from None


async def go_through(visit: Visit, portal: Portal, folder: Path) -> None:
    """The stages. Raises whatever ends them; bills that are whole are already in the report."""
    report = visit.report
    await portal.log_in(visit)
    await start_trace(visit)
    await visit.enter(Stage.LIST)
    listed = await portal.list_bills(visit)
    known = visit.login.known_bills
    sorted_out = sort_out(listed, known)
    new = [*sorted_out.new, *sorted_out.unsure]
    new.sort(key=listed.index)
    report.found = len(listed)
    _count_known(report, len(sorted_out.known))
    report.rows.seen = max(report.rows.seen, len(listed) + report.rows.others.total())
    if known and not listed and not report.older:
        raise PortalError(Code.NO_BILLS_BUT_HAD_BEFORE, f"It had {len(known)}.")
    await _fetch_all(visit, portal, new, folder)
    _prove(report)
    await visit.enter(Stage.DONE)


def _count_known(report: AttemptReport, count: int) -> None:
    report.already_here += count
    report.rows.known += count


def _prove(report: AttemptReport) -> None:
    """Every row of the list is accounted for, or the attempt fails with the first reason.

    Raises PortalError with what is missing. What was fetched stays in the report.
    """
    report.rows.kept = len(report.bills)
    if report.gaps:
        report.notes += [str(gap) for gap in report.gaps[1:]]
        raise report.gaps[0]
    if report.rows.missing:
        rows = report.rows
        accounted = rows.seen - rows.missing
        raise PortalError(
            Code.LIST_INCOMPLETE,
            details.UNACCOUNTED.format(seen=rows.seen, accounted=accounted),
        )


async def _fetch_all(visit: Visit, portal: Portal, new: list[ListedBill], folder: Path) -> None:
    """Fetch each new bill. One that is broken does not keep the others from coming."""
    broken: list[str] = []
    for number, bill in enumerate(new, start=1):
        await visit.enter(Stage.DOWNLOAD, number, len(new))
        target = folder / f"{number:05}.pdf.part"
        try:
            await portal.fetch(visit, bill, target)
            sha256, size = await asyncio.to_thread(check_pdf, target)
        except PortalError as error:
            target.unlink(missing_ok=True)
            visit.report.rows.kept = len(visit.report.bills)
            if error.code is not Code.DOWNLOAD_BAD:
                raise
            broken.append(f"{bill}: {error.detail}")
            continue
        fetched = FetchedBill(
            bill.number, bill.date, bill.amount, bill.currency, target, sha256, size,
            bill.contract, bill.date_text, bill.document,
        )  # fmt: skip
        take_document(visit, fetched)
    visit.report.rows.kept = len(visit.report.bills)
    visit.report.notes += broken
    if broken:
        raise PortalError(Code.DOWNLOAD_BAD, f"{len(broken)} of {len(new)} new bills. {broken[0]}")


def take_document(visit: Visit, fetched: FetchedBill) -> None:
    """Keep a document that is new; one that is here already is counted and dropped.

    One that came for two bills is kept for neither: the attempt fails with it in the end.
    """
    report = visit.report
    try:
        where = place_document(fetched, report.bills, visit.login.known_bills)
    except PortalError as confused:
        report.gaps.append(confused)
        return
    if where == "new":
        report.bills.append(fetched)
    elif where == "known":
        _count_known(report, 1)
    else:
        report.rows.others["repeated"] += 1


def watch_for_crash(chromium: Chromium, visit: Visit) -> asyncio.Task[bool]:
    """A task that ends when the tab or the browser has crashed."""
    crashed = asyncio.Event()

    def note(_: Page) -> None:
        crashed.set()

    visit.page.on("crash", note)

    async def either() -> bool:
        ends = [asyncio.ensure_future(event.wait()) for event in (crashed, chromium.died)]
        try:
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
        finally:
            for end in ends:
                end.cancel()
        return True

    return asyncio.ensure_future(either())


async def _supervised(visit: Visit, crash: asyncio.Task[bool], deadline: float) -> None:
    """Go through the stages until they end, time is up, or the browser crashes."""
    plan, report = visit.plan, visit.report
    if report.folder is None:
        raise ValueError("The report has no folder.")
    portal: Portal = portal_named(plan.script)() if plan.script else RecipePortal()
    work = asyncio.ensure_future(go_through(visit, portal, report.folder))
    work.add_done_callback(_look_at_its_error)
    left = max(0.0, deadline - asyncio.get_running_loop().time())
    try:
        await asyncio.wait((work, crash), timeout=left, return_when="FIRST_COMPLETED")
        if crash.done() and not crash.cancelled():
            raise PortalError(Code.BROWSER_CRASH)
        if not work.done():
            raise PortalError(Code.TIMEOUT, f"The attempt's {plan.attempt_timeout:g} s were over.")
        await work
        await _drop_trace(visit)
    finally:
        crash.cancel()
        work.cancel()
        await asyncio.wait((work,), timeout=CANCEL_SECONDS)


def _look_at_its_error(task: asyncio.Task[None]) -> None:
    """An error that nobody looks at is logged by asyncio, with whatever text it carries."""
    if not task.cancelled():
        task.exception()


async def _drop_trace(visit: Visit) -> None:
    if visit.tracing:
        visit.tracing = False
        with contextlib.suppress(PlaywrightError):
            await visit.context.tracing.stop()


async def _note_failure(
    visit: Visit | None, report: AttemptReport, error: Exception, password: str
) -> None:
    failure = explained(error, visit)
    # Our own sentence is left whole: a gap in it would give a short password away.
    detail = storable(scrub(failure.detail, (password,)))
    report.fail(PortalError(failure.code, detail, retry_after=failure.retry_after))
    if visit is None or report.folder is None:
        return
    report.http_status = visit.status or None
    visit.stop_clock()
    report.evidence = await gather(visit, report.folder)


async def _close(chromium: Chromium, context: BrowserContext) -> None:
    """Close the context; kill the whole browser where a page does not let go of it."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await context.close()
    except TimeoutError:
        await chromium.kill()
    except PlaywrightError:
        pass  # it went down with the browser
