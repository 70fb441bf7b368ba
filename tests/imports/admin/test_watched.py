"""The page of a watched folder names its place, its files and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from imports.models import CustomerApi, WatchedFile, WatchedFolder

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db

ADD = "admin:imports_watchedfolder_add"


@pytest.fixture
def administrator(client: Client, messages: Any) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


def test_a_folder_is_added_and_shows_its_files(administrator: Client, api: CustomerApi) -> None:
    fields = {
        "name": "Weekly", "folder": "weekly", "pattern": "*.json", "api": api.pk,
        "is_active": "on", "starts": "on",
    }  # fmt: skip
    assert administrator.post(reverse(ADD), fields | {"folder": "../x"}).status_code == 200
    assert administrator.post(reverse(ADD), fields).status_code == 302
    made = WatchedFolder.objects.get()
    WatchedFile.objects.create(folder=made, name="members.json")
    page = administrator.get(reverse("admin:imports_watchedfolder_change", args=[made.pk]))
    assert "members.json" in page.content.decode()
    listed = administrator.get(reverse("admin:imports_watchedfolder_changelist"))
    assert "weekly" in listed.content.decode()
