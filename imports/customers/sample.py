"""The sample that a first start leaves behind: an API that points at the sandbox, and a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from imports.customers import drafts
from imports.models import CustomerApi, ImportJob

if TYPE_CHECKING:
    from pathlib import Path

NAME = "Sandbox"
SANDBOX_PATH = "/api/customers-import/v1/customers"
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - the fake API's, printed by `manage.py sandbox`


def sandbox_api(url: str = "", **changes: object) -> CustomerApi:
    """The API "Sandbox", created where it is missing; its URL follows the sandbox's port."""
    values = {
        "url": (url or settings.SANDBOX_URL) + SANDBOX_PATH,
        "secret": SANDBOX_TOKEN,
        "batch_size": 50,
        "concurrency": 3,
        "delay_seconds": 0.2,
        "max_attempts": 3,
        "retry_delay_seconds": 1.0,
    } | changes
    api, _ = CustomerApi.objects.update_or_create(name=NAME, defaults=values)
    return api


def draft(files: list[Path], name: str = "Sample: 1,000 loyalty customers") -> ImportJob:
    """A draft with these files, ready to be started."""
    job = drafts.new_draft(sandbox_api(), name)
    for file in files:
        drafts.add_path(job, file)
    return job
