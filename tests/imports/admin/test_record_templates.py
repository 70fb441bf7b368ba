"""Record templates through the pages: made from a file, tried, saved, versioned, used."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.customers import drafts
from imports.customers.members import sources
from imports.engine import queue
from imports.models import RecordTemplate
from tests import jobs
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.imports.customers.members.tables import DOCUMENT, HEADINGS, member, saved, text

if TYPE_CHECKING:
    from django.test import Client

    from imports.models import CustomerApi, ImportFile, ImportJob

LIST = "/admin/imports/recordtemplate/"
CONTENT = text(*(member(n) for n in range(4)), member(4, Född="x"))


@pytest.fixture
def draft(api: CustomerApi, messages: Any) -> ImportJob:
    return drafts.new_draft(api, "members")


def added(client: Client, draft: ImportJob, content: str = CONTENT) -> ImportFile:
    upload = SimpleUploadedFile("members.csv", content.encode("utf-8-sig"))
    client.post(url(draft, "files", "add"), {"files": [upload]})
    return draft.files.latest("pk")


def sent(**changes: str) -> dict[str, str]:
    """A form with two fields."""
    fields = {
        "fields-TOTAL_FORMS": "2", "fields-INITIAL_FORMS": "0",
        "fields-0-path": "person.customerId", "fields-0-column": "Kundnr", "fields-0-trim": "on",
        "fields-1-path": "person.birthday", "fields-1-column": "Född", "fields-1-type": "date",
        "fields-1-format": "dd.mm.yyyy", "fields-1-trim": "on",
    }  # fmt: skip
    return {"name": "Members", "short_rows": "refuse", **fields, **changes}


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the editor's form as it stands."""
    form = page[page.index('id="rd-template"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form, re.DOTALL):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        is_box = 'type="checkbox"' in tag
        if name and (not is_box or "checked" in tag):
            found[name[1]] = "on" if is_box else value[1] if value else ""
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    for name, body in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</texta', form, re.DOTALL):
        found[name] = body.strip()
    return {name: unescape(value) for name, value in found.items()}


def test_a_table_without_a_template_leads_to_one_that_is_guessed_tried_and_saved(
    operator: Client, draft: ImportJob
) -> None:
    file = added(operator, draft)
    assert file.status == "waiting"
    panel = operator.get(url(draft, "files")).content.decode()
    link = f"{LIST}add/?file={file.pk}"
    assert link in panel
    page = operator.get(link)
    assert page.context["preview"].looked_at == 5
    form = form_of(page.content.decode()) | {"name": "Members"}
    assert form["fields-0-path"] == "changeType"
    status = next(name for name, value in form.items() if value == "person.status")
    form[status.replace("path", "values")] = "A = ACTIVE"
    tried = operator.post(f"{LIST}preview/?file={file.pk}", form)
    assert tried.context["preview"].faulty == 1
    saving = operator.post(link, form | {"save": "1"})
    assert saving.status_code == 302, saving.context["complaints"]
    assert saving["Location"] == url(draft, "files")
    file.refresh_from_db()
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 5, 1)
    template = RecordTemplate.objects.get()
    assert (template.name, template.version, template.created_by) == ("Members", 1, "anna")
    assert template.headings == list(HEADINGS)


def test_a_template_goes_through_the_editor_unchanged(operator: Client, api: CustomerApi) -> None:
    fields = [
        *DOCUMENT["fields"],
        {"path": "tags", "columns": ["A", "B"], "empty": "null"},
        {"path": "points", "column": "P", "type": "number", "decimal": ",", "trim": False},
        {"path": "code", "constant": "5"},
        {"path": "since", "column": "S", "type": "date", "write_as": "dd/mm/yyyy"},
        {
            "path": "kind",
            "column": "K",
            "values": {"1": 1, "2": "true", "3": None},
            "others": "keep",
        },
    ]
    before = saved(api, fields=fields, short_rows="fill")
    page = operator.get(f"{LIST}{before.pk}/change/").content.decode()
    saving = operator.post(f"{LIST}{before.pk}/change/", form_of(page) | {"save": "1"})
    assert saving.status_code == 302, saving.context["complaints"]
    after = RecordTemplate.objects.get(is_current=True)
    assert after.version == 2
    for new, old in zip(after.document["fields"], before.document["fields"], strict=True):
        assert new == old
    assert after.document["short_rows"] == "fill"


def test_saving_makes_the_next_version_and_never_over_somebody_elses(
    operator: Client, api: CustomerApi
) -> None:
    first = saved(api)
    assert operator.post(f"{LIST}{first.pk}/change/", sent(save="1")).status_code == 302
    assert operator.post(f"{LIST}{first.pk}/change/", sent(save="1")).status_code == 422
    found = RecordTemplate.objects.order_by("version").values_list("version", "is_current")
    assert list(found) == [(1, False), (2, True)]
    page = operator.get(LIST).content.decode()
    assert page.count("field-version") == 1
    again = operator.post(f"{LIST}add/", sent(save="1", api=str(api.pk)))
    assert again.status_code == 422  # the name is taken


def test_everything_that_is_wrong_is_named_and_nothing_saved(
    operator: Client, api: CustomerApi
) -> None:
    wrong = {"fields-0-path": "a..b", "fields-1-format": "dd.mm", "api": str(api.pk)}
    page = operator.post(f"{LIST}add/", sent(save="1", **wrong))
    assert page.status_code == 422
    assert len(page.context["complaints"]) == 2
    assert not RecordTemplate.objects.exists()


def test_fields_are_added_removed_and_guessed_from_pasted_rows(
    operator: Client, api: CustomerApi
) -> None:
    more = operator.post(f"{LIST}add/", sent(add="1", api=str(api.pk)))
    assert len(more.context["editor"].formset.forms) == 3
    removed = sent(save="1", api=str(api.pk), **{"fields-1-DELETE": "on"})
    assert operator.post(f"{LIST}add/", removed).status_code == 302
    assert len(RecordTemplate.objects.get().document["fields"]) == 1
    guessed = operator.post(f"{LIST}add/", sent(guess="1", api=str(api.pk), pasted=CONTENT))
    assert guessed.context["preview"].looked_at == 5


def test_the_live_preview_stores_nothing(operator: Client, draft: ImportJob) -> None:
    file = added(operator, draft)
    preview = operator.post(f"{LIST}preview/?file={file.pk}", sent(api=str(draft.api_id)))
    assert preview.context["preview"].looked_at == 5
    assert "50000001000" in preview.content.decode()
    assert operator.get(f"{LIST}preview/").status_code == 405
    assert not RecordTemplate.objects.exists()


def test_hostile_cells_and_headings_are_text(operator: Client, draft: ImportJob) -> None:
    content = text(member(0, Förnamn="<script>alert(1)</script>")).replace("Status", "<b>S</b>")
    file = added(operator, draft, content)
    for page in (operator.get(f"{LIST}add/?file={file.pk}"), operator.get(url(draft, "files"))):
        assert "<script>alert" not in page.content.decode()
        assert "<b>S</b>" not in page.content.decode()


def test_another_template_can_be_chosen_on_the_files_tab(
    operator: Client, draft: ImportJob, api: CustomerApi
) -> None:
    file = added(operator, draft)
    template = saved(api, "Chosen", headings=[])
    chosen = {"file": str(file.pk), "template": str(template.pk)}
    operator.post(url(draft, "files", "template"), chosen)
    file.refresh_from_db()
    assert (file.status, file.member.template) == ("valid", template)
    page = operator.get(url(draft, "files")).content.decode()
    assert "Chosen" in page
    assert f"{len(CONTENT.encode('utf-8-sig'))}\xa0bytes" in page


def test_a_large_table_is_read_in_the_background_while_the_page_shows_how_far(
    operator: Client, draft: ImportJob, api: CustomerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(api)
    monkeypatch.setattr(sources, "AT_ONCE_BYTES", 1)
    file = added(operator, draft)
    assert file.status == "reading"
    panel = operator.get(url(draft, "files", "panel"), headers={"HX-Request": "true"})
    assert "every 2s" in panel.content.decode()
    queue.run_job(draft.pk)
    panel = operator.get(url(draft, "files", "panel"), headers={"HX-Request": "true"})
    assert "every 2s" not in panel.content.decode()
    file.refresh_from_db()
    assert file.status == "valid"


def test_a_failures_page_shows_the_row_and_the_record(
    operator: Client, draft: ImportJob, api: CustomerApi
) -> None:
    saved(api)
    drafts.add_upload(draft, SimpleUploadedFile("m.csv", CONTENT.encode()))
    from imports.engine import runner
    from imports.ledger import lifecycle

    lifecycle.start(draft)
    runner.read_input(draft)
    jobs.answer(draft, jobs.REFUSED, jobs.REFUSED)
    ended(draft)
    for result in draft.results.all():
        page = operator.get(f"/admin/imports/importresult/{result.pk}/change/")
        assert page.context["own_row"].cells[0] == result.key
        assert page.context["own_row"].number == result.position + 1
    assert "failed_rows.csv" in operator.get(url(draft, "retry-files")).content.decode()


def test_a_viewer_sees_templates_and_changes_none(
    viewer: Client, api: CustomerApi, draft: ImportJob
) -> None:
    template = saved(api)
    looking = with_permissions("looking", "view_recordtemplate")
    assert viewer.get(LIST).status_code == 403
    assert looking.get(LIST).status_code == 200
    assert looking.get(f"{LIST}{template.pk}/change/").status_code == 200
    assert looking.post(f"{LIST}{template.pk}/change/", sent(save="1")).status_code == 403
    assert looking.get(f"{LIST}add/").status_code == 403
    assert looking.post(f"{LIST}preview/", sent()).status_code == 403
    assert looking.post(url(draft, "files", "template"), {}).status_code == 403


def test_deleting_a_template_deletes_all_its_versions(operator: Client, api: CustomerApi) -> None:
    first = saved(api)
    operator.post(f"{LIST}{first.pk}/change/", sent(save="1"))
    latest = RecordTemplate.objects.get(is_current=True)
    operator.post(f"{LIST}{latest.pk}/delete/", {"post": "yes"})
    assert not RecordTemplate.objects.exists()
