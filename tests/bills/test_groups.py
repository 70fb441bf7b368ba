"""Viewers, Operators, Administrators: what a migration makes of them, and what each may do."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from bills.models import Bill, Credential, Evidence, PortalTest
from imports.admin.job import page as job_page
from imports.admin.job.page import act_url, tab_url
from imports.fields import cipher
from imports.models import RetryFile
from tests.imports.admin.conftest import ended, logged_in
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from django.test import Client

    from imports.models import CustomerApi, ImportJob
    from tests.bills.runs import BillMaker
    from tests.jobs import JobMaker

LOOK = {
    "imports.view_importjob", "imports.view_importbatch", "imports.view_importresult",
    "imports.view_attempt", "imports.view_customerapi", "imports.view_recordtemplate",
    "bills.view_portal", "bills.view_bill",
    "bills.view_billdelivery", "bills.view_destination",
    "bills.view_schedule",
}  # fmt: skip
OPERATE = LOOK | {
    "imports.add_importjob", "imports.change_importjob", "imports.delete_importjob",
    "imports.start_job", "imports.retry_job", "imports.resolve_unknown",
    "imports.exclude_records", "imports.see_evidence", "imports.export_records",
    "bills.manage_credentials", "imports.manage_notifications", "bills.manage_schedules",
    "imports.manage_templates",
}  # fmt: skip
ADMINISTER = OPERATE | {
    "imports.manage_apis", "imports.manage_watched_folders", "bills.manage_portals",
    "bills.manage_destinations", "django_rq.admin", "imports.erase_person",
    "auth.view_user", "auth.add_user", "auth.change_user", "auth.delete_user",
    "auth.view_group", "auth.add_group", "auth.change_group", "auth.delete_group",
}  # fmt: skip
MAY = {"Viewers": LOOK, "Operators": OPERATE, "Administrators": ADMINISTER}
SAID = {  # how the README puts it
    "see jobs, records, attempts, bills": LOOK - {"bills.view_schedule"},
    "see schedules": {"bills.view_schedule"},
    "manage schedules": {"bills.manage_schedules"},
    "prepare a job: add, change, rename, duplicate, discard a draft": {
        f"imports.{act}_importjob" for act in ("add", "change", "delete")
    },
    "start, pause, resume, cancel": {"imports.start_job"},
    "retry failed records": {"imports.retry_job"},
    "decide about unknown records": {"imports.resolve_unknown"},
    "exclude records": {"imports.exclude_records"},
    "see evidence: answers, screenshots, pages, traces": {"imports.see_evidence"},
    "take records out: retry files, exports, ZIPs": {"imports.export_records"},
    "manage accounts: upload credentials, enter passwords and codes": {"bills.manage_credentials"},
    "choose who is notified of what": {"imports.manage_notifications"},
    "manage record templates": {"imports.manage_templates"},
    "choose where bills are delivered": {"bills.manage_destinations"},
    "erase a person": {"imports.erase_person"},
    "manage customer APIs": {"imports.manage_apis"},
    "choose which folders are watched": {"imports.manage_watched_folders"},
    "manage portals": {"bills.manage_portals"},
    "see django-rq's own pages (the queue)": {"django_rq.admin"},
    "manage users and groups": {each for each in ADMINISTER if each.startswith("auth.")},
}
ELSEWHERE: dict[str, set[str]] = {  # besides what is done on a job's tabs
    "admin:index": set(),
    "admin:imports_importjob_changelist": {"imports.view_importjob"},
    "admin:imports_importjob_add": {"imports.add_importjob"},
    "admin:imports_importresult_changelist": {"imports.view_importresult"},
    "admin:imports_erase": {"imports.erase_person"},
    "admin:imports_customerapi_changelist": {"imports.view_customerapi"},
    "admin:imports_customerapi_add": {"imports.manage_apis"},
    "admin:imports_watchedfolder_changelist": {"imports.manage_watched_folders"},
    "admin:imports_watchedfolder_add": {"imports.manage_watched_folders"},
    "admin:imports_channel_changelist": {"imports.manage_notifications"},
    "admin:imports_notificationdelivery_changelist": {"imports.manage_notifications"},
    "admin:bills_new": {"imports.add_importjob", "bills.manage_credentials"},
    "admin:bills_bill_changelist": {"bills.view_bill"},
    "admin:bills_portal_changelist": {"bills.view_portal"},
    "admin:bills_credential_changelist": {"bills.manage_credentials"},
    "admin:bills_credential_add": {"bills.manage_credentials"},
    "admin:bills_accounts_upload": {"bills.manage_credentials"},
    "admin:bills_accounts_export": {"bills.manage_credentials", "imports.export_records"},
    "admin:bills_schedule_changelist": {"bills.view_schedule"},
    "admin:bills_schedule_add": {"bills.manage_schedules"},
    "admin:bills_portal_add": {"bills.manage_portals"},
    "admin:bills_recorder_paste": {"bills.manage_portals"},
    "admin:bills_billdelivery_changelist": {"bills.view_billdelivery"},
    "admin:bills_destination_changelist": {"bills.view_destination"},
    "admin:bills_destination_add": {"bills.manage_destinations"},
    "admin:imports_recordtemplate_changelist": {"imports.view_recordtemplate"},
    "admin:imports_recordtemplate_add": {"imports.manage_templates"},
    "admin:auth_user_add": {"auth.add_user"},
    "admin:auth_group_add": {"auth.add_group"},
    "django_rq:home": {"django_rq.admin"},
}
# What names one file, and has tests of its own.
OF_A_FILE = {
    ("retry-files", "zip"), ("retry-files", "view"), ("retry-files", "file"),
    ("files", "template"),
}  # fmt: skip
OF_ONE = {
    ("POST", "admin:imports_customerapi_test"): {"imports.manage_apis"},
    ("POST", "admin:imports_customerapi_delete"): {"imports.manage_apis"},
    ("GET", "admin:bills_portal_test"): {"bills.manage_portals", "bills.manage_credentials"},
    ("GET", "admin:bills_portal_watch"): {"bills.manage_portals", "bills.manage_credentials"},
    ("GET", "admin:bills_recorder"): {
        "bills.manage_portals",
        "bills.manage_credentials",
        "imports.see_evidence",
    },
    ("GET", "admin:bills_recorder_paste_for"): {"bills.manage_portals"},
    ("POST", "admin:bills_portal_resume"): {"bills.manage_schedules"},
    ("POST", "admin:bills_portal_delete"): {"bills.manage_portals"},
    ("GET", "admin:bills_bill_pdf"): {"bills.view_bill"},
    ("GET", "admin:bills_evidence"): {"imports.see_evidence"},
}


def make_groups() -> None:
    """What the migration does on a database that is new, or as it is now."""
    import_module("bills.migrations.0002_groups").make_groups(apps, None)


def names(group: str) -> set[str]:
    rows = Permission.objects.filter(group__name=group)
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


@pytest.fixture(params=list(MAY))
def group(request: pytest.FixtureRequest, db: None) -> str:
    """The name of each of the groups, as the migration makes it."""
    Group.objects.all().delete()
    make_groups()
    return str(request.param)


@pytest.fixture
def member(group: str) -> Client:
    """Logged in as a member of staff who is in that group and has no permission besides."""
    user = User.objects.create(username="maja", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return logged_in(user)


@pytest.fixture
def imported(make_job: JobMaker) -> ImportJob:
    """An ended import with failures and retry files."""
    job = make_job(6)
    answer(job, OK, REFUSED)
    return ended(job)


@pytest.fixture
def fetched(make_bills: BillMaker) -> ImportJob:
    """A job of bills, with one bill and a piece of evidence that were put there by hand."""
    job = make_bills("good", "otp")
    batch = job.batches.order_by("pk")[0]
    bill = Bill(
        portal=make_bills.portal, account="good@example.test", email="good@example.test",
        number="1", date=date(2026, 10, 3), sha256="0" * 64, size=5, batch=batch, attempt_number=1,
    )  # fmt: skip
    bill.file.save("1.pdf", ContentFile(b"%PDF-"))
    token = cipher().encrypt(b"<p>")
    Evidence.objects.create(batch=batch, kind="page", token=token, expires_at=timezone.now())
    return job


def asked(client: Client, method: str, address: str, data: dict[str, Any]) -> int:
    send = client.get if method == "GET" else client.post
    return send(address, data).status_code


def check(may: set[str], needed: set[str], status: int, summary: str) -> None:
    """403 without the permission, and an answer with it."""
    if needed <= may:
        assert status in (200, 302, 422), summary
    else:
        assert status == 403, summary


# What the migration makes


def test_a_group_has_what_the_table_says(group: str) -> None:
    assert names(group) == MAY[group]


def test_the_documentation_says_the_same(group: str) -> None:
    page = (settings.BASE_DIR / "docs/permissions.md").read_text()
    head, _line, *rows = [
        line.strip("| ").split(" |") for line in page.splitlines() if "|" in line
    ]
    column = [name.strip() for name in head].index(group) + 1
    ticked = {row[0]: row[column].strip() == "✓" for row in rows}
    assert set(ticked) == set(SAID)
    assert ticked == {said: SAID[said] <= MAY[group] for said in SAID}


def test_the_groups_are_made_where_no_permission_is_there_yet(db: None) -> None:
    Group.objects.all().delete()
    Permission.objects.all().delete()
    make_groups()
    assert {each: names(each) for each in MAY} == MAY
    before = Permission.objects.count()
    for app in ("imports", "bills", "auth", "django_rq"):
        create_permissions(apps.get_app_config(app), verbosity=0)  # as after the last migration
    assert Permission.objects.count() == before


def test_a_group_of_that_name_that_somebody_made_is_left_as_it_is(db: None) -> None:
    Group.objects.all().delete()
    Group.objects.create(name="Operators")
    make_groups()
    assert names("Operators") == set()


def test_each_group_may_do_its_acts_on_an_import_and_no_other(
    group: str, member: Client, imported: ImportJob
) -> None:
    walk(member, MAY[group], imported)


def test_each_group_may_do_its_acts_on_a_job_of_bills_and_no_other(
    group: str, member: Client, fetched: ImportJob
) -> None:
    walk(member, MAY[group], fetched)


def walk(client: Client, may: set[str], job: ImportJob) -> None:
    """Every tab, and everything that can be done on one."""
    file = RetryFile.objects.filter(job=job).first()
    result = job.results.order_by("pk")[0]
    data = {"which": "all", "file": "invalid", "id": result.pk, "of": file.pk if file else ""}
    for tab in job_page.of(job.kind).tabs:
        assert client.get(tab_url(job.pk, tab.slug)).status_code == 200
        for name, act in tab.acts.items():
            if (tab.slug, name) in OF_A_FILE:
                continue
            for method in act.methods:
                status = asked(client, method, act_url(job.pk, tab.slug, name), data)
                check(may, {act.permission}, status, f"{method} {tab.slug}/{name}: {status}")


def test_each_group_may_be_where_it_may_and_nowhere_else(group: str, member: Client) -> None:
    for view, needed in ELSEWHERE.items():
        status = asked(member, "GET", reverse(view), {})
        check(MAY[group], needed, status, f"{view}: {status}")


def test_each_group_may_do_its_acts_beside_jobs_and_no_other(
    group: str, member: Client, api: CustomerApi, fetched: ImportJob
) -> None:
    rows = {
        "customerapi": api.pk,
        "portal": fetched.bill_run.portal_id,
        "recorder": fetched.bill_run.portal_id,
        "bill": Bill.objects.get().pk,
        "evidence": Evidence.objects.get().pk,
        "bills_portal_watch": PortalTest.objects.create(
            portal=fetched.bill_run.portal, credential=Credential.objects.all()[0]
        ).pk,
    }
    for (method, view), needed in OF_ONE.items():
        pk = rows.get(view.removeprefix("admin:"), rows.get(view.split("_")[1]))
        status = asked(member, method, reverse(view, args=[pk]), {})
        check(MAY[group], needed, status, f"{view}: {status}")


def test_a_zip_of_bills_needs_the_right_to_see_bills_too(db: None, fetched: ImportJob) -> None:
    user = User.objects.create(username="eva", is_staff=True)
    codenames = ["view_importjob", "export_records"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    assert logged_in(user).get(act_url(fetched.pk, "bills", "zip")).status_code == 403
