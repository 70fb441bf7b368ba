"""What `make run` prepares: a login, and on the first start samples that are ready to click."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from bills.portal_setup import sandbox_portal
from config.dev.sandbox import stories
from config.dev.sandbox.samples import write_csv, write_files
from imports.models import ImportJob

LOGIN, PASSWORD = "admin", "redrive"


class Command(BaseCommand):
    """Does nothing where a database is named: there, people make their own accounts."""

    help = "Make the development login and the samples, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED_POSTGRES:
            return
        self._make_login()
        self._make_import()
        self._make_portal()
        port = os.environ.get("PORT", "8000")
        self.stdout.write(f"\n  Redrive   http://127.0.0.1:{port}/admin/")
        self.stdout.write(f"  Log in    {LOGIN} / {PASSWORD}\n\n")

    def _make_login(self) -> None:
        users = get_user_model().objects
        if not users.exists():
            users.create_superuser(LOGIN, password=PASSWORD)

    def _make_import(self) -> None:
        stories.sandbox_api()
        if not ImportJob.objects.exists():
            stories.sample_draft(write_files(settings.HOME / "samples" / "customers"))

    def _make_portal(self) -> None:
        """The portal, and a CSV to upload: a job of bills is for a person to make."""
        sandbox_portal()
        path = settings.HOME / "samples" / "credentials.csv"
        if not path.exists():
            write_csv(path)
