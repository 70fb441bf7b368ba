"""One attempt's page, with the rules that hold for every portal: hosts, stages, the password
box.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError

from bills.browser.form_guard import FormGuard
from bills.browser.pinning import Pinned, new_mark, pinned
from bills.browser.screenshots import picture
from bills.browser.sites import same_site, site
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.logins.signs import (
    LONGEST_DIALOG,
    MOST_DIALOGS,
    Dialog,
    accepts,
    rule_for,
    url_pattern,
)
from bills.portals.targets import filled
from imports.http.redaction import scrub
from imports.http.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from playwright.async_api import (
        BrowserContext,
        ElementHandle,
        Frame,
        Locator,
        Page,
        Request,
        Response,
    )
    from playwright.async_api import Dialog as PlaywrightDialog

    from bills.browser.plan import CodeSource, Login, PortalPlan, Watch
    from bills.browser.proxy import EgressProxy
    from bills.browser.report import AttemptReport, Stage
    from imports.messages import Message, Text

SHORTEST_COOKIE = 8  # characters: a shorter value is a setting, and stands in any text
MOST_FRAMES = 20
MOST_WINDOWS = 150  # open at once: more of them never end
MOST_NOTES = 30
# Kinds of requests whose answer may change what the page shows.
REFUSALS = (403, 408, 429)  # a script's request that is answered so has brought nothing
BRINGS_CONTENT = frozenset(("document", "xhr", "fetch", "script"))


class Visit:
    """What a portal drives. `page` and `context` are Playwright's; the rest keeps the rules."""

    def __init__(
        self,
        page: Page,
        login: Login,
        plan: PortalPlan,
        proxy: EgressProxy,
        report: AttemptReport,
        watch: Watch,
        reopen: Callable[[dict[str, str]], Awaitable[Page]] | None = None,
    ) -> None:
        self.login = login
        self.plan = plan
        self.report = report
        self.proxy = proxy
        self.strayed = ""  # where the portal wanted to send us, if it is none of its hosts
        self.lost = ""  # why the last navigation got no answer
        self.status = 0  # HTTP status of the page that is shown
        self.headers: dict[str, str] = {}
        self.dialogs: list[Dialog] = []
        self.pages_passed = 0  # that stood between the login and what we came for
        self.is_in_by_http = False  # logged in by HTTP authentication: there is no way to log out
        self.broken: PortalError | None = None  # what ends the attempt, whatever it is doing
        self.breaks = asyncio.Event()
        self.tracing = False
        self.trace_spoilt = False  # the password was typed while the trace ran
        self.came_at = time.monotonic()  # the page that is shown
        self.stirred_at = self.came_at  # something was asked for last, or has come
        self.requests_made = 0  # of those that may bring a part of the page
        self.asked_by_script = False  # for a part of the page that is shown
        self._asked: Request | None = None
        self._asked_at = 0.0
        self._waited = 0.0  # seconds, for pages that have answered
        self._came = asyncio.Event()  # another page, since this was last waited for
        self._watch = watch
        self._since = time.monotonic()
        self._reopen = reopen
        self._typed_codes: list[str] = []
        self.undisposed_bytes = 0  # of answers that were fetched: Playwright may still hold them
        self.form_seal = new_mark()  # begins the marks of a login form's parts
        self._guard = FormGuard(self)
        self._still_since: float | None = None
        self._still = 0.0
        self.attach(page)

    def attach(self, page: Page) -> None:
        """Drive this page from now on."""
        self.page = page
        self.context: BrowserContext = page.context
        self.windows: list[Page] = []  # that the page has opened
        self.context.on("dialog", self._on_dialog)
        self.context.on("page", self._on_window)
        self.context.set_default_timeout(self.plan.recipe.login.answer_seconds * 1000)
        self.context.set_default_navigation_timeout(self.plan.attempt_timeout * 1000)
        self._listen(page)

    def follow_window(self) -> bool:
        """Go on in the window that the login has opened; False where there is none."""
        mine = [page for page in self.windows if not page.is_closed() and page != self.page]
        if not mine or not self.plan.permits(urlsplit(mine[-1].url).hostname or ""):
            return False
        self._leave(self.page)
        self.page = mine[-1]
        self.windows = []
        self._end_waiting()
        self._listen(self.page)
        return True

    def _on_window(self, page: Page) -> None:
        if len(self.context.pages) > MOST_WINDOWS:
            summary = failures.TOO_MANY_WINDOWS.format(most=MOST_WINDOWS)
            self.end_with(PortalError(Code.NAVIGATION, summary))
        if page != self.page and len(self.windows) < MOST_FRAMES:
            self.windows.append(page)

    def _listen(self, page: Page) -> None:
        self.dismisses_overlays = False
        self._open: dict[Request, float] = {}  # that have not ended, with their beginnings
        self.failed_requests: dict[str, str] = {}  # address of a script's request: why
        self.refused_requests: dict[str, int] = {}  # the same, where the status may be no failure
        for event, handler in self._handlers():
            page.on(event, handler)  # type: ignore[call-overload] # the names are known

    def _leave(self, page: Page) -> None:
        """Hear no more of a page that stays open: what it asks for is no part of ours."""
        for event, handler in self._handlers():
            page.remove_listener(event, handler)

    def _handlers(self) -> tuple[tuple[str, Callable[..., None]], ...]:
        return (
            ("request", self._on_request),
            ("response", self._on_response),
            ("requestfailed", self._on_lost),
            ("requestfinished", self._on_end),
            ("domcontentloaded", self._on_page),
            ("crash", self._on_crash),
        )

    def frames(self) -> list[Frame]:
        """The page and those of its frames that may be told the password: the portal's own."""
        main = self.page.main_frame
        others = [frame for frame in self.page.frames[:MOST_FRAMES] if frame != main]
        return [main, *(frame for frame in others if self._is_own(frame))]

    def permitted_frames(self) -> list[Frame]:
        """The page's frames from hosts of the portal, whatever they may be told."""
        others = [
            frame for frame in self.page.frames[:MOST_FRAMES] if frame != self.page.main_frame
        ]
        hosts = [urlsplit(frame.url).hostname for frame in others]
        return [
            frame for frame, host in zip(others, hosts, strict=True)
            if host is None or self.plan.permits(host)
        ]  # fmt: skip

    def _is_own(self, frame: Frame) -> bool:
        """A frame without an address is the page's that it stands in."""
        parent = frame.parent_frame
        if frame.url.startswith("about:") and parent is not None:
            return parent == self.page.main_frame or self._is_own(parent)
        return self.may_have_password(frame.url)

    def note(self, text: Text) -> None:
        """Add to what is said of the attempt besides its failure."""
        if len(self.report.notes) < MOST_NOTES:
            self.report.notes.append(text)

    # Stages

    async def enter(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Note that the attempt has come this far, and how long the last stage took."""
        if stage is not self.report.stage:
            await self.take_picture()
            if stage == "list":
                await self._guard.stop()
        self.stop_clock()
        self.report.stage = stage
        if self._watch.stage is not None:
            self._watch.stage(str(stage), done, total)

    async def take_picture(self) -> None:
        """Photograph the stage, once, where the plan asks for pictures."""
        stage = self.report.stage
        taken = [of for of, _ in self.report.pictures]
        if self.plan.picture_each_stage and stage not in taken:
            shot, _ = await picture(self.page, self.secrets)
            if shot is not None:
                self.report.pictures.append((stage, shot))

    def stop_clock(self) -> None:
        """Add the time since the last call to the stage that was reached."""
        now, stage = time.monotonic(), self.report.stage
        self.report.seconds[stage] = self.report.seconds.get(stage, 0.0) + now - self._since
        self._since = now

    # Moving about

    async def goto(self, url: str) -> None:
        """Open a page and wait until it is read. What its HTTP status means is for `check_status`.

        Raises PortalError OTHER_SITE for a host that the portal does not name.
        """
        if not self.plan.permits(urlsplit(url).hostname or ""):
            raise PortalError(Code.OTHER_SITE, failures.LEADS_TO.format(site=site(url)))
        self.lost = ""
        await self.page.goto(url, wait_until="domcontentloaded")
        self.check_site()

    def forget_where_it_led(self) -> None:
        """What was tried first has led nowhere: what follows begins anew."""
        self.strayed = self.lost = ""
        self.dialogs.clear()
        self._end_waiting()

    def check_site(self) -> None:
        """Raises PortalError when the portal sent us to another site, or did not answer."""
        if self.strayed:
            raise PortalError(Code.OTHER_SITE, failures.LEADS_TO.format(site=site(self.strayed)))
        if self.lost:
            if "TOO_MANY_REDIRECTS" in self.lost:
                summary = failures.BROWSER_SAYS.format(reason=self.lost)
                raise PortalError(Code.NAVIGATION, summary)
            raise PortalError(Code.NETWORK, self.why_lost(self.lost))

    def check_status(self) -> None:
        """Raises PortalError when the page that is shown has an error's HTTP status."""
        refuse_status(self.status, self.headers)

    @property
    def is_waiting(self) -> bool:
        """Whether a page was asked for and has not answered yet."""
        return self._asked is not None

    @property
    def open_requests(self) -> list[str]:
        """The addresses, without queries, of requests without an answer yet."""
        return [request.url.partition("?")[0] for request in self._open]

    def clock(self) -> float:
        """Seconds on a clock that stops while the portal loads a page."""
        now = time.monotonic()
        return (self._asked_at if self.is_waiting else now) - self._waited

    def why_lost(self, reason: str) -> Text:
        """The proxy's reason if it has one, else the browser's ("net::ERR_…")."""
        refused = self.proxy.refused.items()
        ours = {host: why for host, why in refused if self.plan.permits(host)}
        reasons = {**ours, **self.proxy.troubles}
        if reasons:
            return " ".join(f"{host}: {why}." for host, why in reasons.items())
        return failures.BROWSER_SAYS.format(reason=reason)

    def expect_page(self) -> None:
        """What is pressed now may bring another page: none that has come before counts."""
        self._came.clear()

    async def pause(self, seconds: float) -> None:
        """Wait before the next look at the page; no longer than until another page has come."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), seconds)
        self._came.clear()

    # The password

    async def type_password(self, box: Locator | ElementHandle | Pinned) -> None:
        """Type the password, only on a site that may be told it, into a form that stays there.

        Raises PortalError OTHER_SITE elsewhere, before anything is typed.
        """
        box_on_page = await pinned(self.page, box, self.refuse_elsewhere)
        await self._guard.start()
        await self._count_password()
        self.trace_spoilt = self.trace_spoilt or self.tracing
        await box_on_page.fill(self.login.password)

    @property
    def codes(self) -> CodeSource | None:
        """Where one-time codes come from."""
        return self._watch.codes

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in nothing that is kept of the visit."""
        totp = self.login.totp
        return (self.login.password, *((totp.secret,) if totp else ()), *self._typed_codes)

    async def all_secrets(self) -> tuple[str, ...]:
        """The same, and what the browser has been told to remember: each opens the account."""
        cookies = await self.context.cookies()
        values = [cookie["value"] for cookie in cookies]
        return (*self.secrets, *(each for each in values if len(each) >= SHORTEST_COOKIE))

    async def type_code(self, boxes: Sequence[Locator | ElementHandle], code: str) -> None:
        """Type a one-time code where the password might be typed: on its site, in its form.

        Several boxes get one letter each. Raises PortalError OTHER_SITE elsewhere, before
        anything is typed there.
        """
        self._typed_codes.append(code)
        self.trace_spoilt = self.trace_spoilt or self.tracing
        letters = [code] if len(boxes) == 1 else list(code)
        for box, letter in zip(boxes, letters, strict=False):
            box_on_page = await pinned(self.page, box, self.refuse_elsewhere)
            await box_on_page.fill(letter)

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """The attempt's clock stands while the block runs: somebody is asked for something."""
        self._still_since = time.monotonic()
        try:
            yield
        finally:
            self._still += time.monotonic() - self._still_since
            self._still_since = None

    @property
    def seconds_still(self) -> float:
        """How long the attempt's clock has stood."""
        since = self._still_since
        return self._still + (time.monotonic() - since if since is not None else 0.0)

    async def answer_by_http(self) -> None:
        """Open a page that answers HTTP authentication, on the login URL's own origin only.

        Raises PortalError OTHER_SITE where another site asks for it.
        """
        self.refuse_elsewhere([self.page.url])
        if self._reopen is None:
            raise PortalError(Code.NAVIGATION, failures.HTTP_AUTHENTICATION.format(scheme="basic"))
        await self._count_password()
        self.attach(
            await self._reopen(
                {
                    "username": self.login.email,
                    "password": self.login.password,
                    "origin": site(self.page.url),
                }
            )
        )

    async def _count_password(self) -> None:
        """It is about to be sent: the caller may forbid it."""
        if self._watch.before_password is not None:
            await asyncio.to_thread(self._watch.before_password)
        self.report.password_submissions += 1

    def may_have_password(self, url: str) -> bool:
        """Whether a page at this address may be told the password."""
        if same_site(url, self.plan.login_url):
            return True
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and self.plan.login_url.startswith("http:")
        )
        return is_safe and (parts.hostname or "") in self.plan.recipe.password_hosts

    def refuse_elsewhere(self, urls: Iterable[str], said: Message = failures.WOULD_GO_TO) -> None:
        """Raises PortalError OTHER_SITE for an address that may not be told the password."""
        for url in urls:
            if not self.may_have_password(url):
                raise PortalError(Code.OTHER_SITE, said.format(site=site(url)))

    # Dialogs

    def said_in_dialogs(self) -> str:
        """What the page's dialogs have said: part of what it says."""
        return " ".join(dialog.text for dialog in self.dialogs)

    async def _on_dialog(self, dialog: PlaywrightDialog) -> None:
        """Answer it: until then the page stands still."""
        text = " ".join(dialog.message.split())[:LONGEST_DIALOG]
        rule = rule_for(text, self.plan.recipe.dialogs)
        accepted = accepts(dialog.type, text, rule)
        if len(self.dialogs) >= MOST_DIALOGS:
            summary = failures.TOO_MANY_DIALOGS.format(most=MOST_DIALOGS)
            self.end_with(PortalError(Code.NAVIGATION, summary))
            return  # it stays open, and the page still
        clean = scrub(text, self.secrets)
        if dialog.type != "beforeunload":
            self.dialogs.append(Dialog(dialog.type, clean, accepted))
            answer = "OK" if accepted else "Cancel"
            self.note(failures.DIALOG.format(kind=dialog.type, text=clean, answer=answer))
        with contextlib.suppress(PlaywrightError, PortalError):
            if not accepted:
                await dialog.dismiss()
            elif rule is not None and rule.value:
                await dialog.accept(filled(rule.value, self))
            else:
                await dialog.accept()

    def end_with(self, failure: PortalError) -> None:
        """End the attempt, whatever it is waiting for."""
        self.broken = self.broken or failure
        self.breaks.set()

    def _on_crash(self, _: Page) -> None:
        self.end_with(PortalError(Code.BROWSER_CRASH))

    # What the page's own network says

    def _on_page(self, _: Page) -> None:
        self._came.set()

    def _on_request(self, request: Request) -> None:
        if request.resource_type in BRINGS_CONTENT and request.url.startswith("http"):
            self._open[request] = self.stirred_at = time.monotonic()
            self.requests_made += 1
            by_script = request.resource_type in ("xhr", "fetch")
            self.asked_by_script = self.asked_by_script or by_script
        if not self._is_main(request):
            return
        url = request.url
        if url.startswith(("http:", "https:")) and not self.plan.permits(
            urlsplit(url).hostname or ""
        ):
            self.strayed = url
        if self._asked is None:
            self._asked_at = time.monotonic()
        self._asked, self.lost = request, ""

    def _on_response(self, response: Response) -> None:
        self._note_answer(response)
        if self._is_main(response.request):
            self.status, self.headers = response.status, response.headers
            self.came_at = self.stirred_at = time.monotonic()
            if not 300 <= response.status < 400:
                self._end_waiting()
                self._forget_before(response.request)

    def _forget_before(self, navigation: Request) -> None:
        """Forget what the page before it had asked for."""
        self.failed_requests.clear()
        self.refused_requests.clear()
        self.asked_by_script = False
        began = self._open.get(navigation, 0.0)
        self._open = {request: at for request, at in self._open.items() if at >= began}

    def _note_answer(self, response: Response) -> None:
        """Note whether a script's request broke: it may have been for a part of the page."""
        if not self._counts(response.request):
            return
        address = response.url.partition("?")[0]
        self.failed_requests.pop(address, None)
        self.refused_requests.pop(address, None)
        if response.status >= 500 or response.status in REFUSALS:
            self.failed_requests[address] = f"HTTP {response.status}"
        elif response.status >= 400:
            self.refused_requests[address] = response.status

    def _counts(self, request: Request) -> bool:
        """Whether the list may need what a script asks for there: at the portal's own hosts.

        Other hosts' answers are our proxy's; what the recipe names is not needed.
        """
        if request.resource_type not in ("xhr", "fetch"):
            return False
        address = request.url
        patterns = self.plan.recipe.bills.not_needed
        is_ours = self.plan.permits(urlsplit(address).hostname or "")
        return is_ours and not any(url_pattern(one).fullmatch(address) for one in patterns)

    def _on_end(self, request: Request) -> None:
        if self._open.pop(request, None) is not None:
            self.stirred_at = time.monotonic()

    def _end_waiting(self) -> None:
        if self._asked is not None:
            self._waited += time.monotonic() - self._asked_at
        self._asked = None

    def _on_lost(self, request: Request) -> None:
        self._on_end(request)
        reason = request.failure or "no answer"
        if self._counts(request) and "ERR_ABORTED" not in reason:
            self.failed_requests[request.url.partition("?")[0]] = reason
        if request is self._asked:
            self._end_waiting()
            if "ERR_ABORTED" not in reason:  # overtaken by another page, or a download
                self.lost = reason

    def _is_main(self, request: Request) -> bool:
        return request.is_navigation_request() and request.frame == self.page.main_frame


def refuse_status(status: int, headers: dict[str, str]) -> None:
    """Raises PortalError for an HTTP status that says: not now, or broken."""
    later = retry_after(headers, time.time())
    if status == 429:
        raise PortalError(
            Code.RATE_LIMITED, failures.ANSWERED.format(status=429), retry_after=later
        )
    if status == 503 and later is not None:
        raise PortalError(
            Code.MAINTENANCE, failures.ANSWERED.format(status=503), retry_after=later
        )
    if status >= 500:
        raise PortalError(Code.SITE_5XX, failures.ANSWERED.format(status=status))
