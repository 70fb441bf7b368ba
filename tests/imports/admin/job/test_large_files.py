"""Large files on the Files tab: received at once, read by a worker, followed and replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imports.customers import background, drafts
from imports.customers.members import sources
from imports.engine import queue, runner
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from tests.imports.admin.conftest import url
from tests.imports.engine.test_queue import work
from tests.uploads import customers, received, upload

if TYPE_CHECKING:
    from django.test import Client

    from imports.models import CustomerApi, ImportJob

pytestmark = pytest.mark.usefixtures("messages")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("always_large")
def test_a_large_file_is_received_and_a_worker_checks_it(
    operator: Client, draft: ImportJob, messages: Any
) -> None:
    answer = operator.post(
        url(draft, "files", "add"),
        {"files": [upload("a.json", customers(0, 12))]},
        headers={"HX-Request": "true"},
    ).content.decode()
    file = draft.files.get()
    assert (file.status, file.record_count, file.sha256) == ("reading", 0, "")
    assert "every 2s" in answer
    assert "0 customers read so far" in answer
    assert url(draft, "progress", "start") not in answer
    with pytest.raises(NotAllowed):
        lifecycle.start(draft)
    work(messages)
    file.refresh_from_db()
    assert (file.status, file.record_count, file.asked_at) == ("valid", 12, None)
    page = operator.get(url(draft, "files")).content.decode()
    assert url(draft, "progress", "start") in page
    assert "every 2s" not in page
    lifecycle.start(draft)
    assert runner.read_input(draft)
    assert draft.results.count() == 12


@pytest.mark.usefixtures("always_large")
def test_the_page_says_how_many_customers_were_read(
    operator: Client, draft: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "SIGN_SECONDS", 0.0)
    drafts.add_upload(draft, upload("a.json", customers(0, 1_500)))
    pages = []
    finish = background._finish

    def looked_at(*arguments: Any) -> None:
        pages.append(operator.get(url(draft, "files", "panel")).content.decode())
        panel = operator.get(url(draft, "files", "panel"), headers={"HX-Request": "true"})
        pages.append(panel.content.decode())
        finish(*arguments)

    monkeypatch.setattr(background, "_finish", looked_at)
    queue.run_job(draft.pk)
    assert "1,500 customers read so far" in pages[-1]


def test_of_many_files_the_first_are_checked_at_once(
    operator: Client, draft: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = [customers(10 * n, 4) for n in range(3)]
    monkeypatch.setattr(sources, "AT_ONCE_BYTES", len(content[0]) + len(content[1]))
    files = [upload(f"{n}.json", each) for n, each in enumerate(content)]
    operator.post(url(draft, "files", "add"), {"files": files})
    statuses = list(draft.files.order_by("pk").values_list("status", flat=True))
    assert statuses == ["valid", "valid", "reading"]


@pytest.mark.usefixtures("always_large")
def test_a_refused_file_says_what_is_wrong_where_and_another_takes_its_place(
    operator: Client, draft: ImportJob
) -> None:
    received(draft, "good.json")
    broken = customers(50, 2)[:-2] + b', {"a" 1}]}'
    drafts.add_upload(draft, upload("broken.json", broken))
    queue.run_job(draft.pk)
    file = draft.files.get(name="broken.json")
    assert file.status == "invalid"
    said = str(file.message)
    assert "broken.json" in said
    assert "line 1" in said
    assert "Choose another file" in operator.get(url(draft, "files")).content.decode()
    instead = {"files": [upload("better.json", customers(50, 2))], "instead": str(file.pk)}
    operator.post(url(draft, "files", "add"), instead)
    queue.run_job(draft.pk)
    files = dict(draft.files.values_list("name", "status"))
    assert files == {"good.json": "valid", "better.json": "valid"}


def test_only_a_refused_file_of_the_same_draft_gives_way(
    operator: Client, draft: ImportJob, api: CustomerApi
) -> None:
    mine = received(draft)
    other = drafts.new_draft(api, "other")
    theirs = drafts.add_upload(other, upload("bad.json", b"no json"))
    for number, pk in enumerate((mine.pk, theirs.pk, "x")):
        new = upload(f"{number}.json", customers(100 * (number + 1), 1))
        operator.post(url(draft, "files", "add"), {"files": [new], "instead": str(pk)})
    assert draft.files.count() == 4
    assert other.files.count() == 1
