"""Bills by any filter, as a ZIP and as lists."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from bills.admin.bills import BillAdmin
from bills.models import Portal

if TYPE_CHECKING:
    from django.test import Client

    from tests.bills.deliveries.conftest import BillMaker

pytestmark = pytest.mark.django_db


def taken(client: Client, form: str, query: dict[str, str]) -> bytes:
    response: Any = client.get(reverse("admin:bills_bill_export", args=[form]), query)
    assert response.status_code == 200
    return b"".join(response)


def test_all_bills_that_a_filter_matches_are_taken_out_as_a_zip_and_as_lists(
    client: Client, store: BillMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BillAdmin, "list_per_page", 1)  # what is taken out is no page of them
    wanted = [store("F1"), store("F2", date=date(2026, 10, 3), contract="K-17")]
    other = Portal.objects.create(name="Water", login_url="https://w.example/", billing_url="")
    store("W1", portal=other)
    client.force_login(User.objects.create(username="ann", is_staff=True, is_superuser=True))
    query = {"portal__id__exact": str(wanted[0].portal_id)}
    listed = client.get(reverse("admin:bills_bill_changelist"), query).content.decode()
    assert reverse("admin:bills_bill_export", args=["zip"]) + "?portal__id__exact=" in listed
    with zipfile.ZipFile(io.BytesIO(taken(client, "zip", query))) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    assert sorted(contents) == sorted(bill.file.read() for bill in wanted)
    rows = json.loads(taken(client, "json", query))
    assert [(row["number"], row["date"], row["amount"], row["contract"]) for row in rows] == [
        ("F2", "2026-10-03", "120.5000", "K-17"), ("F1", "2026-11-03", "120.5000", ""),
    ]  # fmt: skip
    text = taken(client, "csv", query).decode("utf-8-sig")
    assert [row["number"] for row in csv.DictReader(text.splitlines())] == ["F2", "F1"]
    assert len(json.loads(taken(client, "json", {"q": "W1"}))) == 1
    assert json.loads(taken(client, "json", {"q": "nothing"})) == []
    assert client.get(reverse("admin:bills_bill_export", args=["exe"])).status_code == 404
