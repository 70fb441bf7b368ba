"""An import from a CSV beside one of the same records from JSON, from file to last outcome."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

from django.conf import settings

from config.dev.sandbox.samples import customer
from imports.customers import drafts
from imports.engine import queue as engine_queue
from imports.engine import runner
from imports.ledger import lifecycle, totals
from imports.models import CustomerApi, ImportJob, RecordTemplate
from imports.states import OPEN
from tests.bench import posting, sink
from tests.bench.results import Section

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS, BATCH, IN_FLIGHT = 100_000, 50, 32
HEADINGS = ["Kundnr", "Förnamn", "Efternamn", "Född", "E-post", "Gata", "Postnr", "Ort", "Mobil"]
DOCUMENT = {
    "fields": [
        {"path": "changeType", "constant": "UPSERT"},
        {"path": "type", "constant": "PERSON"},
        {"path": "person.customerId", "column": "Kundnr", "empty": "refuse"},
        {"path": "person.firstName", "column": "Förnamn"},
        {"path": "person.lastName", "column": "Efternamn"},
        {"path": "person.birthday", "column": "Född", "type": "date", "format": "dd.mm.yyyy"},
        {"path": "person.emails.0.email", "column": "E-post"},
        {"path": "person.addresses.0.street", "column": "Gata"},
        {"path": "person.addresses.0.postalCode", "column": "Postnr"},
        {"path": "person.addresses.0.city", "column": "Ort"},
        {"path": "person.addresses.0.contactPurposeTypeCode", "constant": "PRIVATE"},
        {"path": "person.addresses.0.contactMethodTypeCode", "constant": "HOME"},
        {"path": "person.phones.0.number", "column": "Mobil"},
    ]
}


def run() -> Section:
    """Each twice in turn, of which the better counts."""
    table = _table(settings.HOME / "members")
    with sink.running() as url:
        template = _template(url)
        records = _records(table, template)
        turns = [(_seconds(table, template), _seconds(records, template)) for _ in range(2)]
    ours, json_s = (min(seconds) for seconds in zip(*turns, strict=True))
    section = Section(f"An import of {MEMBERS:,} members from CSV and from JSON, to a local nginx")
    section.add(
        "from CSV, by a record template: from the file to the last outcome", f"{ours:.1f} s"
    )
    section.add("the same records from JSON", f"{json_s:.1f} s")
    section.ratio("from CSV : from JSON", ours / json_s, at_most=1.3)
    return section


def _table(folder: Path) -> Path:
    """Semicolons, a byte order mark, no-break spaces, dates with dots, empty rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "members.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(HEADINGS)
        for n in range(MEMBERS):
            person = customer(n)["person"]
            address, born = person["addresses"][0], person["birthday"].split("-")
            rows.writerow(
                [
                    person["customerId"], person["firstName"], f"\u00a0{person['lastName']}",
                    ".".join(reversed(born)), person["emails"][0]["email"], address["street"],
                    address["postalCode"], address["city"], person["phones"][0]["number"],
                ]
            )  # fmt: skip
            if n % 1_000 == 0:
                rows.writerow([""] * len(HEADINGS))
    return path


def _template(url: str) -> RecordTemplate:
    api, _ = CustomerApi.objects.update_or_create(
        name="sink",
        defaults={
            "url": url, "secret": "bench-token", "mapping": {"proof": "status", "results": []},
            "batch_size": BATCH, "concurrency": IN_FLIGHT, "delay_seconds": 0.0,
        },
    )  # fmt: skip
    template, _ = RecordTemplate.objects.update_or_create(
        name="bench", version=1, defaults={"api": api, "document": DOCUMENT, "headings": HEADINGS}
    )
    return template


def _records(table: Path, template: RecordTemplate) -> Path:
    """The same records as a JSON file."""
    job = drafts.new_draft(template.api, "bench: records")
    file = drafts.add_path(job, table, template=template)
    path = table.with_name("members.json")
    path.write_bytes(file.location.read_bytes())
    drafts.remove_draft(job)
    return path


def _seconds(path: Path, template: RecordTemplate) -> float:
    """From the file to the last outcome. Sent with `force`: the same customers go out again."""
    with posting._workers("rqworker", "--verbosity", "0"):
        started = time.perf_counter()
        job = drafts.new_draft(template.api, "bench: members", force=True)
        drafts.add_path(job, path, template=template)
        lifecycle.start(job)
        runner.read_input(ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk))
        engine_queue.enqueue(job.pk, posting.WORKERS)
        while job.batches.filter(status__in=OPEN).exists():
            time.sleep(posting.LOOK_SECONDS)
        seconds = time.perf_counter() - started
    found = totals.job_totals(job).success
    if found != MEMBERS:
        raise posting.Broken(f"{found} of {MEMBERS} members are recorded as imported.")
    return seconds
