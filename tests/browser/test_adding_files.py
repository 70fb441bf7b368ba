"""Files are judged when they are added, in sentences, and nothing starts while one is bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from config.dev.sandbox.samples import customer
from tests.browser import walking
from tests.browser.walking import button, press

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation


def row(page: Page, name: str) -> Locator:
    return page.locator("#rd-files tbody tr").filter(has_text=name)


def test_bad_files_show_why_and_have_to_go_before_start(
    page: Page, installation: Installation, tmp_path: Path
) -> None:
    files = {
        "good.json": json.dumps({"data": [customer(6000)]}),
        "cut_off.json": '{"data": [{"changeType": "CREATE", "per',
        "empty.json": "",
        "mixed.json": json.dumps({"data": [customer(6001), {"person": {}}, 7]}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    page.goto(installation.admin("imports/importjob/add/"))
    press(page, "Next: add files")
    walking.arrived(page, "files/")
    walking.watch(page)
    page.get_by_label("Add files").set_input_files([str(tmp_path / name) for name in files])

    expect(row(page, "good.json")).to_contain_text("Valid")
    expect(row(page, "cut_off.json")).to_contain_text("Cannot be read")
    expect(row(page, "cut_off.json")).to_contain_text("line 1, byte")
    expect(row(page, "empty.json")).to_contain_text("Cannot be read")
    expect(row(page, "mixed.json")).to_contain_text("2 records cannot be sent")
    expect(page.get_by_text("2 files cannot be read")).to_be_visible()
    expect(button(page, "Start")).to_have_count(0)

    press(page, "Remove unreadable files")
    expect(row(page, "empty.json")).to_have_count(0)
    expect(button(page, "Start")).to_be_visible()
    assert walking.is_same_page(page)


def test_a_directory_is_added_with_its_customer_files_only(
    page: Page, installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    (folder / "deeper").mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps({"data": [customer(6100)]}))
    (folder / "deeper" / "two.json").write_text(json.dumps({"data": [customer(6101)]}))
    (folder / "notes.txt").write_text("not for the API")
    page.goto(installation.admin("imports/importjob/add/"))
    press(page, "Next: add files")
    walking.arrived(page, "files/")
    page.get_by_label("Add directory").set_input_files(str(folder))
    expect(page.get_by_text("Added 2 files with 2 customers.")).to_be_visible()
    expect(page.locator("#rd-files tbody tr")).to_have_count(2)


def test_everything_is_checked_together_before_anything_is_sent(
    page: Page, installation: Installation, tmp_path: Path
) -> None:
    records = {"north.json": [customer(6200), 7], "south.json": [customer(6200), customer(6201)]}
    for name, found in records.items():
        (tmp_path / name).write_text(json.dumps({"data": found}))
    walking.new_draft(page, installation, "Tried first", [tmp_path / name for name in records])
    walking.watch(page)
    press(page, "Check everything")
    verdict = page.locator("#rd-dry-run")
    summary = "4 customers in 2 files: 3 would be sent in 2 batches, 1 would be left out"
    expect(verdict.get_by_role("status")).to_have_text(summary)
    expect(verdict).to_contain_text("is also record 1 of north.json")
    expect(button(verdict, "Check again")).to_be_visible()
    assert walking.is_same_page(page)
    assert installation.effects(6200, 2) == {0}

    page.get_by_label("Add files").set_input_files(str(tmp_path / "south.json"))
    expect(verdict).to_contain_text("The draft has changed since everything was checked")
