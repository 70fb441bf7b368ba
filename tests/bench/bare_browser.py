"""The slow peer: one fresh browser for each credential, one after the other, nothing recorded.

`python bare_browser.py CHROMIUM URL CSV FOLDER` prints seconds.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []
LINKS = "links => links.map(link => link.href)"


def main(chromium: str, url: str, path: str, folder: str) -> None:
    """The clock starts with the first browser and stops when the last one has ended."""
    with Path(path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    started = time.perf_counter()
    with sync_playwright() as playwright:
        for row in rows:
            fetch(playwright, chromium, url, row, Path(folder))
        seconds = time.perf_counter() - started
    sys.stdout.write(f"{seconds}\n")


def fetch(
    playwright: Playwright, chromium: str, url: str, row: dict[str, str], folder: Path
) -> None:
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/portal/login")
    page.get_by_label("E-mail").fill(row["email"])
    page.get_by_label("Password").fill(row["password"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Your bills").wait_for()
    for link in page.locator("tr.bill .pdf a").evaluate_all(LINKS):
        content = context.request.get(link).body()
        (folder / f"{row['cred_id']}-{link.rpartition('/')[2]}").write_bytes(content)
    browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:5])
