"""Where the pages of a job are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse

from imports.states import JobStatus

if TYPE_CHECKING:
    from django.http import HttpResponseRedirect

    from imports.models import ImportJob


def tab_url(job_id: int, tab: str) -> str:
    """The address of a job's tab."""
    return reverse("admin:imports_importjob_tab", kwargs={"pk": job_id, "tab": tab})


def act_url(job_id: int, tab: str, act: str) -> str:
    """The address of what is done on a tab."""
    return reverse("admin:imports_importjob_act", kwargs={"pk": job_id, "tab": tab, "act": act})


def to_tab(job: ImportJob, tab: str) -> HttpResponseRedirect:
    """After a POST: the tab is read anew."""
    return redirect(tab_url(job.pk, tab))


def first_tab(job: ImportJob) -> str:
    """Where a job's page opens: a draft on its input, anything else on its progress."""
    from imports.admin import workspace

    if job.status == JobStatus.DRAFT:
        return workspace.of(job.kind).tabs[0].slug
    return "progress"
