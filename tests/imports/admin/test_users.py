"""Users: an administrator makes operators, but neither herself nor anybody a superuser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, Permission, User

from imports.admin.permissions import WORDS
from tests.imports.admin.conftest import logged_in

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def administrator(db: None) -> Client:
    """Logged in as somebody who may change users, and is no superuser."""
    user = User.objects.create(username="adam", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    return logged_in(user)


def fields(user: User) -> dict[str, object]:
    return {
        "username": user.username, "is_active": "on", "is_staff": "on", "is_superuser": "on",
        "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    }  # fmt: skip


def test_nobody_is_made_a_superuser_by_an_administrator(administrator: Client) -> None:
    adam = User.objects.get(username="adam")
    answer = administrator.post(f"/admin/auth/user/{adam.pk}/change/", fields(adam))
    assert answer.status_code == 302
    adam.refresh_from_db()
    assert adam.is_staff
    assert not adam.is_superuser


@pytest.mark.parametrize("act", ["change", "password", "delete"])
def test_a_superuser_is_out_of_an_administrators_reach(administrator: Client, act: str) -> None:
    root = User.objects.create(username="root", is_staff=True, is_superuser=True)
    place = f"/admin/auth/user/{root.pk}/{act}/"
    assert administrator.post(place, {**fields(root), "post": "yes"}).status_code == 403
    assert User.objects.filter(pk=root.pk).exists()


def test_a_superuser_makes_another(operator: Client) -> None:
    eva = User.objects.create(username="eva")
    assert operator.post(f"/admin/auth/user/{eva.pk}/change/", fields(eva)).status_code == 302
    eva.refresh_from_db()
    assert eva.is_superuser


def test_a_groups_permissions_are_ticked_in_words(operator: Client) -> None:
    group = Group.objects.create(name="Night shift")
    page = operator.get(f"/admin/auth/group/{group.pk}/change/").content.decode()
    assert "Start, pause, resume and cancel a job" in page
    assert "Manage portals" in page
    assert "log entry" not in page  # opens nothing here
    start = Permission.objects.get(codename="start_job")
    fields = {"name": group.name, "permissions": [start.pk]}
    assert operator.post(f"/admin/auth/group/{group.pk}/change/", fields).status_code == 302
    assert list(group.permissions.all()) == [start]


def test_a_permission_that_opens_nothing_here_is_kept_and_can_be_taken(operator: Client) -> None:
    other = Permission.objects.get(codename="view_logentry")
    eva = User.objects.create(username="eva")
    eva.user_permissions.add(other)
    page = operator.get(f"/admin/auth/user/{eva.pk}/change/").content.decode()
    assert "Can view log entry" in page


def test_every_permission_of_ours_has_words(db: None) -> None:
    ours = Permission.objects.filter(content_type__app_label__in=["imports", "bills"])
    named = {f"{each.content_type.app_label}.{each.codename}" for each in ours}
    assert named == {label for label in WORDS if label.split(".")[0] in ("imports", "bills")}


def test_a_person_is_put_into_a_group_by_a_tick(operator: Client) -> None:
    group = Group.objects.create(name="Night shift")
    eva = User.objects.create(username="eva")
    place = f"/admin/auth/user/{eva.pk}/change/"
    assert 'type="checkbox" name="groups"' in " ".join(
        operator.get(place).content.decode().split()
    )
    assert operator.post(place, {**fields(eva), "groups": [group.pk]}).status_code == 302
    assert list(eva.groups.all()) == [group]
