"""Customer APIs: secrets go in and never come out, and what is wrong is said beside its field."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.auth import basic_value
from imports.models import CustomerApi
from tests.imports.customers.scripted_server import Server, reply

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import Settings

    from config.dev.sandbox.customer_api import SandboxApi

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
    assert "opens the stored headers" in page
    summary = operator.post(f"{PLACE}{gk.pk}/test/", headers={"HX-Request": "true"})
    assert "Enter them again" in summary.content.decode()


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
        ("idempotency_header", "Content-Length", "set by Redrive itself"),
        ("idempotency_header", "Authorization", "carries the credential"),
        ("extra_headers", "Good: 1\nHost: elsewhere", "Line 2: The header Host is set by Redrive"),
        ("extra_headers", "Authorization: Basic eA==", "carries the credential already"),
        ("extra_headers", "X-Key: 日本", "outside of Latin-1"),
        ("extra_headers", "X-Key:", "is empty"),
        ("extra_headers", "X-Key: a\tb\x01", "control character"),
        ("extra_headers", "X-Key: 1\nx-key: 2", "Line 2 repeats a header"),
        ("secret", "日本", "outside of Latin-1"),
        ("mapping", '{"proof": "results", "proof": "status"}', "occurs twice"),
        ("mapping", '{"request": {"constants": {"x": NaN}}}', "NaN is not JSON"),
        ("ca_certificates", "hello", "not certificates in PEM"),
        ("ca_certificates", "-----BEGIN PRIVATE KEY-----", "private key"),
        ("secret", "two\nlines", "line break"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    operator: Client, installation: object, field: str, value: Any, said: str
) -> None:
    page = save(operator, None, **{field: value})
    summary = errors(page)
    assert set(summary) == {field}
    assert said in summary[field] or said == field
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
        ("oauth2-password", {"token_url", "username"}),
        ("oauth2-client", {"token_url", "client_id", "client_secret"}),
    ],
)
def test_each_authentication_says_what_it_needs(
    operator: Client, installation: object, auth: str, missing: set[str]
) -> None:
    assert set(errors(save(operator, auth=auth))) == missing


def test_the_connection_is_tested_without_sending_a_customer(
    operator: Client, api: CustomerApi, sandbox: SandboxApi
) -> None:
    summary = operator.post(f"{PLACE}{api.pk}/test/", headers={"HX-Request": "true"})
    assert "rd-success" in summary.content.decode()
    CustomerApi.objects.filter(pk=api.pk).update(url="http://127.0.0.1:9/x")
    summary = operator.post(f"{PLACE}{api.pk}/test/", headers={"HX-Request": "true"})
    assert "rd-danger" in summary.content.decode()
    assert (
        operator.post(f"{PLACE}{api.pk}/test/").headers["Location"] == f"{PLACE}{api.pk}/change/"
    )


def probed(client: Client, api: CustomerApi | None = None, **changes: Any) -> str:
    """What the page says to a press of "Test connection" with these values in its form."""
    data = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    place = f"{PLACE}{api.pk}/test/" if api else f"{PLACE}test/"
    return operator_page(client.post(place, data, headers={"HX-Request": "true"}))


def operator_page(page: Any) -> str:
    assert page.status_code == 200
    return html.unescape(page.content.decode())


def test_a_connection_is_tested_before_it_is_saved(
    operator: Client, installation: object, sandbox: SandboxApi, db: None
) -> None:
    url = sandbox.url  # type: ignore[attr-defined]
    said = probed(operator, url=url, secret="sandbox-token", extra_headers="", name="")
    assert "rd-success" in said
    assert "401" in probed(operator, url=url, secret="wrong-token", extra_headers="")
    assert not CustomerApi.objects.exists()


def test_a_form_that_is_wrong_is_not_sent_anywhere(
    operator: Client, installation: object, sandbox: SandboxApi
) -> None:
    said = probed(operator, url=sandbox.url, extra_headers="Host: x")  # type: ignore[attr-defined]
    assert "Line 1: The header Host" in said
    assert sandbox.account.total_effects == 0


def test_a_test_uses_the_stored_secrets_at_their_own_host(
    operator: Client, api: CustomerApi
) -> None:
    said = probed(operator, api, url=api.url, secret="", extra_headers="", batch_size=3)
    assert "rd-success" in said


@pytest.mark.parametrize(
    ("auth", "changes"),
    [
        ("bearer", {"url": "other"}),
        ("bearer", {"auth": "oauth2-password", "token_url": "other"}),
        ("oauth2-password", {"token_url": "other"}),
        ("oauth2-password", {"url": "other"}),
        ("oauth2-client", {"token_url": "other"}),
        ("none", {"url": "other"}),
    ],
)
def test_no_stored_secret_goes_to_a_host_that_it_was_not_stored_for(
    auth: str, changes: dict[str, str], operator: Client, api: CustomerApi
) -> None:
    with Server(reply(200, {"access_token": "t"})) as own, Server(reply(200, {})) as other:
        CustomerApi.objects.filter(pk=api.pk).update(auth=auth, url=own.url, token_url=own.url)
        api = CustomerApi.objects.get()
        api.secret, api.client_secret, api.username = "canary-1", "canary-2", "user"
        api.extra_headers, api.client_id = '{"X-Key": "canary-3"}', "client"
        api.save()
        form: dict[str, Any] = {
            "url": own.url, "auth": auth, "token_url": own.url, "username": "user",
            "client_id": "client", "secret": "", "extra_headers": "",
        }  # fmt: skip
        form |= {name: other.url if value == "other" else value for name, value in changes.items()}
        said = probed(operator, api, **form)
        assert "Not tested" in said
        assert (own.received, other.received) == ([], [])


def test_the_own_mapping_is_kept_as_it_was_written(operator: Client, gk: CustomerApi) -> None:
    written = '{\n    "request":   {"max_records": 60},\n\n    "accepted": [ 201 ]\n}\n'
    save(operator, gk.pk, mapping=written.replace("\n", "\r\n"))
    gk = CustomerApi.objects.get()
    assert gk.mapping == {"request": {"max_records": 60}, "accepted": [201]}
    assert gk.mapping_text == written
    form = operator.get(f"{PLACE}{gk.pk}/change/").context["adminform"].form
    assert form["mapping"].value() == written


def test_the_page_shows_the_whole_mapping_and_where_each_value_comes_from(
    operator: Client, gk: CustomerApi
) -> None:
    save(operator, gk.pk, mapping='{"request": {"max_records": 60}}')
    context = operator.get(f"{PLACE}{gk.pk}/change/").context
    origins = {each.path: (each.text, each.origin) for each in context["mapping_values"]}
    assert origins["request.max_records"] == ("60", "own")
    assert origins["request.envelope"] == ('"data"', "preset")
    assert origins["five_xx_safe"] == ("false", "default")
    drawn = operator.post(f"{PLACE}mapping/", {"preset": "hubspot", "mapping": ""})
    assert "objectWriteTraceId" in drawn.content.decode()
    wrong = operator.post(f"{PLACE}mapping/", {"preset": "hubspot", "mapping": "{"})
    assert wrong.status_code == 200
    assert "mapping_error" in wrong.context


def test_client_credentials_from_the_form_get_a_token_with_scope_and_audience(
    operator: Client, installation: object
) -> None:
    given = reply(200, {"access_token": "token-1", "expires_in": 3600})
    with Server(given) as issuer, Server(reply(201, {"data": []})) as server:
        form: dict[str, Any] = {
            "url": server.url, "auth": "oauth2-client", "token_url": issuer.url, "secret": "",
            "client_id": "cl", "client_secret": "s3cret", "scope": "a b", "audience": "aud",
            "extra_headers": "",
        }  # fmt: skip
        assert "rd-success" in probed(operator, **form)
        save(operator, None, **form)
        api = CustomerApi.objects.get()
        assert "rd-success" in probed(operator, api, **form | {"client_secret": ""})
    assert (api.client_secret, api.scope, api.audience) == ("s3cret", "a b", "aud")
    for request in issuer.received:
        assert request.body == b"grant_type=client_credentials&scope=a+b&audience=aud"
        assert request.headers["authorization"] == basic_value("cl", "s3cret")
    assert server.received[0].headers["authorization"] == "Bearer token-1"


def test_testing_needs_the_right_to_change_and_a_post(
    operator: Client, viewer: Client, api: CustomerApi
) -> None:
    assert viewer.post(f"{PLACE}{api.pk}/test/").status_code == 403
    assert operator.get(f"{PLACE}{api.pk}/test/").status_code == 405
    assert viewer.post(f"{PLACE}test/").status_code == 403
    assert viewer.post(f"{PLACE}mapping/").status_code == 403


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


def test_an_answer_in_the_mappings_own_text_stays_there(
    operator: Client, installation: object
) -> None:
    said = '{ "refusal_stored_nothing":  true }'
    save(operator, preset="plain", mapping=said)
    api = CustomerApi.objects.get()
    form = operator.get(f"{PLACE}{api.pk}/change/").context["adminform"].form
    assert (form["mapping"].value(), form["refusal_stored_nothing"].value()) == (said, None)
    save(operator, api.pk, preset="plain", mapping="", refusal_stored_nothing="no")
    assert CustomerApi.objects.get().mapping == {"refusal_stored_nothing": False}


def test_the_mapping_in_force_has_the_answer_before_it_is_saved(operator: Client) -> None:
    typed = {"preset": "plain", "mapping": "", "refusal_stored_nothing": "yes"}
    values = operator.post(f"{PLACE}mapping/", typed).context["mapping_values"]
    (value,) = [each for each in values if each.path == "refusal_stored_nothing"]
    assert (value.text, value.origin) == ("true", "own")


def test_a_connection_can_be_tested_before_the_question_of_refusals_is_answered(
    operator: Client, installation: object
) -> None:
    with Server(reply(200, {"results": []})) as server:
        said = probed(operator, url=server.url, preset="plain", auth="none", secret="")
    assert "Correct the form first" not in said
    assert len(server.received) == 1


def test_a_status_that_alone_is_proof_is_warned_about_when_it_is_saved(
    operator: Client, installation: object
) -> None:
    words = '{"proof": "status", "results": [], "refusal_stored_nothing": false}'
    page = operator.post(
        f"{PLACE}add/", {**FIELDS, "preset": "plain", "mapping": words}, follow=True
    )
    levels = [message.level_tag for message in page.context["messages"]]
    assert "warning" in levels
