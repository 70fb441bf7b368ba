"""What the README shows works as it stands there."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bills.plan import Login, PortalPlan
from bills.portals import base
from bills.portals.failures import MEANINGS, Actor, Code, Rule
from bills.portals.recipe_check import load_recipe
from imports.customers.mapping import preset
from imports.models import Channel, Delivery, ImportJob, Notice
from imports.notices.message import message_of
from imports.notices.webhook import signed
from tests.sandbox.portal import PortalSite
from tests.sandbox.server import running

if TYPE_CHECKING:
    from bills.browser import Browser

pytest_plugins = ("tests.bills.browser_fixtures",)

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
WHO = {Actor.US: "whoever runs Redrive", Actor.OPERATOR: "you", Actor.PORTAL: "the portal"}
WHAT = {Rule.RETRY: "again", Rule.STOP: "stops at once", Rule.DEFER: "costs no attempt"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_mappings_and_recipes_are_accepted() -> None:
    kinds = []
    for block in blocks("json"):
        content: dict[str, Any] = json.loads(block)
        if "timestamp" in content:
            continue  # a notification, see below
        if "accepted" in content:
            kinds.append("mapping")
            assert preset("gk").with_overrides(content) != preset("gk")
        else:
            kinds.append("recipe")
            assert load_recipe(content) != load_recipe({})
    assert kinds == ["mapping", "recipe"]


def test_its_hand_written_portal_fetches_the_sandbox_portals_bills(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.portal_names()  # those in bills/portals are registered before the registry is copied
    monkeypatch.setattr(base, "registered", dict(base.registered))
    example = next(block for block in blocks("python") if "@portal" in block)
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - our own

    with running(PortalSite()) as url:
        plan = PortalPlan(
            login_url=f"{url}/portal/login",
            billing_url=f"{url}/portal/bills",
            recipe=load_recipe({}),
            attempt_timeout=90.0,
            allow_private=True,
            script="norrsken",
        )
        good = browser.submit(Login("otherbill@example.test", "secret"), plan).result(180)
        refused = browser.submit(Login("wrongpassword@example.test", "old"), plan).result(180)

    assert (good.code, good.error) == (None, "")
    assert len({bill.number for bill in good.bills}) == 3  # and not the neighbour's
    assert refused.code is Code.LOGIN_FAILED


@pytest.mark.parametrize("code", list(Code))
def test_its_table_says_who_acts_on_a_code_and_what_happens(code: Code) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith("|") and f"`{code}`" in line]
    _, _, who, what, _ = (cell.strip() for cell in row.split("|"))
    assert who == WHO[MEANINGS[code].actor]
    assert WHAT[MEANINGS[code].rule] in what


def test_no_placeholder_of_the_bills_is_left() -> None:
    assert "@@BILLS@@" not in README


def test_its_notification_is_what_is_sent(settings: Any) -> None:
    settings.SITE_URL = "https://redrive.example"
    shown = next(found for block in blocks("json") if "timestamp" in (found := json.loads(block)))
    data = shown["data"]
    job = ImportJob(pk=data["job"], name=data["name"], kind=data["kind"])
    notice = Notice(
        job=job, what="paused", cause=data["cause"], sums=data,
        at=datetime.fromisoformat(shown["timestamp"]),
    )  # fmt: skip
    assert message_of(Delivery(pk=1, notice=notice, channel=Channel())).payload == shown


@pytest.mark.parametrize(("secret", "is_ours"), [(b"the same", True), (b"another", False)])
def test_its_four_lines_verify_a_webhook(secret: bytes, is_ours: bool) -> None:
    check = next(block for block in blocks("python") if "webhook-signature" in block)
    body = b'{"type": "test"}'
    headers = signed(b"the same", "redrive-1", body, int(time.time()))
    names = {"base64": base64, "hmac": hmac, "time": time, "secret": secret}
    try:
        exec(check, names | {"headers": headers, "body": body})  # noqa: S102 - our own
    except AssertionError:
        assert not is_ours
    else:
        assert is_ours
