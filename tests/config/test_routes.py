"""Every address, asked by everyone: anonymous, staff without a group, and the three groups.

routes.txt has a line for each: its name, the method, and the five answers. A new address fails
here until it has one; the failure shows the line as it is now. Read it before you add it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLResolver, get_resolver

from bills.models import Credential, Portal
from imports.admin.job import page as job_pages
from imports.engine import runner
from imports.models import Channel, ImportJob
from tests.jobs import REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs import JobMaker

TABLE = Path(__file__).parent / "routes.txt"
PEOPLE = ("anonymous", "staff", "Viewers", "Operators", "Administrators")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
FIXED = {
    "queue_index": "0", "scheduler_index": "0", "connection_index": "0", "job_id": "none",
    "result_id": "none", "key": "none", "scheduler_name": "none", "cron_job_name": "none",
    "form": "csv", "content_type_id": "1", "app_label": "imports", "token": "", "url": "nowhere",
}  # fmt: skip


def routes(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, pattern) of every address; those of the job's tabs and acts one by one."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from routes(each.url_patterns, path, inner)
        elif each.name in ("imports_importjob_tab", "imports_importjob_act"):
            yield from of_tabs(f"{space}{each.name}", path)
        else:
            yield f"{space}{each.name or path}", path


def of_tabs(name: str, pattern: str) -> Iterator[tuple[str, str]]:
    for kind in ("customers", "bills"):
        for tab in job_pages.of(kind).tabs:
            begin = f"admin/imports/importjob/{{{kind}}}/{tab.slug}/"
            if name.endswith("_tab"):
                yield f"{kind} {tab.slug}", begin
            else:
                for act in tab.acts:
                    yield f"{kind} {tab.slug} {act}", f"{begin}{act}/"


@pytest.fixture
def ids(make_job: JobMaker) -> dict[str, str]:
    """A row of everything that an address names."""
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    runner.run(job)
    channel = Channel.objects.create(name="us", kind="email", recipients="a@b.se")
    portal = Portal.objects.create(
        name="p", login_url="https://p.example/", billing_url="https://p.example/b"
    )
    credential = Credential.objects.create(
        portal=portal, email="a@b.se", account="a@b.se", password="secret"
    )
    rate_limit = job.rate_limit
    bills = ImportJob.objects.create(kind="bills", name="b", rate_limit=rate_limit)
    assert channel.pk
    assert credential.pk
    return {"customers": str(job.pk), "bills": str(bills.pk)}


def path_of(name: str, pattern: str, ids: dict[str, str]) -> str:
    """The address with ids of rows that exist, or of none where there is no such row."""

    def value(found: re.Match[str]) -> str:
        parameter = found[1] or found[2]
        return FIXED.get(parameter) or row_id(name, ids)

    path = pattern.format(**ids) if "{customers}" in pattern or "{bills}" in pattern else pattern
    return "/" + PARAMETER.sub(value, path).replace("^", "").replace("/?$", "/").rstrip("$")


def row_id(name: str, ids: dict[str, str]) -> str:
    for model in apps.get_models():
        label = f":{model._meta.app_label}_{model._meta.model_name}_"
        if label in name and name.startswith("admin:"):
            if model is ImportJob:
                return ids["customers"]
            first = model._default_manager.order_by("pk").first()
            return str(first.pk) if first else "999999"
    return ids.get(name, "999999")


def clients() -> dict[str, Client]:
    """One for each of PEOPLE."""
    found = {"anonymous": Client()}
    for name in PEOPLE[1:]:
        user = User.objects.create_user(name, is_staff=True)
        user.groups.set(Group.objects.filter(name=name))
        found[name] = Client()
        found[name].force_login(user)
    for client in found.values():
        client.raise_request_exception = False
    return found


def answers(path: str, people: dict[str, Client]) -> str:
    """The method that the address takes, and what each of the five gets."""
    method = "GET"
    statuses = [each.get(path).status_code for each in people.values()]
    if 405 in statuses:
        method = "POST"
        statuses = [each.post(path).status_code for each in people.values()]
    return f"{method} {' '.join(map(str, statuses))}"


@pytest.mark.django_db
def test_every_address_answers_everyone_as_the_table_says(
    ids: dict[str, str], groups: None
) -> None:
    wanted = dict(line.split(" | ") for line in TABLE.read_text().splitlines())
    people = clients()
    found = {}
    for name, pattern in routes():
        if name not in ("admin:logout",):  # asked last: it ends what the others need
            found[name] = answers(path_of(name, pattern, ids), people)
    found["admin:logout"] = answers("/admin/logout/", people)
    wrong = [
        f"{name} | {line}    (the table: {wanted.get(name, 'has no line')})"
        for name, line in found.items() if wanted.get(name) != line
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert set(wanted) == set(found), "the table has lines of addresses that are gone"


def test_nobody_without_a_login_gets_further_than_the_login_page() -> None:
    """What an anonymous visitor is answered with anything but the way to the login."""
    open_to_all = {
        line.split(" | ")[0]
        for line in TABLE.read_text().splitlines()
        if line.split()[-5] not in ("302", "403", "404")
    }
    assert open_to_all == {
        "admin:login", "admin:jsi18n", "healthz", "metrics", "readyz",
    }  # fmt: skip


def test_nothing_fails_for_anybody() -> None:
    statuses = {int(s) for line in TABLE.read_text().splitlines() for s in line.split()[-5:]}
    assert max(statuses) < 500
