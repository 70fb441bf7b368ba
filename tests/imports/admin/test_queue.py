"""django-rq's own pages: behind a permission, not only behind the login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns

from config.urls import urlpatterns
from imports.engine import queue
from tests.imports.admin.conftest import logged_in

if TYPE_CHECKING:
    from django.urls import URLResolver

PAGES = {
    "home": {}, "home_json": {}, "jobs": {"queue_index": 0}, "failed_jobs": {"queue_index": 0},
    "started_jobs": {"queue_index": 0}, "workers": {"queue_index": 0},
}  # fmt: skip


@pytest.fixture
def database(db: None) -> Client:
    """Logged in as somebody who may see the queue and nothing else."""
    user = User.objects.create(username="kaj", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="django_rq"))
    return logged_in(user)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_the_permission(
    viewer: Client, database: Client, messages: Any, page: str
) -> None:
    address = reverse(f"django_rq:{page}", kwargs=PAGES[page])
    assert viewer.get(address).status_code == 403
    assert database.get(address).status_code == 200
    assert "/login/" in Client().get(address)["Location"]


def test_every_page_that_django_rq_has_is_guarded() -> None:
    mounted: URLResolver = urlpatterns[0]  # type: ignore[assignment]
    theirs = [*get_api_urlpatterns(), *get_admin_urlpatterns()]
    ours = {str(each.pattern): each for each in mounted.url_patterns}
    assert set(ours) == {str(each.pattern) for each in theirs}
    assert all(ours[str(each.pattern)].callback is not each.callback for each in theirs)


@pytest.mark.django_db(transaction=True)  # messages are enqueued on commit
def test_emptying_the_queue_needs_it_too(viewer: Client, database: Client, messages: Any) -> None:
    queue.enqueue(1)
    address = reverse("django_rq:clear", args=[0])
    assert viewer.post(address).status_code == 403
    assert len(messages) == 1
    assert database.post(address).status_code == 302
    assert len(messages) == 0


@pytest.mark.django_db(transaction=True)
def test_a_queue_message_shows_the_id_of_a_job_and_nothing_else(
    database: Client, messages: Any
) -> None:
    queue.enqueue(4711)
    (message,) = messages.get_jobs()
    page = database.get(reverse("django_rq:job_detail", args=[0, message.id]))
    assert page.status_code == 200
    assert "imports.engine.queue.run_job" in page.content.decode()
    assert "<li>4711</li>" in page.content.decode()


def test_the_sidebar_has_it_for_those_who_may(viewer: Client, operator: Client) -> None:
    link = f'href="{reverse("django_rq:home")}"'
    assert link not in viewer.get("/admin/").content.decode()
    assert link in operator.get("/admin/").content.decode()
