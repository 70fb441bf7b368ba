"""A bill whose file is gone: it is named, and fetched again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from bills.models import Bill
from imports.models import ImportJob
from tests.bills.runs import came_of, run

if TYPE_CHECKING:
    from config.dev.sandbox.portal import PortalSite
    from tests.bills.runs import BillMaker

pytest_plugins = ("tests.bills.browser_fixtures",)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("warm")]


def verified(*options: str) -> tuple[int, dict[str, Any]]:
    """The exit code of verify_files, and what it found of the bills."""
    out, code = io.StringIO(), 0
    try:
        call_command("verify_files", "--json", *options, stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, json.loads(out.getvalue())


def test_a_bill_that_is_gone_or_cut_short_is_named_and_fetched_again(
    make_bills: BillMaker, site: PortalSite
) -> None:
    run(make_bills("good"))
    gone, short, altered = Bill.objects.order_by("pk")
    whole = Path(gone.file.path).read_bytes()
    assert verified()[0] == 0
    Path(gone.file.path).unlink()
    Path(short.file.path).write_bytes(Path(short.file.path).read_bytes()[:-7])
    content = Path(altered.file.path).read_bytes()
    Path(altered.file.path).write_bytes(content.replace(b"%%EOF", b"%%FOE"))

    code, found = verified()
    assert code == 1
    bills = found["bills"]
    assert (bills["expected"], bills["present"]) == (3, 2)
    assert (bills["missing_count"], bills["altered_count"]) == (1, 2)
    assert f"bill {gone.pk}" in bills["missing"][0]
    assert verified("--quick")[1]["bills"]["altered_count"] == 1  # it reads nothing

    Path(altered.file.path).write_bytes(content)
    code, found = verified("--fetch")
    (job_id,) = found["started"]
    run(ImportJob.objects.get(pk=job_id))
    assert came_of(ImportJob.objects.get(pk=job_id), "good").status == "success"
    assert verified() == (0, verified()[1])
    assert Path(gone.file.path).read_bytes() == whole
    assert Bill.objects.count() == 3


def test_nothing_is_fetched_where_nothing_is_gone(make_bills: BillMaker) -> None:
    run(make_bills("good"))
    assert verified("--fetch")[1]["started"] == []
