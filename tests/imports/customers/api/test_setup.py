"""From an API's row to a client: what is checked, what is missing, "Test connection"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError

from imports.customers.api.setup import (
    auth_of,
    checks_of,
    clean_api,
    mapping_of,
    probe,
    warnings_for,
)
from imports.models.apis import AuthKind

if TYPE_CHECKING:
    from config.dev.sandbox.customer_api import SandboxApi
    from imports.models import CustomerApi

COMPLETE = {
    "secret": "s3cr3t-value", "client_secret": "s3cr3t-too", "username": "user",
    "client_id": "client", "header_name": "X-Key", "token_url": "http://127.0.0.1:9/token",
}  # fmt: skip


def complaints(api: CustomerApi) -> dict[str, list[str]]:
    try:
        clean_api(api)
    except ValidationError as error:
        return dict(error.message_dict)
    return {}


@pytest.mark.parametrize("kind", list(AuthKind))
def test_each_way_to_sign_in_names_what_it_needs(kind: AuthKind, api: CustomerApi) -> None:
    api.auth, api.secret = kind, ""
    needed = {
        AuthKind.NONE: set(),
        AuthKind.BEARER: {"secret"},
        AuthKind.BASIC: {"username", "secret"},
        AuthKind.HEADER: {"header_name", "secret"},
        AuthKind.QUERY: {"header_name", "secret"},
        AuthKind.HMAC: {"header_name", "secret"},
        AuthKind.WSSE: {"username", "secret"},
        AuthKind.OAUTH2_PASSWORD: {"token_url", "username", "secret"},
        AuthKind.OAUTH2_CLIENT: {"token_url", "client_id", "client_secret"},
    }[kind]
    assert set(complaints(api)) == needed
    for field, value in COMPLETE.items():
        setattr(api, field, value)
    assert complaints(api) == {}
    assert auth_of(api) is not None


@pytest.mark.parametrize(
    ("url", "private", "is_refused"),
    [
        ("http://127.0.0.1:8001/customers", True, False),
        ("http://127.0.0.1:8001/customers", False, True),
        ("http://10.0.0.1/customers", False, True),
        ("file:///etc/passwd", True, True),
        ("ftp://example.com/", True, True),
        ("not a url", True, True),
    ],
)
def test_a_url_that_points_where_it_must_not_is_refused(
    url: str, private: bool, is_refused: bool, api: CustomerApi, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = private
    api.url = url
    assert ("url" in complaints(api)) == is_refused


def test_a_mapping_of_ones_own_changes_the_preset(api: CustomerApi) -> None:
    assert checks_of(api).max_batch_records == 100
    api.mapping = {"request": {"max_records": 10}}
    assert checks_of(api).max_batch_records == 10
    assert mapping_of(api).request.envelope == "data"


def test_a_mapping_that_cannot_be_is_refused_by_field(api: CustomerApi) -> None:
    api.mapping = {"no such part": 1}
    assert "no such part" in " ".join(complaints(api)["mapping"])


def test_a_field_in_the_url_needs_one_record_for_each_request(api: CustomerApi) -> None:
    api.url += "/{id}"
    assert "one" in " ".join(complaints(api)["url"])
    api.mapping = {"request": {"shape": "one", "max_records": 1, "empty_allowed": False}}
    api.batch_size = 1
    assert complaints(api) == {}


def test_extra_headers_that_would_break_a_request_are_refused(api: CustomerApi) -> None:
    api.extra_headers = '{"X-A": "two\\nlines"}'
    assert "extra_headers" in complaints(api)


def test_no_complaint_shows_the_secret(api: CustomerApi) -> None:
    api.secret = "canary\nsecret"
    found = complaints(api)
    assert found
    assert "canary" not in repr(found)


def test_testing_a_connection_says_what_was_seen_and_sends_no_customer(
    api: CustomerApi, sandbox: SandboxApi
) -> None:
    seen = probe(api)
    assert seen.ok
    assert "No customer was sent" in seen.sentence
    assert sandbox.account.total_effects == 0


def test_testing_a_connection_that_is_refused_says_why_without_the_secret(
    api: CustomerApi,
) -> None:
    api.secret = "canary-wrong"
    seen = probe(api)
    assert not seen.ok
    assert "401" in seen.sentence
    assert "canary" not in seen.sentence


def test_testing_settings_that_cannot_work_is_a_sentence_too(api: CustomerApi) -> None:
    api.url = "file:///etc/passwd"
    assert probe(api).ok is False
    api.url = "http://127.0.0.1:9/"
    api.mapping = {"no such part": 1}
    assert "no such part" in probe(api).sentence


OWN: dict[str, Any] = {
    "record": {"id": ["id"]},
    "results": [{"name": {"by": "id", "id": "id"}, "success": {"path": "ok", "equals": [True]}}],
}


def test_gks_rules_for_files_are_only_for_records_and_answers_that_are_gks(
    api: CustomerApi,
) -> None:
    assert checks_of(api).rules == "gk"
    api.mapping = {"request": {"max_records": 10}}
    assert checks_of(api).rules == "gk"
    api.mapping = OWN
    assert checks_of(api).rules == ""
    api.mapping, api.preset = {}, "plain"
    assert checks_of(api).rules == ""
    assert not mapping_of(api).request.empty_allowed
    assert mapping_of(api).group_by_code == {}


def test_saving_an_api_warns_about_what_its_mapping_leaves_open(api: CustomerApi) -> None:
    assert warnings_for(api) == []
    api.preset = "plain"
    assert len(warnings_for(api)) == 1
    api.mapping = {"proof": "status", "results": [], "refusal_stored_nothing": False}
    assert len(warnings_for(api)) == 1
