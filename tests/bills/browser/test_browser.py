"""Attempts side by side, each with a hard end, and nothing left behind: no file, no password."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import psutil
import pytest

from bills.browser import attempt as attempts
from bills.browser import evidence
from bills.browser.browser import Browser
from bills.browser.chromium import browsers_below, is_running
from bills.browser.plan import Login
from bills.browser.report import AttemptReport, Stage, outcome_of
from bills.portals.failures import Code
from config.dev.browser import find_browser
from config.dev.sandbox.http_server import Reply
from imports.http.redaction import holds_secret
from tests.bills.browsing import (
    CANARY,
    EMAIL,
    LOG_OUT,
    LOGIN_PAGE,
    Visitor,
    bill_row,
    bill_table,
    page,
    pdf,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.browsing import Pages

pytest_plugins = ("tests.bills.browser_fixtures",)

LOGIN = Login(EMAIL, CANARY)
NO_BILLS = "<p>You have no bills yet.</p>"
HANGING = "<p>Busy</p><script>setTimeout(() => { while (true); }, 50)</script>"


def main_processes(folder: Path) -> list[psutil.Process]:
    """Each browser's first process: neither what it starts, nor what a package's script starts."""
    started = {process.pid for process in browsers_below(folder)}
    return [
        process
        for process in browsers_below(folder)
        if process.ppid() not in started
        and not any(part.startswith("--type=") for part in process.cmdline())
    ]


def own_browser(folder: Path, pages: Pages) -> Visitor:
    """A browser that a test may break."""
    return Visitor(Browser(find_browser() or "", folder), pages)


def test_attempts_run_side_by_side_in_sessions_of_their_own(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal(bill_table(bill_row("F1", "<a href='/site/1.pdf'>PDF</a>")))
    cookie = ("Set-Cookie", "session=1; Path=/")
    pages.reply("POST /login", Reply(303, headers=[("Location", "/site/bills"), cookie]))
    pages.reply("GET /1.pdf", pdf())
    strangers: list[str] = []

    def show_login(request: object) -> Reply:
        strangers.extend(request.cookies)  # type: ignore[attr-defined]
        return page(LOGIN_PAGE)

    pages.answers["GET /site/login"] = show_login
    plan = visitor.plan(keep_trace=True)
    futures = [visitor.browser.submit(LOGIN, plan) for _ in range(4)]
    reports = [future.result(180) for future in futures]
    assert [report.code for report in reports] == [None] * 4, [r.error for r in reports]
    assert strangers == []
    paths = {bill.path for report in reports for bill in report.bills}
    assert len(paths) == len({path.parent for path in paths}) == 4
    for report in reports:
        report.discard()
    assert not any(path.parent.exists() for path in paths)


def test_a_page_that_never_yields_ends_at_the_time_limit_and_holds_nobody_up(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "PIECE_SECONDS", 0.5)
    visitor = own_browser(tmp_path, pages)
    with visitor.browser as browser:
        pages.show("/login", LOGIN_PAGE + HANGING)
        stuck = browser.submit(LOGIN, visitor.plan(attempt_timeout=4.0))
        report = stuck.result(60)
        assert report.code is Code.TIMEOUT
        assert "The attempt's 4 s were over." in report.error
        pages.portal(NO_BILLS)
        assert visitor.visit().code is None


def test_a_page_that_does_not_close_ends_the_browser(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "CLOSE_SECONDS", 0.0)
    visitor = own_browser(tmp_path, pages)
    with visitor.browser as browser:
        pages.portal(NO_BILLS)
        assert visitor.visit().code is None
        assert list(browsers_below(browser.folder)) == []
        assert visitor.visit().code is None


def test_a_silent_portal_ends_at_the_time_limit(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(200, b"x", delay_seconds=60.0))
    report = visitor.visit({"login": {"answer_seconds": 1}}, attempt_timeout=15.0)
    assert (report.code, report.stage) == (Code.TIMEOUT, Stage.JUDGE)
    assert report.password_submissions == 1


def test_a_portal_that_is_down_is_reported(pages: Pages, visitor: Visitor) -> None:
    pages.reply("GET /login", Reply(reset=True))
    report = visitor.visit()
    assert (report.code, report.stage) == (Code.NETWORK, Stage.OPEN)
    assert "127.0.0.1: connection reset by peer." in report.error


def test_a_form_is_sent_once_though_the_connection_breaks(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(reset=True))
    report = visitor.visit()
    assert (report.code, report.stage) == (Code.NETWORK, Stage.JUDGE)
    assert pages.passwords == [CANARY]


def test_a_browser_that_dies_fails_its_attempt_and_is_replaced(
    pages: Pages, tmp_path: Path
) -> None:
    visitor = own_browser(tmp_path, pages)
    with visitor.browser as browser:

        def kill(_: object) -> Reply:
            for process in browsers_below(browser.folder):
                process.kill()
            return page("")

        pages.show("/login", LOGIN_PAGE)
        pages.answers["POST /site/login"] = kill
        report = visitor.visit()
        assert (report.code, report.stage) == (Code.BROWSER_CRASH, Stage.JUDGE)
        pages.portal(NO_BILLS)
        assert visitor.visit().code is None


def test_a_driver_that_dies_is_replaced(pages: Pages, tmp_path: Path) -> None:
    visitor = own_browser(tmp_path, pages)
    pages.portal(NO_BILLS)
    with visitor.browser as browser:
        assert visitor.visit().code is None
        [driver] = [process.parent() for process in main_processes(browser.folder)]
        assert driver is not None
        driver.kill()
        psutil.wait_procs([driver], timeout=60)
        assert visitor.visit().code is Code.BROWSER_CRASH  # nobody had told us before
        assert visitor.visit().code is None
        assert len(main_processes(browser.folder)) == 1


def test_a_retry_gets_a_browser_process_of_its_own(pages: Pages, tmp_path: Path) -> None:
    visitor = own_browser(tmp_path, pages)
    seen: list[set[int]] = []
    with visitor.browser as browser:

        def note(_: object) -> Reply:
            seen.append({process.pid for process in main_processes(browser.folder)})
            return page(LOGIN_PAGE)

        pages.portal(NO_BILLS)
        pages.answers["GET /site/login"] = note
        for fresh in (False, True, False):
            assert browser.submit(LOGIN, visitor.plan(), fresh=fresh).result().code is None
        warm, both, after = seen
        assert len(warm) == 1
        assert warm < both
        assert len(both) == 2
        assert after == warm
        assert {path.name for path in browser.folder.glob("chromium-*")} == {"chromium-2"}


def test_closing_interrupts_what_runs_and_leaves_nothing(pages: Pages, tmp_path: Path) -> None:
    visitor = own_browser(tmp_path, pages)
    pages.reply("GET /login", Reply(200, b"x", delay_seconds=60.0))
    future = visitor.browser.submit(LOGIN, visitor.plan())
    while "GET /site/login" not in pages.asked:
        assert not future.done()
    processes = list(browsers_below(visitor.browser.folder))
    visitor.browser.close()
    assert future.result(0).code is Code.INTERRUPTED
    assert processes
    assert not any(is_running(process) for process in processes)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="closed"):
        visitor.browser.submit(LOGIN, visitor.plan())


def test_a_browser_that_cannot_start_is_reported(pages: Pages, tmp_path: Path) -> None:
    with Browser(str(tmp_path / "nothing"), tmp_path) as browser:
        report = Visitor(browser, pages).visit()
    assert report.code is Code.BROWSER_CRASH
    assert "It did not start" in report.error


def test_a_url_that_the_settings_refuse_is_not_opened(pages: Pages, visitor: Visitor) -> None:
    def refuse(url: str) -> None:
        raise ValueError(f"{url[:4]} is not allowed here.")

    report = visitor.visit(check_url=refuse)
    assert report.code is Code.OTHER_SITE
    assert report.error.endswith("http is not allowed here.")
    report = visitor.visit(allow_private=False)
    assert report.code is Code.NETWORK
    assert "private address" in report.error
    assert pages.asked == []


def test_a_portals_test_has_a_picture_of_each_stage(pages: Pages, visitor: Visitor) -> None:
    pages.portal(NO_BILLS)
    report = visitor.visit(picture_each_stage=True)
    assert [stage for stage, _ in report.pictures] == ["open", "login", "judge", "list"]
    assert all(picture.startswith(b"\x89PNG") for _, picture in report.pictures)


@pytest.mark.parametrize("stage", ["judge", "list", "download"])
def test_no_evidence_holds_the_password(pages: Pages, visitor: Visitor, stage: str) -> None:
    """The portal says the password back on its page, in its addresses and in its scripts."""
    coded = "".join(f"%{byte:02x}" for byte in CANARY.encode())
    echo = (
        f'<p>{page_text(CANARY)}</p><input value="{page_text(CANARY)}">'
        f"<a href='/site/?p={coded}'>x</a><script>const p = {json.dumps(CANARY)}</script>"
    )
    pages.portal(
        echo if stage == "list" else echo + bill_table(bill_row("F1", "<a href='/site/x'>PDF</a>"))
    )
    if stage == "judge":
        pages.reply("POST /login", Reply(303, headers=[("Location", f"/site/hello?p={coded}")]))
        pages.show("/hello", echo)
    report = visitor.visit({"login": {"answer_seconds": 2}}, keep_trace=True)
    assert report.code is not None
    assert report.stage == stage
    assert_no_password(report)
    assert report.evidence is not None
    if stage != "download":  # there, the last page shown is the one that came for a PDF
        assert report.evidence.screenshot is None
        assert "shows the password" in report.evidence.note
    assert (report.evidence.trace is not None) is (stage != "judge")
    report.discard()


def assert_no_password(report: AttemptReport) -> None:
    """Not in its texts, not in its outcome, not in any file."""
    found = report.evidence
    assert found is not None
    texts = [repr(report), repr(outcome_of(report)), found.html, found.url, found.note]
    assert report.folder is not None
    for path in report.folder.rglob("*"):
        texts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as members:
                texts += [members.read(name).decode("latin-1") for name in members.namelist()]
    for text in texts:
        assert not holds_secret(text, [CANARY, CANARY.encode().decode("latin-1")])
        assert "canary" not in text


def page_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def test_a_screenshot_covers_what_was_typed(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(204))
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.UNRECOGNISED_PAGE
    assert "It still asks for a password." in report.error
    assert report.evidence is not None
    assert report.evidence.screenshot is not None
    assert_no_password(report)
    assert LOG_OUT not in report.evidence.html
