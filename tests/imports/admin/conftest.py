"""Who looks at the pages: an operator who may do everything, and a viewer who may only look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from imports.engine import runner
from tests.jobs import LOST, OK, REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.models import ImportJob
    from tests.jobs import JobMaker

VIEWS = ("importjob", "importbatch", "importresult", "attempt", "customerapi")


@pytest.fixture
def operator(db: None) -> Client:
    """Logged in as anna, who may do everything."""
    return logged_in(User.objects.create(username="anna", is_staff=True, is_superuser=True))


@pytest.fixture
def viewer(db: None) -> Client:
    """Logged in as somebody who may look at everything and do nothing."""
    return with_permissions("viewer")


def with_permissions(name: str, *codenames: str) -> Client:
    """Logged in as somebody who may look, and what else is named."""
    user = User.objects.create(username=name, is_staff=True)  # no password: hashing takes its time
    wanted = [f"view_{model}" for model in VIEWS] + list(codenames)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="imports", codename__in=wanted)
    )
    return logged_in(user)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def failed_job(make_job: JobMaker) -> Callable[..., ImportJob]:
    """Make an ended job of 12 customers in 4 batches: two good, one refused, one unknown."""

    def make(unknown: bool = True, customers: int = 12) -> ImportJob:
        job = make_job(customers)
        answers = [OK] * (job.batches.count() - 2) + [REFUSED, LOST if unknown else OK]
        answer(job, *answers)
        return ended(job)

    return make


def ended(job: ImportJob) -> ImportJob:
    """Finished and closed, as a worker leaves it."""
    from imports.ledger import lifecycle

    lifecycle.finish_if_done([job.pk])
    job.refresh_from_db()
    runner.close(job)
    job.refresh_from_db()
    return job


def url(job: ImportJob, tab: str, act: str = "") -> str:
    """The address of a tab or of what is done on it, as an operator sees it."""
    return f"/admin/imports/importjob/{job.pk}/{tab}/" + (f"{act}/" if act else "")
