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
        "name": "Weekly", "kind": "folder", "folder": "weekly", "pattern": "*.json", "api": api.pk,
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


BUCKET = {
    "name": "Bucket", "kind": "s3", "folder": "s3://members/in", "pattern": "*.json",
    "endpoint": "https://s3.example", "user_name": "key", "secret": "s3cr3t-of-the-bucket",
    "is_active": "on", "starts": "on",
}  # fmt: skip
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SFTP = {
    "kind": "sftp", "folder": "sftp://sftp.example/in", "endpoint": "", "host_key": HOST_KEY,
}  # fmt: skip


def test_a_secret_is_stored_never_shown_and_asked_for_again_where_it_would_go_elsewhere(
    administrator: Client, api: CustomerApi
) -> None:
    fields = BUCKET | {"api": api.pk}
    assert administrator.post(reverse(ADD), fields | {"secret": ""}).status_code == 200
    assert administrator.post(reverse(ADD), fields).status_code == 302
    made = WatchedFolder.objects.get()
    assert made.secret == "s3cr3t-of-the-bucket"
    change = reverse("admin:imports_watchedfolder_change", args=[made.pk])
    assert "s3cr3t" not in administrator.get(change).content.decode()
    kept = fields | {"secret": "", "pattern": "*.csv"}
    assert administrator.post(change, kept).status_code == 302
    moved = administrator.post(change, kept | {"endpoint": "https://elsewhere.example"})
    assert "secret" in moved.context["adminform"].form.errors
    made.refresh_from_db()
    assert (made.secret, made.pattern) == ("s3cr3t-of-the-bucket", "*.csv")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"folder": "members/in"}, "folder"),
        ({"endpoint": "ftp://s3.example"}, "endpoint"),
        (SFTP | {"folder": "sftp://user:secret@sftp.example/in"}, "folder"),
        (SFTP | {"host_key": "nonsense"}, "host_key"),
        (SFTP | {"user_name": ""}, "user_name"),
        (SFTP | {"secret": "-----BEGIN PRIVATE KEY----- nothing"}, "secret"),
    ],
)
def test_a_wrong_field_of_a_place_is_named(
    administrator: Client, api: CustomerApi, wrong: dict[str, str], field: str
) -> None:
    answer = administrator.post(reverse(ADD), BUCKET | {"api": api.pk} | wrong)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not WatchedFolder.objects.exists()
