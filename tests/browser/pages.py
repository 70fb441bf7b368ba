"""The main pages, name and address, for whoever looks at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser import walking
from tests.pages import OF_ADMIN, OF_FORMS, TABS, TABS_OF_BILLS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation


def of_admin(installation: Installation) -> dict[str, str]:
    """Home, the lists and the forms."""
    first = {"api": 1, "portal": 1, "user": 1, "group": 2}
    paths = OF_ADMIN | OF_FORMS
    return {name: installation.admin(path.format(**first)) for name, path in paths.items()}


def of_job(installation: Installation, job: int) -> dict[str, str]:
    """Each tab of an import."""
    return {f"job_{tab}": installation.job(job, f"{tab}/") for tab in TABS}


def of_records(page: Page, installation: Installation, job: int) -> dict[str, str]:
    """A failed record, its batch, an attempt, and the question before records are excluded."""
    failed = one_that_failed(page, installation, job)
    found = {
        "record": installation.admin(f"imports/importresult/{failed}/change/"),
        "fix": installation.admin(f"imports/importresult/{failed}/fix/"),
    }
    page.goto(found["record"])
    found["batch"] = installation.url + href(page, "importbatch")
    page.goto(installation.admin(f"imports/attempt/?job={job}"))
    found["attempt"] = installation.url + href(page, "attempt")
    found["exclude"] = installation.job(job, f"failures/exclude/?ids={failed}")
    return found


def of_bills(page: Page, installation: Installation, job: int) -> dict[str, str]:
    """The tabs of a job of bills, one of its credentials, and the form for a new one."""
    found = {f"bills_{tab}": installation.job(job, f"{tab}/") for tab in TABS_OF_BILLS}
    failed = one_that_failed(page, installation, job)
    page.goto(installation.admin())
    new = page.get_by_role("link", name="New bill download").first.get_attribute("href")
    return found | {
        "bills_credential": installation.job(job, f"credentials/one/?id={failed}"),
        "bills_new": f"{installation.url}{new}",
    }


def one_that_failed(page: Page, installation: Installation, job: int) -> int:
    """The id of one of the job's failed results."""
    results = walking.details(page, installation, job)["results"]
    return int(next(each["id"] for each in results if each["status"] == "error"))


def href(page: Page, model: str) -> str:
    """Where the first link to one of these leads."""
    link = page.locator(f"a[href*='/{model}/'][href*='/change/']").first
    return str(link.get_attribute("href")).partition("?")[0]
