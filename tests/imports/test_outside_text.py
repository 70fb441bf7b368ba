"""Text from outside is cut before it is stored: every column that takes some, with 10 MB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models

from bills.browser.plan import BillKey
from bills.csv import reader
from imports.customers import drafts
from imports.customers.members.delimited import LONGEST_HEADING, headings_of
from imports.fields import EncryptedTextField, MessageField, OutsideTextField
from imports.ledger import outcomes
from imports.ledger.outcomes import Finding
from imports.messages import LONGEST_TEXT, Message, Said, marked, sentence, to_json
from imports.models import Attempt, ImportBatch, ImportResult, JobEvent
from imports.policy import Outcome, RecordOutcome, Verdict
from tests.jobs import send

if TYPE_CHECKING:
    from imports.models import CustomerApi
    from tests.jobs import JobMaker

LONG = "ö" * 10_000_000
SAYS = sentence("TEST_OUTSIDE_SAYS", marked("The other side says{why}; it named {value}."))
# Every other text column, and why nothing long from outside gets there.
OURS = {
    "RateLimit.key": "made of ids",
    "ImportJob.retry_directory": "our own path",
    "CustomerApi.mapping_text": "an administrator's own",
    "CustomerApi.ca_certificates": "an administrator's own",
    "ImportFile.path": "our own path, or an operator's, which the system limits",
    "RetryFile.directory": "our own path",
    "MemberFile.source": "our own path",
    "Channel.recipients": "an administrator's own",
    "Destination.location": "checked when it is saved",
    "Destination.host_key": "checked when it is saved",
    "WatchedFolder.host_key": "checked when it is saved",
}
MODELS = [
    model for model in apps.get_models() if model._meta.app_label in ("imports", "bills")
]  # fmt: skip


def columns(kind: type[models.Field[Any, Any]]) -> list[Any]:
    return [
        pytest.param(field, id=f"{model.__name__}.{field.name}")
        for model in MODELS
        for field in model._meta.fields
        if isinstance(field, kind)
    ]


@pytest.mark.parametrize("column", columns(models.TextField))
def test_every_column_of_text_cuts_or_is_our_own(column: models.Field[Any, Any]) -> None:
    if isinstance(column, OutsideTextField):
        assert len(column.get_prep_value(LONG)) == LONGEST_TEXT
    elif not isinstance(column, EncryptedTextField):
        assert f"{column.model.__name__}.{column.name}" in OURS


@pytest.mark.parametrize("column", columns(MessageField))
def test_every_column_of_messages_cuts_each_text(column: MessageField) -> None:
    message = SAYS.format(why=Said(LONG, LONG), value=LONG) + LONG
    for text in (message, LONG):
        stored = column.get_db_prep_value(text, connection)
        assert len(str(getattr(stored, "obj", stored))) < 8 * LONGEST_TEXT


def test_a_sentence_is_cut_as_a_whole() -> None:
    message = SAYS.format(why=Said(LONG), value=LONG)
    assert len(str(message)) <= LONGEST_TEXT
    assert len(json.dumps(to_json(message), ensure_ascii=False)) < 4 * LONGEST_TEXT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mixed", [False, True])
def test_an_answer_of_ten_megabytes_in_all_its_parts_is_stored_short(
    make_job: JobMaker, mixed: bool
) -> None:
    job = make_job(2, batch_size=2)
    (work,) = send(job)
    said: Message = SAYS.format(why=Said(LONG, LONG), value=LONG)
    records = (
        RecordOutcome(Verdict.SUCCESS, assigned=LONG),
        RecordOutcome(Verdict.REJECTED, LONG, said),
    )
    outcome = Outcome(
        Verdict.MIXED if mixed else Verdict.REJECTED, LONG, said, http_status=400, answer=LONG,
        cause=LONG,
        details={"title": LONG, LONG: [LONG, {"heading": LONG}]},
        records=records if mixed else (),
    )  # fmt: skip
    outcomes.record(job, [Finding(work, outcome)])
    assert not job.results.filter(status="pending").exists()
    for model in (Attempt, ImportBatch, ImportResult, JobEvent):
        for row in model._default_manager.filter(job=job).values():
            whole = json.dumps({k: v for k, v in row.items() if k != "body"}, default=str)
            assert len(whole) < 100 * LONGEST_TEXT
            assert max(map(len, map(str, row.values()))) < 20 * LONGEST_TEXT


@pytest.mark.django_db
def test_a_file_name_a_heading_and_a_bad_value_of_any_length_are_stored_short(
    api: CustomerApi,
) -> None:
    job = drafts.new_draft(api, LONG, actor="anna")
    record = json.dumps({"data": [{"changeType": LONG[:100_000], "person": {"customerId": LONG}}]})
    for content in (record.encode(), LONG.encode(), b'{"' + LONG.encode() + b'": 1}'):
        drafts.add_upload(job, SimpleUploadedFile("a.json", content), name=LONG)
    for row in [*job.files.values(), *type(job).objects.values()]:
        assert max(map(len, map(str, row.values()))) < 3 * LONGEST_TEXT


def test_headings_and_addresses_are_cut() -> None:
    assert [len(each) for each in headings_of([LONG, "b"], "m.csv")] == [LONGEST_HEADING, 1]
    assert len(BillKey.of("", None, None, document=LONG).document) < LONGEST_TEXT
    assert len(LONG) > reader.LONGEST_CELL
