"""Exports of a job of bills: the CSV's own columns come along, passwords never."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from imports.admin.job.page import act_url
from tests.bills.runs import PASSWORD, credential_of, full
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from django.test import Client

    from tests.bills.runs import BillMaker

PLACES: list[tuple[str, dict[str, str]]] = [("progress", {"what": "results"}), ("failures", {})]


@pytest.mark.parametrize(("tab", "query"), PLACES)
def test_an_export_has_the_csvs_further_columns_and_no_password(
    client: Client, make_bills: BillMaker, tab: str, query: dict[str, str]
) -> None:
    job = make_bills("good", "otp")
    answer(job, OK, REFUSED)
    client.force_login(User.objects.create(username="ann", is_staff=True, is_superuser=True))
    response: Any = client.get(act_url(job.pk, tab, "export"), query | {"as": "csv"})
    text = b"".join(response).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert (rows[0][:4], rows[0][-1]) == (["Job", "Row", "E-mail", "Status"], "cred_id")
    assert (rows[-1][2:5], rows[-1][-1]) == ([full("otp"), "Failed", "HTTP_422"], "00002")
    assert PASSWORD not in str(rows)
    assert credential_of("otp").password == PASSWORD  # it was there to be told
