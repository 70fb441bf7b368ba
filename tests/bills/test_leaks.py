"""A password is found nowhere after a run with failures in every stage, but encrypted."""

from __future__ import annotations

import html
import io
import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from django.core.files.base import ContentFile

from bills import keeping
from bills.models import Bill, Credential, Evidence
from tests import canaries
from tests.bills.runs import attempts_of, full, run

if TYPE_CHECKING:
    from pathlib import Path

    from config.dev.sandbox.portal import PortalSite
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "c4n4ry&<>\"';åé"
FAILING = (
    "wrongpassword", "500", "unknownpage", "crash", "truncated", "htmlpdf", "otp", "redirect",
    "locked", "cut",
)  # fmt: skip


def forms(secret: str) -> set[bytes]:
    """What the secret looks like raw, in URLs, in HTML, in JSON and in Python's repr."""
    texts = {secret, repr(secret)[1:-1]}
    texts |= {quote(secret, safe=""), quote_plus(secret), quote(secret, encoding="latin-1")}
    texts |= {html.escape(secret), html.escape(secret, quote=False)}
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {text.encode() for text in texts} | {secret.encode("latin-1"), b"c4n4ry"}


def had_before(make_bills: BillMaker, name: str) -> None:
    """An account with a bill from an earlier job: none at all is a failure of its list then."""
    account = full(name)
    identity = {"portal": make_bills.portal, "account": account, "email": account, "number": "1"}
    bill = Bill(**identity, sha256="0" * 64, size=5, attempt_number=1)
    bill.file.save("bills/1.pdf", ContentFile(b"%PDF-"))


def test_a_password_is_found_nowhere_after_failures_in_every_stage(
    make_bills: BillMaker, site: PortalSite, messages: Any, installation: Path, tmp_path: Path
) -> None:
    had_before(make_bills, "nobills")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        job = run(make_bills("good", "nobills", *FAILING, password=CANARY, max_attempts=1))
    finally:
        logging.getLogger().removeHandler(handler)

    failed = [attempts_of(job, name)[0] for name in ("nobills", *FAILING)]
    assert all(attempt.error_code for attempt in failed)
    stages = {attempt.details["stage"] for attempt in failed}
    assert {"judge", "list", "download"} <= stages
    passwords_seen: Any = site.accounts.happened()["passwords_seen_once"]
    assert set(passwords_seen.values()) == {1}, "every account has had the canary, and only it"
    kinds = {piece.kind for piece in Evidence.objects.all()}
    assert kinds == {"screenshot", "page", "trace"}
    looked_at = 0
    for where, content in canaries.kept(installation, messages, stream.getvalue()):
        looked_at += 1
        for form in forms(CANARY):
            assert form not in content, where
    assert looked_at > 100


def test_a_leak_would_be_seen(make_bills: BillMaker, messages: Any, installation: Path) -> None:
    """The search itself: what holds the canary in the open is found."""
    make_bills("good", password=CANARY)
    Credential.objects.update(extra={"note": CANARY})
    found = {
        where
        for where, content in canaries.kept(installation, messages, "")
        for form in forms(CANARY)
        if form in content
    }
    assert found == {"table bills_credential"}
    assert keeping.expire_evidence() == 0
