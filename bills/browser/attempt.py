"""One attempt from the login page to the last PDF, with a hard end, and the report of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.accounting import Listed, place_document, sort_out
from bills.browser.document_files import FileRule, settle
from bills.browser.evidence import gather, start_trace
from bills.browser.page_errors import cut, explained
from bills.browser.plan import FetchedBill
from bills.browser.proxy import EgressProxy
from bills.browser.report import AttemptReport, Stage
from bills.browser.visit import Visit
from bills.portals import failures
from bills.portals.failures import MEANINGS, Code, PortalError, Rule
from bills.portals.list_script import WATCH
from bills.portals.logins.page import is_still_in, remembered
from bills.portals.recipe import RecipePortal
from bills.portals.scripts import error_at, portal_named
from bills.portals.targets import filled
from imports.http.redaction import scrub, storable
from imports.messages import changed

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from bills.browser.chromium import Chromium
    from bills.browser.plan import Login, PortalPlan, Watch
    from bills.portals.base import ListedBill, Portal
    from imports.messages import Message, Text

CANCEL_SECONDS = 2.0
CLOSE_SECONDS = 5.0
LONGEST_DETAIL = 1_000  # characters: a portal's own words may be of any length


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
    async with EgressProxy(
        plan.permits,
        allow_private=plan.allow_private,
        takes_open_forms=plan.login_url.startswith("http:"),
    ) as proxy:
        visit: Visit | None = None
        contexts: list[BrowserContext] = []

        async def open_page(http_credentials: dict[str, str] | None = None) -> Page:
            agent = plan.recipe.user_agent
            remembered = login.session if plan.keeps_devices else ""
            page = await chromium.page(proxy.url, agent, http_credentials, remembered)
            contexts.append(page.context)
            await page.context.add_init_script(WATCH)
            return page

        try:
            for url in filter(None, (plan.login_url, plan.billing_url)):
                check_url(plan, url)
            visit = Visit(await open_page(), login, plan, proxy, report, watch, open_page)
            await _supervised(chromium, visit, deadline)
        except Exception as error:  # whatever it is, the report says it
            await _note_failure(visit, report, error, secrets_of(visit, login))
        finally:
            secrets = secrets_of(visit, login)
            report.notes = [scrubbed(note, secrets) for note in report.notes]
            for context in contexts:
                await _close(chromium, context)


def check_url(plan: PortalPlan, url: str) -> None:
    """Raises PortalError OTHER_SITE with the reason where the settings refuse the URL."""
    if plan.check_url is None:
        return
    try:
        plan.check_url(url)
    except ValueError as refusal:
        raise PortalError(Code.OTHER_SITE, getattr(refusal, "message", str(refusal))) from None


async def go_through(visit: Visit, portal: Portal, folder: Path) -> None:
    """The stages. Raises whatever ends them; bills that are whole are already in the report."""
    report = visit.report
    if not await is_still_in(visit):
        await portal.log_in(visit)
    await start_trace(visit)
    await visit.enter(Stage.LIST)
    await remember(visit)
    listed = [_without(bill, visit.login.password) for bill in await portal.list_bills(visit)]
    known = visit.login.known_bills
    sorted_out = sort_out(listed, known)
    new = [*sorted_out.new, *sorted_out.unsure]
    new.sort(key=listed.index)
    report.found = len(listed)
    _count_known(report, len(sorted_out.known))
    report.rows.seen = max(report.rows.seen, len(listed) + report.rows.others.total())
    if known and not listed and not report.older:
        raise PortalError(Code.NO_BILLS_BUT_HAD_BEFORE, failures.HAD_BEFORE.format(n=len(known)))
    numbers = frozenset(bill.number for bill in listed if bill.number)
    await _fetch_all(visit, portal, new, folder, numbers)
    _prove(report)
    await visit.enter(Stage.DONE)
    await remember(visit)


async def remember(visit: Visit) -> None:
    """Note what the browser would bring along to the next login, where the portal allows it."""
    if visit.plan.keeps_devices:
        with contextlib.suppress(PlaywrightError):
            visit.report.session = await remembered(visit)


def secrets_of(visit: Visit | None, login: Login) -> tuple[str, ...]:
    """What must stand in no text about the attempt."""
    return visit.secrets if visit is not None else (login.password,)


def _without(bill: ListedBill, password: str) -> ListedBill:
    """The bill as it may be stored: a page can echo the password wherever it likes."""
    contract, date_text, document = (
        scrub(text, (password,), shortest=4)
        for text in (bill.contract, bill.date_text, bill.document)
    )
    return replace(bill, contract=contract, date_text=date_text, document=document)


# What is wrong with one bill's document, and says nothing of the others.
OF_ONE_BILL = (
    Code.DOWNLOAD_BAD,
    Code.DOCUMENT_UNCLEAR,
    Code.DOCUMENT_PASSWORD,
    Code.ZIP_REFUSED,
)
MOST_NAMED = 10


def _count_known(report: AttemptReport, count: int) -> None:
    report.known_before += count
    report.rows.known += count


def _prove(report: AttemptReport) -> None:
    """Every row of the list is accounted for, or the attempt fails with the first reason.

    Raises PortalError with what is missing. What was fetched stays in the report.
    """
    report.rows.kept = len(report.bills)
    if report.gaps:
        report.notes += [gap.message for gap in report.gaps[1:]]
        raise report.gaps[0]
    if report.rows.missing:
        rows = report.rows
        accounted = rows.seen - rows.missing
        raise PortalError(
            Code.LIST_INCOMPLETE,
            failures.UNACCOUNTED.format(seen=rows.seen, accounted=accounted),
        )


async def _fetch_all(
    visit: Visit, portal: Portal, new: list[ListedBill], folder: Path, numbers: frozenset[str]
) -> None:
    """Fetch each new bill. One that is broken does not keep the others from coming."""
    report = visit.report
    broken: list[tuple[ListedBill, PortalError]] = []
    for number, bill in enumerate(new, start=1):
        await visit.enter(Stage.DOWNLOAD, number, len(new))
        target = folder / f"{number:05}.pdf.part"
        try:
            take_document(visit, await _fetch_one(visit, portal, bill, target, numbers))
        except PortalError as error:
            target.unlink(missing_ok=True)
            if error.code not in OF_ONE_BILL:
                missing = [each for each, _ in broken] + new[number - 1 :]
                report.notes += [_note(each, failure) for each, failure in broken]
                raise _naming(error, missing) from None
            broken.append((bill, error))
        finally:
            report.rows.kept = len(report.bills)
    report.notes += [_note(bill, error) for bill, error in broken]
    if broken:
        report.notes += [gap.message for gap in report.gaps]
        raise _worst_of(broken, len(new))


async def _fetch_one(
    visit: Visit, portal: Portal, bill: ListedBill, target: Path, numbers: frozenset[str]
) -> FetchedBill:
    """Fetch and check one bill; `numbers` are those of all listed ones. Raises PortalError."""
    recipe, report = visit.plan.recipe.bills, visit.report
    password = filled(recipe.file_password, visit)
    await portal.fetch(visit, bill, target)
    shown = Listed(bill.number, bill.date, bill.amount, numbers)
    rule = FileRule(str(bill), bill.number, password, recipe.in_zip, shown)
    checked = await asyncio.to_thread(settle, target, rule)
    if checked.others:
        names = ", ".join(checked.others[:MOST_NAMED])
        report.notes.append(failures.ZIP_OTHERS.format(bill=bill, names=names))
    return FetchedBill(
        bill.number, bill.date, bill.amount, bill.currency, target,
        checked.sha256, checked.size, bill.contract, bill.date_text, bill.document,
        is_printed=target in report.printed, facts=checked.facts,
    )  # fmt: skip


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


def _note(bill: ListedBill, error: PortalError) -> Message:
    return failures.OF_BILL.format(bill=str(bill), detail=error.detail or error.message)


def _worst_of(broken: list[tuple[ListedBill, PortalError]], total: int) -> PortalError:
    """One failure for all: the first that a new attempt may mend, else the first of all."""
    mendable = (one for one in broken if MEANINGS[one[1].code].rule is Rule.RETRY)
    bill, error = next(mendable, broken[0])
    count = failures.SOME_BROKEN.format(n=len(broken), total=total)
    return PortalError(error.code, count + _note(bill, error))


def _naming(error: PortalError, missing: list[ListedBill]) -> PortalError:
    """The same failure with the names of the bills that are still to be fetched."""
    names = ", ".join(map(str, missing[:MOST_NAMED]))
    more = len(missing) - MOST_NAMED
    shown = failures.AND_MORE.format(bills=names, n=more) if more > 0 else names
    detail = error.detail + failures.MISSING.format(bills=shown)
    return PortalError(error.code, detail, retry_after=error.retry_after)


async def _supervised(chromium: Chromium, visit: Visit, deadline: float) -> None:
    """Go through the stages until they end, time is up, or the browser or the page breaks."""
    plan, report = visit.plan, visit.report
    if report.folder is None:
        raise ValueError("The report has no folder.")
    portal: Portal = portal_named(plan.script)() if plan.script else RecipePortal()
    going = plan.drive(visit) if plan.drive else go_through(visit, portal, report.folder)
    work = asyncio.ensure_future(going)
    work.add_done_callback(_look_at_its_error)
    ends = [asyncio.ensure_future(event.wait()) for event in (visit.breaks, chromium.died)]
    try:
        await _until_done(visit, (work, *ends), deadline)
        if visit.broken is not None:
            raise visit.broken
        if chromium.died.is_set():
            raise PortalError(Code.BROWSER_CRASH)
        if not work.done():
            limit = f"{plan.attempt_timeout:g}"
            raise PortalError(Code.TIMEOUT, failures.TIME_OVER.format(limit=limit))
        await work
        await _drop_trace(visit)
    finally:
        for task in (*ends, work):
            task.cancel()
        await asyncio.wait((work,), timeout=CANCEL_SECONDS)


async def _until_done(
    visit: Visit, tasks: tuple[asyncio.Future[Any], ...], deadline: float
) -> None:
    """Wait for the first of them, until the deadline; it waits while somebody is asked."""
    clock = asyncio.get_running_loop().time
    while (left := deadline + visit.seconds_still - clock()) > 0:
        ended, _ = await asyncio.wait(tasks, timeout=left, return_when="FIRST_COMPLETED")
        if ended:
            return


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
    visit: Visit | None, report: AttemptReport, error: Exception, secrets: tuple[str, ...]
) -> None:
    failure = explained(error, visit)
    place = error_at(error)
    if place and not isinstance(error, PortalError | PlaywrightError):
        failure = PortalError(Code.SCRIPT_ERROR, place)
    elif place and isinstance(error, PlaywrightError):
        failure = PortalError(failure.code, failure.detail + place)
    # Our own sentence is left whole: a gap in it would give a short password away.
    detail = scrubbed(failure.detail, secrets)
    report.fail(PortalError(failure.code, detail, retry_after=failure.retry_after))
    if visit is None or report.folder is None:
        return
    report.http_status = visit.status or None
    visit.stop_clock()
    try:
        report.evidence = await gather(visit, report.folder)
    except Exception as problem:  # evidence is a help: without it the failure is still known
        report.notes.append(f"There is no evidence: {type(problem).__name__}.")


def scrubbed(text: Text, secrets: tuple[str, ...]) -> Text:
    """What was put into it, without the secrets."""
    return changed(text, lambda part: cut(storable(scrub(part, secrets)), LONGEST_DETAIL))


async def _close(chromium: Chromium, context: BrowserContext) -> None:
    """Close the context; kill the whole browser where a page does not let go of it."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await context.close()
    except TimeoutError:
        await chromium.kill()
    except PlaywrightError:
        pass  # it went down with the browser
