"""Customer APIs: secrets go in and never come out, and what is wrong is said beside its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from imports.models import CustomerApi

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import Settings

    from tests.sandbox.customer_api import SandboxApi

CANARY = "canary-9&<>\"';åé"
PLACE = "/admin/imports/customerapi/"
FIELDS: dict[str, Any] = {
    "name": "GK", "url": "http://127.0.0.1:9/customers", "preset": "gk", "mapping": "{}",
    "auth": "bearer",
    "secret": CANARY, "batch_size": 50, "concurrency": 3, "delay_seconds": 0.5,
    "timeout_seconds": 30, "max_attempts": 3, "retry_delay_seconds": 2,
    "extra_headers": f"GK-Passport: {CANARY}",
}  # fmt: skip


def save(client: Client, pk: int | None = None, **changes: Any) -> Any:
    data = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    return client.post(f"{PLACE}{pk}/change/" if pk else f"{PLACE}add/", data)


def errors(page: Any) -> dict[str, str]:
    return {name: str(each) for name, each in page.context["adminform"].form.errors.items()}


@pytest.fixture
def gk(operator: Client, installation: object) -> CustomerApi:
    save(operator)
    return CustomerApi.objects.get()


def test_secrets_are_stored_and_never_shown(operator: Client, gk: CustomerApi) -> None:
    assert gk.secret == CANARY
    assert json.loads(gk.extra_headers) == {"GK-Passport": CANARY}
    for address in (PLACE, f"{PLACE}{gk.pk}/change/", f"{PLACE}{gk.pk}/history/"):
        page = operator.get(address).content.decode()
        assert "canary" not in page
    assert "Stored: GK-Passport" in operator.get(f"{PLACE}{gk.pk}/change/").content.decode()


def test_a_form_with_an_error_does_not_give_the_secret_back(
    operator: Client, gk: CustomerApi
) -> None:
    page = save(operator, gk.pk, url="", secret="canary-new", client_secret="canary-other")
    assert page.status_code == 200
    assert 'value="canary' not in page.content.decode()


def test_an_empty_secret_keeps_the_stored_one(operator: Client, gk: CustomerApi) -> None:
    save(operator, gk.pk, secret="", extra_headers="", concurrency=2)
    gk = CustomerApi.objects.get()
    assert (gk.secret, gk.concurrency) == (CANARY, 2)
    assert CANARY in json.loads(gk.extra_headers).values()


def test_a_tick_clears_it(operator: Client, gk: CustomerApi) -> None:
    save(operator, gk.pk, secret="", extra_headers="", clear_secret="on", clear_extra_headers="on")
    gk = CustomerApi.objects.get()
    assert (gk.secret, gk.extra_headers) == ("", "")


def test_the_pages_work_when_the_key_is_lost(
    operator: Client, gk: CustomerApi, settings: Settings
) -> None:
    settings.CREDENTIAL_KEYS = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    assert operator.get(PLACE).status_code == 200
    page = operator.get(f"{PLACE}{gk.pk}/change/").content.decode()
    assert "cannot be opened" in page
    told = operator.post(f"{PLACE}{gk.pk}/test/", headers={"HX-Request": "true"})
    assert "Enter them again" in told.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "file:///etc/passwd", "must begin with https"),
        ("url", "http://user:pw@host/", "user name or password"),
        ("token_url", "gopher://x/", "must begin with https"),
        ("mapping", '{"request": {"max_records": "many"}}', "request.max_records"),
        ("mapping", '{"reqest": {}}', "there is no field"),
        ("mapping", "[1]", "JSON object"),
        ("mapping", "{", "JSON"),
        ("batch_size", 5000, "at most 100"),
        ("extra_headers", "no colon here", "Line 1"),
        ("extra_headers", "A: 1\nB\x00ad: 2", "extra_headers"),
        ("idempotency_header", "Not a header", "letters"),
        ("secret", "two\nlines", "line break"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    operator: Client, installation: object, field: str, value: Any, said: str
) -> None:
    page = save(operator, None, **{field: value})
    told = errors(page)
    assert set(told) == {field}
    assert said in told[field] or said == field
    assert not CustomerApi.objects.exists()


def test_a_private_address_is_refused_where_it_is_not_allowed(
    operator: Client, installation: object, settings: Settings
) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = False
    assert "private address" in errors(save(operator, url="https://10.0.0.1/x"))["url"]


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("basic", {"username"}),
        ("header", {"header_name"}),
        ("oauth2-password", {"token_url", "username", "client_id"}),
        ("oauth2-client", {"token_url", "client_id"}),
    ],
)
def test_each_authentication_says_what_it_needs(
    operator: Client, installation: object, auth: str, missing: set[str]
) -> None:
    assert set(errors(save(operator, auth=auth))) == missing


def test_the_connection_is_tested_without_sending_a_customer(
    operator: Client, api: CustomerApi, sandbox: SandboxApi
) -> None:
    told = operator.post(f"{PLACE}{api.pk}/test/", headers={"HX-Request": "true"})
    assert "rd-success" in told.content.decode()
    CustomerApi.objects.filter(pk=api.pk).update(url="http://127.0.0.1:9/x")
    told = operator.post(f"{PLACE}{api.pk}/test/", headers={"HX-Request": "true"})
    assert "rd-danger" in told.content.decode()
    assert (
        operator.post(f"{PLACE}{api.pk}/test/").headers["Location"] == f"{PLACE}{api.pk}/change/"
    )


def test_testing_needs_the_right_to_change_and_a_post(
    operator: Client, viewer: Client, api: CustomerApi
) -> None:
    assert viewer.post(f"{PLACE}{api.pk}/test/").status_code == 403
    assert operator.get(f"{PLACE}{api.pk}/test/").status_code == 405


def test_whoever_may_only_look_sees_no_secret(viewer: Client, gk: CustomerApi) -> None:
    CustomerApi.objects.filter(pk=gk.pk).update(
        secret="s3cret-token", client_secret="s3cret-client", extra_headers='{"Key": "s3cret"}'
    )
    page = viewer.get(f"{PLACE}{gk.pk}/change/")
    assert page.status_code == 200
    assert gk.url in page.content.decode()
    assert "s3cret" not in page.content.decode()
    assert "Test connection" not in page.content.decode()


PLAIN = '{"record": {"id": ["no"]}}'


@pytest.mark.parametrize(("preset", "is_asked"), [("gk", False), ("plain", True)])
def test_whether_a_refusal_stores_nothing_is_asked_where_nobody_has_said_it(
    preset: str, is_asked: bool, operator: Client, installation: object
) -> None:
    page = save(operator, preset=preset, mapping=PLAIN)
    assert CustomerApi.objects.exists() is not is_asked
    if is_asked:
        assert set(errors(page)) == {"refusal_stored_nothing"}


@pytest.mark.parametrize(("answer", "stored"), [("yes", True), ("no", False)])
def test_the_answer_goes_into_the_mapping_and_comes_back_as_a_choice(
    answer: str, stored: bool, operator: Client, installation: object
) -> None:
    save(operator, preset="plain", mapping=PLAIN, refusal_stored_nothing=answer)
    api = CustomerApi.objects.get()
    assert api.mapping == {**json.loads(PLAIN), "refusal_stored_nothing": stored}
    form = operator.get(f"{PLACE}{api.pk}/change/").context["adminform"].form
    assert form["refusal_stored_nothing"].value() == answer
    assert "refusal_stored_nothing" not in form.initial["mapping"]


def test_a_mapping_may_give_the_answer_itself_but_not_another_one(
    operator: Client, installation: object
) -> None:
    said = '{"refusal_stored_nothing": true}'
    page = save(operator, preset="plain", mapping=said, refusal_stored_nothing="no")
    assert set(errors(page)) == {"refusal_stored_nothing"}
    save(operator, preset="plain", mapping=said)
    assert CustomerApi.objects.get().mapping == {"refusal_stored_nothing": True}


def test_a_status_that_alone_is_proof_is_warned_about_when_it_is_saved(
    operator: Client, installation: object
) -> None:
    words = '{"proof": "status", "results": [], "refusal_stored_nothing": false}'
    page = operator.post(
        f"{PLACE}add/", {**FIELDS, "preset": "plain", "mapping": words}, follow=True
    )
    levels = [message.level_tag for message in page.context["messages"]]
    assert "warning" in levels
