"""Stops a form that would carry the password to a host that may be read but not be told it.

The form was looked at before the password was typed. A script can still change where it leads as
it is sent, and an answer of 307 has the browser send it all again to another host.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.browser.sites import site
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from imports.http.redaction import holds_secret

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

    from bills.browser.visit import Visit

DOCUMENTS = [{"urlPattern": "*", "resourceType": "Document", "requestStage": "Request"}]


class FormGuard:
    """Looks at each page that the browser asks for, redirects included."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._session: CDPSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """From now on, until `stop`. Only portals with further hosts need it."""
        if self._session is None and self.visit.plan.has_other_hosts:
            self._session = await self.visit.context.new_cdp_session(self.visit.page)
            self._session.on("Fetch.requestPaused", self._on_request)
            await self._session.send("Fetch.enable", {"patterns": DOCUMENTS})

    async def stop(self) -> None:
        """Let everything pass again."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(PlaywrightError):
                await session.detach()

    def _on_request(self, event: dict[str, Any]) -> None:
        task = asyncio.ensure_future(self._answer(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, event: dict[str, Any]) -> None:
        session, request = self._session, event["request"]
        if session is None:
            return
        goes_elsewhere = self._tells_the_password(request)
        if goes_elsewhere:
            detail = failures.WAS_STOPPED.format(site=site(request["url"]))
            self.visit.end_with(PortalError(Code.OTHER_SITE, detail))
        verb = "Fetch.failRequest" if goes_elsewhere else "Fetch.continueRequest"
        reason = {"errorReason": "AccessDenied"} if goes_elsewhere else {}
        with contextlib.suppress(PlaywrightError):
            await session.send(verb, {"requestId": event["requestId"], **reason})

    def _tells_the_password(self, request: dict[str, Any]) -> bool:
        """Whether one that must not know the password would be told it."""
        url = request["url"]
        if not url.startswith(("http:", "https:")) or self.visit.may_have_password(url):
            return False
        body = request.get("postData", "")
        if request.get("hasPostData") and not body:
            return True  # it can't be read: too much for a login
        return holds_secret(f"{url}\n{body}", (self.visit.login.password,))
