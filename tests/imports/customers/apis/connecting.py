"""An API connected by its form, a file imported, and what the ledger then says of each record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imports.customers import drafts
from imports.ledger import lifecycle
from imports.models import CustomerApi, ImportJob
from tests.jobs import assert_totals_hold, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

FORM: dict[str, Any] = {
    "name": "any", "preset": "plain", "auth": "none", "batch_size": 5, "concurrency": 2,
    "delay_seconds": 0, "timeout_seconds": 5, "max_attempts": 2, "retry_delay_seconds": 0,
    "refusal_stored_nothing": "no",
}  # fmt: skip


def connected(operator: Client, url: str, mapping: dict[str, Any], **fields: Any) -> CustomerApi:
    """The API as its form saves it."""
    data = FORM | {"url": url, "mapping": json.dumps(mapping)} | fields
    page = operator.post("/admin/imports/customerapi/add/", data)
    assert page.status_code == 302, page.context["adminform"].form.errors
    return CustomerApi.objects.get(name=data["name"])


def members(count: int, *refused: int) -> list[dict[str, Any]]:
    """So many records; those whose numbers are named want to be refused."""
    return [
        {"no": f"M{number}", "wish": "refuse" if number in refused else "store"}
        for number in range(count)
    ]


def imported(
    api: CustomerApi,
    records: list[dict[str, Any]],
    folder: Path,
    pass_time: Callable[[float], None],
) -> ImportJob:
    """A job of these records that has run to its end, or as far as it gets."""
    job = started(api, records, folder)
    run(job, pass_time)
    assert_totals_hold(job)
    return job


def started(api: CustomerApi, records: list[dict[str, Any]], folder: Path) -> ImportJob:
    folder.mkdir(exist_ok=True)
    path = folder / f"members_{ImportJob.objects.count()}.json"
    path.write_text(json.dumps({"data": records}), encoding="utf-8")
    job = drafts.new_draft(api, path.name, "anna")
    drafts.add_path(job, path)
    lifecycle.start(job, "anna")
    return job


def statuses(job: ImportJob) -> dict[str, str]:
    return dict(job.results.values_list("key", "status"))


def expected(records: list[dict[str, Any]]) -> dict[str, str]:
    """What the records wish for."""
    return {each["no"]: "error" if each["wish"] == "refuse" else "success" for each in records}


def assigned(job: ImportJob) -> dict[str, str]:
    return dict(job.results.filter(assigned__isnull=False).values_list("key", "assigned__value"))
