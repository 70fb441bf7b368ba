"""NUL and half characters in an address, a form or a cookie: no result, and never a failure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from imports.admin.job import page
from imports.outside_text import REPLACEMENT, printable
from tests.crawling import DIGITS, Crawl
from tests.jobs import LOST, OK, REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import ImportJob
    from tests.jobs import JobMaker

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"(?:GET|POST)(?:\.get|\.getlist)?[(\[]\"(\w+)\"|parameter_name = \"(\w+)\"")
DJANGOS_OWN = {"q", "p", "o", "e", "_popup", "_to_field", "_changelist_filters", "action", "next"}
NUL, HALF = "\x00", "\ud800"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    job = make_job(9)
    answer(job, OK, REFUSED, LOST)
    return job


def parameters() -> set[str]:
    """Every parameter and field that any page reads by name."""
    sources = [path for app in ("imports", "bills") for path in (ROOT / app).rglob("*.py")]
    found = {name for path in sources for pair in READ.findall(path.read_text()) for name in pair}
    assert {"q", "of", "reason", "status", "code"} <= found
    return (found | DJANGOS_OWN | {"cause"}) - {""}


def pages(client: Client) -> Iterator[str]:
    """One address of each shape."""
    seen: set[str] = set()
    crawl = Crawl(client, alike=1)
    for address, _content in crawl.pages():
        path = urlsplit(address.split(" ")[0]).path
        if path.startswith("/") and path not in seen and "logout" not in path:
            seen.add(path)
    yield from sorted({DIGITS.sub("N", path): path for path in seen}.values())


def test_no_page_fails_at_a_parameter_that_the_database_cannot_hold(
    operator: Client, job: ImportJob
) -> None:
    names = sorted(parameters())
    asked = [dict.fromkeys(names, NUL)] + [{name: NUL} for name in ("q", "cause", "code")]
    addresses = list(pages(operator))
    assert len(addresses) > 30
    for path in addresses:
        for query in asked:
            assert operator.get(f"{path}?{urlencode(query)}").status_code < 500


def test_no_form_fails_at_a_text_that_the_database_cannot_hold(
    operator: Client, job: ImportJob, make_job: JobMaker
) -> None:
    for each in (make_job.draft(3), job):
        for tab in page.of("customers").tabs:
            for act in tab.acts:
                kwargs = {"pk": each.pk, "tab": tab.slug, "act": act}
                fields = dict.fromkeys(parameters() - {"action"}, f"a{NUL}b")
                address = reverse("admin:imports_importjob_act", kwargs=kwargs)
                assert operator.post(address, fields).status_code < 500


@pytest.mark.parametrize("term", [NUL, f"5000{NUL}"])
def test_a_search_for_it_finds_nothing(term: str, operator: Client, job: ImportJob) -> None:
    found = operator.get(reverse("admin:imports_find"), {"q": term})
    assert (found.status_code, found.context["found"]) == (200, [])
    listed = operator.get(reverse("admin:imports_importresult_changelist"), {"q": term})
    assert listed.context["cl"].result_count == 0
    kwargs = {"pk": job.pk, "tab": "failures"}
    address = reverse("admin:imports_importjob_tab", kwargs=kwargs)
    for parameter in ("q", "cause", "code"):
        assert operator.get(address, {parameter: term}).status_code == 200


def test_a_path_and_a_cookie_with_nul_find_nothing(operator: Client) -> None:
    assert operator.get("/admin/imports/importjob/%00/change/").status_code == 404
    operator.cookies["sessionid"] = NUL
    assert operator.get("/admin/").status_code == 302  # nobody is logged in with it


def test_other_text_is_left_as_it_is() -> None:
    text = "räksmörgås 🍤 \t\r\n"
    assert printable(text) is text
    assert printable(f"a{NUL}b{HALF}c") == f"a{REPLACEMENT}b{REPLACEMENT}c"


def too_many() -> dict[str, list[SimpleUploadedFile]]:
    most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
    return {"files": [SimpleUploadedFile(f"{n}.json", b"{}") for n in range(most + 1)]}


@pytest.mark.parametrize("is_htmx", [True, False])
def test_more_files_than_one_upload_may_hold_are_refused_in_words(
    is_htmx: bool, operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    kwargs = {"pk": job.pk, "tab": "files", "act": "add"}
    address = reverse("admin:imports_importjob_act", kwargs=kwargs)
    headers = {"HX-Request": "true"} if is_htmx else {}
    refused = operator.post(address, too_many(), headers=headers)
    if is_htmx:
        assert refused.headers["HX-Refresh"] == "true"  # the page that comes says it
        refused = operator.get(
            reverse("admin:imports_importjob_change", args=[job.pk]), follow=True
        )
    else:
        assert refused.status_code == 400
    assert "2,000 files" in refused.content.decode()
    assert job.files.count() == 1
