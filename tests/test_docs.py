"""What the pages of docs/ show works as it stands there."""

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

from imports.customers.api.mapping import preset
from imports.models import Channel, ImportJob, Notification, NotificationDelivery
from imports.notifications.message import message_of
from imports.notifications.webhook import signed

DOCS = Path(__file__).resolve().parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


def test_the_mapping_is_accepted() -> None:
    (block,) = blocks("connect-an-api.md", "json")
    assert preset("gk").with_overrides(json.loads(block)) != preset("gk")


def test_the_notification_is_what_is_sent(settings: Any) -> None:
    settings.SITE_URL = "https://redrive.example"
    (block,) = blocks("notifications.md", "json")
    shown = json.loads(block)
    data = shown["data"]
    job = ImportJob(pk=data["job"], name=data["name"], kind=data["kind"])
    notification = Notification(
        job=job, what="paused", cause=data["cause"], job_totals=data,
        at=datetime.fromisoformat(shown["timestamp"]),
    )  # fmt: skip
    assert (
        message_of(
            NotificationDelivery(pk=1, notification=notification, channel=Channel())
        ).payload
        == shown
    )


@pytest.mark.parametrize(("secret", "is_ours"), [(b"the same", True), (b"another", False)])
def test_the_four_lines_verify_a_webhook(secret: bytes, is_ours: bool) -> None:
    (check,) = blocks("notifications.md", "python")
    body = b'{"type": "test"}'
    headers = signed(b"the same", "redrive-1", body, int(time.time()))
    names = {"base64": base64, "hmac": hmac, "time": time, "secret": secret}
    try:
        exec(check, names | {"headers": headers, "body": body})  # noqa: S102 - our own
    except AssertionError:
        assert not is_ours
    else:
        assert is_ours


INTERNAL = {"PLAYWRIGHT_BROWSERS_PATH", "SANDBOX_URL", "XDG_CACHE_HOME"}


def test_every_setting_is_in_the_table_of_settings() -> None:
    sources = ("config/settings.py", "config/gunicorn.py")
    code = "".join((DOCS.parent / source).read_text() for source in sources)
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', code)
    page = (DOCS / "settings.md").read_text()
    assert {name for name in read if f"`{name}`" not in page} - INTERNAL == set()
