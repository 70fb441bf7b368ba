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

import jsonschema
import pytest

from imports.customers.api.mapping import RecordKey, preset
from imports.customers.api.responses import Answer, Exchange, judge
from imports.customers.api.schema.publish import json_schema
from imports.models import Channel, ImportJob, Notification, NotificationDelivery
from imports.notifications import message_of, signed

DOCS = Path(__file__).resolve().parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


# Each mapping of docs/connect-an-api.md in its order, with an answer and what it means for two
# members, 1 and 2; None where the page shows no answer's form.
WRONG = {"field": "data[1].city", "text": "x"}
ANSWERS: list[tuple[int, Any, list[str]] | None] = [
    None,
    (200, {"results": [{"memberNo": "2", "status": "OK"},
                       {"memberNo": "1", "error": {"code": "BUSY"}}]}, ["retry", "success"]),
    (200, [{"success": True, "id": 7, "errors": []}, {"success": False}], ["success", "rejected"]),
    (207, {"failures": [{"row": 2, "text": "x"}], "failedCount": 1}, ["success", "rejected"]),
    (200, {"created": [{"email": "a@x.se"}], "updated": [], "errors": [{"email": "b@x.se"}]},
     ["success", "rejected"]),
    (200, {"outcome": {"1": {"state": "ok"}, "2": {"state": "failed", "why": "x"}}},
     ["success", "rejected"]),
    (200, {"ok": False, "error": {"code": "TOKEN_EXPIRED"}}, []),
    (400, {"errors": [WRONG]}, ["retry", "rejected"]),
    (202, {"job": {"id": "7"}}, []),
    None,
]  # fmt: skip


@pytest.mark.parametrize(("place", "answer"), list(enumerate(ANSWERS)))
def test_each_mapping_is_accepted_and_reads_an_answer_as_the_page_says(
    place: int, answer: tuple[int, Any, list[str]] | None
) -> None:
    shown = blocks("connect-an-api.md", "json")
    assert len(shown) == len(ANSWERS)
    mapping = preset("plain").with_overrides(json.loads(shown[place]))
    jsonschema.validate(json.loads(shown[place]), json_schema())
    if answer is None:
        return
    keys = [RecordKey(n, email=f"{m}@x.se") for n, m in (("1", "a"), ("2", "b"))]
    if not mapping.record.id:
        keys = [RecordKey(email=key.email) for key in keys]
    body = json.dumps(answer[1]).encode()
    outcome = judge(Answer(answer[0], {}, body), Exchange(mapping, keys))
    assert [one.verdict.value for one in outcome.records] == answer[2]


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


def test_the_walks_through_the_code_name_at_most_six_files_and_what_is_there() -> None:
    page = (DOCS / "architecture.md").read_text().partition("## Two walks")[2]
    walks = [
        re.findall(r"^(\d)\. `(.+?\.py)`, (.+?):", walk, re.M) for walk in page.split("**")[2::2]
    ]
    assert [len(steps) for steps in walks] == [5, 6]
    for _number, path, functions in walks[0] + walks[1]:
        source = (DOCS.parent / path).read_text()
        for name in re.findall(r"`(\w+)`", functions):
            assert re.search(rf"^(?:def|class) {name}\b", source, re.M), f"{path}: {name}"
