"""Large files are read by a worker; one that dies or comes late loses and changes nothing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models.functions import Now

from imports.customers import background, drafts
from imports.engine import queue, sweeper
from imports.models import CustomerApi, ImportFile, ImportJob
from tests.uploads import customers, received, upload

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.usefixtures("messages")


@pytest.mark.usefixtures("always_large")
def test_a_file_that_a_killed_worker_was_at_is_read_by_the_next(
    draft: ImportJob, pass_time: Callable[[float], None]
) -> None:
    file, waits = received(draft), received(draft, "b.json", 10)
    ImportFile.objects.filter(pk=file.pk).update(token=uuid.uuid4(), alive_at=Now())
    queue.run_job(draft.pk)  # another one is at work: one file after the other
    assert {each.status for each in draft.files.all()} == {"reading"}
    assert draft not in sweeper.needing_a_worker()
    pass_time(61)
    assert draft in sweeper.needing_a_worker()
    queue.run_job(draft.pk)
    assert [each.status for each in draft.files.all()] == ["valid", "valid"]
    assert waits.pk is not None


@pytest.mark.usefixtures("always_large")
def test_a_worker_that_wakes_up_after_another_has_read_changes_nothing(
    draft: ImportJob, monkeypatch: pytest.MonkeyPatch, pass_time: Callable[[float], None]
) -> None:
    file = received(draft)
    finish = background._finish

    def late(*arguments: Any) -> None:
        monkeypatch.setattr(background, "_finish", finish)
        pass_time(61)
        queue.run_job(draft.pk)
        ImportFile.objects.filter(pk=file.pk).update(name="read by the other")
        finish(*arguments)

    monkeypatch.setattr(background, "_finish", late)
    queue.run_job(draft.pk)
    found = draft.files.get()
    assert (found.name, found.status, found.token) == ("read by the other", "valid", None)


@pytest.mark.usefixtures("always_large")
def test_files_that_wait_are_compared_with_those_before_them(draft: ImportJob) -> None:
    received(draft)
    received(draft, "b.json")  # other bytes would be customers of the same ids
    drafts.add_upload(draft, upload("c.json", customers(2, 6)))
    queue.run_job(draft.pk)
    found = list(draft.files.order_by("pk").values_list("status", "duplicate_count"))
    assert found[2] == ("valid", 2)


@pytest.mark.usefixtures("always_large")
def test_a_file_whose_draft_goes_to_another_api_meanwhile_is_judged_for_that_one(
    draft: ImportJob, api: CustomerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    received(draft)
    other = CustomerApi.objects.create(name="other", url=api.url)
    apis: list[int | None] = []
    judge = drafts.judge

    def move_on(file: ImportFile, **options: Any) -> None:
        apis.append(file.job.api_id)
        judge(file, **options)
        ImportJob.objects.filter(pk=draft.pk).update(api=other)

    monkeypatch.setattr(drafts, "judge", move_on)
    queue.run_job(draft.pk)
    assert apis == [api.pk, other.pk]
    assert draft.files.get().status == "valid"


@pytest.mark.usefixtures("always_large")
@pytest.mark.parametrize("discard", [False, True])
def test_what_is_removed_while_it_is_read_stays_removed(
    draft: ImportJob, monkeypatch: pytest.MonkeyPatch, discard: bool
) -> None:
    file = received(draft)
    judge = drafts.judge

    def removing(reading: ImportFile, **options: Any) -> None:
        if discard:
            drafts.remove_draft(ImportJob.objects.get(pk=draft.pk))
        else:
            drafts.remove_file(ImportFile.objects.get(pk=file.pk))
        judge(reading, **options)

    monkeypatch.setattr(drafts, "judge", removing)
    background.carry_out(draft)
    assert not ImportFile.objects.exists()
    assert ImportJob.objects.filter(pk=draft.pk).exists() is not discard
