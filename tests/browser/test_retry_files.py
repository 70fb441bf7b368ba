"""Retry files as an operator handles them: one ZIP, corrected offline and loaded again."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from config.dev.sandbox.samples import customer_id
from tests.browser import walking
from tests.browser.walking import press

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.installation import Installation

FIRST = 2600
MISSPELT, LEFT_AS_IT_IS = FIRST + 3, FIRST + 4


@pytest.fixture(scope="module")
def refused(installation: Installation) -> int:
    """A job in which two customers were refused."""
    files = installation.files(first=FIRST, customers=20)
    installation.refuse(MISSPELT, LEFT_AS_IT_IS)
    job = installation.run_import(files, "Two to correct")
    installation.forgive()
    return job


def downloaded(page: Page, folder: Path) -> zipfile.ZipFile:
    """What the button ZIP of the Retry files tab that is open hands out."""
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    assert re.fullmatch(r"retry_batches_\d{8}_\d{6}\.zip", download.value.suggested_filename)
    download.value.save_as(folder / "retry.zip")
    return zipfile.ZipFile(folder / "retry.zip")


def failed_records(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    (name,) = (each for each in archive.namelist() if each.endswith("_failed.json"))
    found: list[dict[str, Any]] = json.loads(archive.read(name))["data"]
    return found


def test_the_retry_files_come_as_one_zip_with_a_summary_and_instructions(
    page: Page, installation: Installation, refused: int, tmp_path: Path
) -> None:
    page.goto(installation.job(refused, "retry-files/"))
    press(walking.retry_dialog(page), "No")
    with downloaded(page, tmp_path) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        assert names >= {"retry_summary.json", "RETRY_INSTRUCTIONS.md"}
        ids = [each["person"]["customerId"] for each in failed_records(archive)]
    assert ids == [customer_id(MISSPELT), customer_id(LEFT_AS_IT_IS)]


def test_a_corrected_file_goes_into_the_same_import(
    page: Page, installation: Installation, refused: int, tmp_path: Path
) -> None:
    page.goto(installation.job(refused, "retry-files/"))
    press(walking.retry_dialog(page), "No")
    with downloaded(page, tmp_path) as archive:
        records = failed_records(archive)
    records[0]["person"]["firstName"] = "Mary"
    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps({"data": records}, ensure_ascii=False))
    page.get_by_label("Corrected file").set_input_files(str(corrected))
    press(page, "Preview")

    expect(page.get_by_text("Nothing has been sent or stored yet.")).to_be_visible()
    row_outcomes = page.locator(".rd-cause")
    sent = row_outcomes.filter(has_text="Will be sent")
    expect(sent).to_contain_text(customer_id(MISSPELT))
    sent.get_by_text("What was changed of").click()
    expect(sent).to_contain_text('"firstName": "Mary"')
    expect(row_outcomes.filter(has_text="Left out")).to_contain_text(customer_id(LEFT_AS_IT_IS))
    page.get_by_label("What was wrong").fill("Her first name was misspelt")
    press(page, "Send 1 customer, corrected")

    expect(page).to_have_url(re.compile(r"/progress/$"))
    expect(page.get_by_text("1 of 1 imported", exact=True)).to_be_visible()
    assert installation.effects(MISSPELT, 1) == {1}
    assert installation.effects(LEFT_AS_IT_IS, 1) == {0}
    page.locator("#rd-find").fill(customer_id(MISSPELT))
    page.keyboard.press("Enter")
    expect(page.locator("#rd-sentence")).to_contain_text("was corrected by admin")
    expect(page.get_by_text("Her first name was misspelt").first).to_be_visible()
