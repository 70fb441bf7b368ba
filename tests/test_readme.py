"""What the README shows works as it stands there."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from imports.customers.mapping import preset
from imports.models import Channel, Delivery, ImportJob, Notice
from imports.notices.message import message_of
from imports.notices.webhook import signed

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_mapping_is_accepted() -> None:
    for block in blocks("json"):
        content: dict[str, Any] = json.loads(block)
        if "timestamp" in content:
            continue  # a notification, see below
        assert preset("gk").with_overrides(content) != preset("gk")


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
