"""A member file from the upload to the last corrected row, as an operator and Excel handle it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from config.dev.sandbox.samples import customer, customer_id
from tests.browser import walking
from tests.browser.walking import press

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.installation import Installation

FIRST, ROWS = 1_000_000, 2_000
NO_DATE, REFUSED = FIRST + 7, (FIRST + 8, FIRST + 1_500)
HEADINGS = ["Medlemsnr", "Förnamn", "Efternamn", "Födelsedatum", "E-post", "Ort"]
COMPLETION_MS = 420_000


def row(n: int) -> list[str]:
    """One member, with what such files are full of: no-break spaces, dates with dots."""
    person = customer(n)["person"]
    year, month, day = person["birthday"].split("-")
    born = "31.02.1980" if n == NO_DATE else f"{day}.{month}.{year}"
    return [
        customer_id(n), f"{person['firstName']}\u00a0", f"\u00a0{person['lastName']}", born,
        person["emails"][0]["email"], person["addresses"][0]["city"],
    ]  # fmt: skip


def member_file(folder: Path) -> Path:
    """Semicolons, a byte order mark, CRLF, and an empty row now and then."""
    path = folder / "members.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(HEADINGS)
        for n in range(FIRST, FIRST + ROWS):
            rows.writerow(row(n))
            if n % 500 == 9:
                rows.writerow([""] * len(HEADINGS))
    return path


def as_excel_saves(content: bytes) -> bytes:
    """The rows corrected, in the encoding and with the dates that a Swedish Excel writes."""
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert table[0] == HEADINGS
    for cells in table[1:]:
        cells[2] = f"{cells[2].strip()}-RÄTT"
        day, month, year = cells[3].split(".")
        cells[3] = "1980-02-29" if (day, month) == ("31", "02") else f"{year}-{month}-{day}"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(table)
    return out.getvalue().encode("cp1252")


def test_bad_rows_of_a_member_file_come_back_as_rows_and_go_out_corrected(
    page: Page, installation: Installation, tmp_path: Path
) -> None:
    installation.refuse(*REFUSED)
    page.goto(installation.admin("imports/importjob/add/"))
    page.get_by_label("Name").fill("Members of the loyalty club")
    page.get_by_label("API").select_option("Sandbox")
    press(page, "Next: add files")
    walking.arrived(page, "files/")
    page.get_by_label("Add files").set_input_files(str(member_file(tmp_path)))
    page.get_by_role("link", name="Make a template from its headings").click(timeout=COMPLETION_MS)

    preview = page.locator("#rd-template-preview")
    expect(preview).to_contain_text("of the first 1,000 rows could not be sent")
    expect(preview).to_contain_text("“31.02.1980”")
    page.get_by_label("Name").fill("Loyalty club")
    press(page, "Save, and read the file by it")
    expect(page.get_by_text("1 cannot be sent").first).to_be_visible(timeout=COMPLETION_MS)
    expect(page.get_by_text("ROW_DATE").first).to_be_visible()

    page.get_by_role("link", name="Settings", exact=True).click()
    walking.fill_settings(page, delay_seconds=0, batch_size=100)
    page.get_by_role("link", name=re.compile("^Files")).first.click()
    press(page, "Start")
    walking.retry_dialog(page).wait_for(timeout=COMPLETION_MS)
    press(walking.retry_dialog(page), "No")
    job = walking.job_of(page)
    installation.forgive()

    page.goto(installation.job(job, "retry-files/"))
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    download.value.save_as(tmp_path / "retry.zip")
    with zipfile.ZipFile(tmp_path / "retry.zip") as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("failed_rows.csv"))
        content = archive.read(name)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert rows[1:] == [row(n) for n in sorted((NO_DATE, *REFUSED))]

    corrected = tmp_path / "failed_rows.csv"
    corrected.write_bytes(as_excel_saves(content))
    page.get_by_label("Corrected file").set_input_files(str(corrected))
    press(page, "Preview")
    page.get_by_label("What was wrong").fill("Corrected in the spreadsheet")
    press(page, "Send 3 customers, corrected")
    expect(page.get_by_text("3 of 3 imported", exact=True)).to_be_visible(timeout=COMPLETION_MS)
    assert installation.effects(FIRST, ROWS) == {1}
