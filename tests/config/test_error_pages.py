"""Refused requests: each page says what was wrong, and has a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config import error_pages
from imports.admin import home

if TYPE_CHECKING:
    from django.http import HttpResponse

pytestmark = pytest.mark.django_db
HOME = b'href="/admin/"'


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ann", is_staff=True))
    return client


def is_whole(answer: HttpResponse) -> bool:
    """Whether it is a page of ours with a way back."""
    return HOME in answer.content and b"errors.css" in answer.content


@pytest.mark.parametrize("path", ["/nowhere", "/admin/imports/importjob/99/progress/"])
def test_a_page_that_is_not_there_leads_home(staff: Client, path: str) -> None:
    User.objects.update(is_superuser=True)
    answer = staff.get(path)
    assert answer.status_code == 404
    assert is_whole(answer)  # type: ignore[arg-type]


def test_a_page_that_one_may_not_see_leads_home(staff: Client) -> None:
    answer = staff.get("/admin/imports/importjob/")
    assert answer.status_code == 403
    assert is_whole(answer)  # type: ignore[arg-type]


def test_a_form_of_another_site_is_refused_with_a_page() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/admin/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert is_whole(answer)  # type: ignore[arg-type]


def test_a_failure_of_ours_leads_home_without_the_database(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise RuntimeError("a secret of a customer")

    monkeypatch.setattr(home, "overview", fail)
    User.objects.update(is_superuser=True)
    staff.raise_request_exception = False
    answer = staff.get("/admin/imports/importjob/home/")
    assert answer.status_code == 500
    assert is_whole(answer)  # type: ignore[arg-type]
    assert b"secret" not in answer.content


def test_the_page_of_a_failure_asks_the_database_nothing(
    rf: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert is_whole(error_pages.failed(rf.get("/")))


def test_every_page_says_what_it_may_load(staff: Client) -> None:
    for path in ("/admin/", "/admin/login/", "/nowhere"):
        policy = staff.get(path).headers["Content-Security-Policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'self'"
        assert "unsafe-inline" not in rules["script-src"]
        assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == "'none'"


def test_the_usual_headers_are_there(staff: Client) -> None:
    headers = staff.get("/admin/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]


def test_a_request_beyond_the_limit_is_refused_before_it_is_read(
    staff: Client, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    User.objects.update(is_superuser=True)
    answer = staff.post("/admin/imports/customerapi/add/", {"name": "n" * 2000})
    assert answer.status_code == 400
    assert is_whole(answer)  # type: ignore[arg-type]
    assert staff.post("/admin/imports/customerapi/add/", {"name": "n"}).status_code == 200
