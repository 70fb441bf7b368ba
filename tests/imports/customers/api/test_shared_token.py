"""One token of an API for all workers: who asks for it, who waits, what is forgotten when."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections

from imports.customers.api import oauth2
from imports.customers.api.setup import client_of, probe
from imports.customers.api.token_store import TokenRow
from imports.models import AccessToken, CustomerApi
from imports.policy import Verdict
from tests.imports.customers.posting import BODY, KEYS, STORED
from tests.imports.customers.scripted_server import Received, Server, answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imports.customers.api.client import Client
    from imports.policy import Outcome

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60.0


class Issuer(Server):
    """Issues a token at each request, which makes the one before void, as many real ones do."""

    def __init__(self) -> None:
        self.newest, self.lifetime = "", 3600.0
        self.rate_limit, self.called = threading.Event(), threading.Event()
        self.rate_limit.set()
        self.refusal: bytes | None = None
        super().__init__(self._issue)

    def _issue(self, connection: socket.socket, request: Received) -> None:
        self.called.set()
        assert self.rate_limit.wait(PATIENCE)
        if self.refusal is not None:
            connection.sendall(self.refusal)
            return
        self.newest = f"token-{len(self.received)}"
        given = {"access_token": self.newest, "expires_in": self.lifetime}
        connection.sendall(answer(200, given))


class Api(Server):
    """Takes the newest token of an issuer only."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer, self.refused = issuer, 0
        super().__init__(self._judge)

    def _judge(self, connection: socket.socket, request: Received) -> None:
        if request.headers.get("authorization") == f"Bearer {self.issuer.newest}":
            connection.sendall(answer(201, STORED))
            return
        self.refused += 1
        connection.sendall(answer(401, {"title": "Token is no longer valid"}))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as made:
        yield made


@pytest.fixture
def server(issuer: Issuer) -> Iterator[Api]:
    with Api(issuer) as made:
        yield made


@pytest.fixture
def row(issuer: Issuer, server: Api, installation: Path) -> CustomerApi:
    return CustomerApi.objects.create(
        name="tok", url=server.url, auth="oauth2-password", token_url=issuer.url,
        username="imp", client_id="cl", secret="canary-password",
    )  # fmt: skip


@pytest.fixture
def worker(row: CustomerApi) -> Iterator[Callable[..., Client]]:
    """A client as each worker process has one of its own."""
    made: list[Client] = []

    def make(**changes: Any) -> Client:
        api = CustomerApi.objects.get(pk=row.pk)
        for name, value in changes.items():
            setattr(api, name, value)
        made.append(client_of(api, PATIENCE, 8))
        return made[-1]

    yield make
    for client in made:
        client.close()


def post(client: Client) -> Outcome:
    try:
        return client.post(BODY, "k", KEYS)
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()


def test_two_workers_use_one_token_although_each_new_one_makes_the_last_void(
    worker: Callable[..., Client], issuer: Issuer, server: Api
) -> None:
    one, other = worker(), worker()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(post, [one, other] * 30))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.SUCCESS}
    assert (len(issuer.received), server.refused) == (1, 0)


def test_a_token_that_was_made_void_elsewhere_is_replaced_once_for_all(
    worker: Callable[..., Client], issuer: Issuer, server: Api
) -> None:
    one, other = worker(), worker()
    assert [post(each).verdict for each in (one, other)] == [Verdict.SUCCESS] * 2
    issuer.newest = "somebody else's"
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(post, [one, other] * 8))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.SUCCESS}
    assert len(issuer.received) == 2


def test_no_transaction_is_open_while_a_token_is_asked_for(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    issuer.rate_limit.clear()
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post, worker())
        assert issuer.called.wait(PATIENCE)
        with connection.cursor() as sql:
            sql.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                " AND backend_type = 'client backend'"  # autovacuum is nobody's worker
            )
            open_transactions = sql.fetchone()[0]
        issuer.rate_limit.set()
        assert posting.result(PATIENCE).verdict is Verdict.SUCCESS
    assert open_transactions == 0


def test_while_one_worker_asks_the_others_wait_for_its_token(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    issuer.rate_limit.clear()
    with ThreadPoolExecutor(2) as pool:
        posting = [pool.submit(post, worker()) for _ in range(2)]
        assert issuer.called.wait(PATIENCE)
        issuer.rate_limit.set()
        assert {each.result(PATIENCE).verdict for each in posting} == {Verdict.SUCCESS}
    assert len(issuer.received) == 1


def test_a_refused_password_is_submitted_once_for_all_that_wait(
    worker: Callable[..., Client], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"error": "invalid_grant", "error_description": "no such user: canary-password"}
    issuer.refusal = answer(400, said)
    issuer.rate_limit.clear()
    looked = threading.Semaphore(0)
    plain = TokenRow.claim

    def claim(self: TokenRow, version: int, seconds: float) -> str | None:
        try:
            return plain(self, version, seconds)
        finally:
            looked.release()

    monkeypatch.setattr(TokenRow, "claim", claim)
    with ThreadPoolExecutor(2) as pool:
        posting = [pool.submit(post, worker()) for _ in range(2)]
        for _ in posting:
            assert looked.acquire(timeout=PATIENCE)  # each has asked for the right to ask
        issuer.rate_limit.set()
        outcomes = [each.result(PATIENCE) for each in posting]
    assert {outcome.code for outcome in outcomes} == {"CREDENTIAL_REFUSED"}
    assert len({outcome.error for outcome in outcomes}) == 1
    assert "canary" not in outcomes[0].error
    assert "canary" not in json.dumps(AccessToken.objects.get().failure)
    assert len(issuer.received) == 1


def test_after_a_refusal_whoever_comes_later_may_ask_again(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    issuer.refusal = answer(400, {"error": "invalid_grant"})
    assert post(worker()).code == "CREDENTIAL_REFUSED"
    issuer.refusal = None
    assert post(worker()).verdict is Verdict.SUCCESS


def test_a_worker_that_dies_while_it_asks_holds_the_others_up_for_its_lease_only(
    row: CustomerApi, worker: Callable[..., Client], issuer: Issuer, pass_time: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    store = TokenRow(row.pk)
    assert store.claim(store.read("").version, 30.0)
    monkeypatch.setattr(oauth2, "LOOK_AGAIN_SECONDS", PATIENCE)
    held_up = post(worker())
    assert (held_up.verdict, held_up.code) == (Verdict.DEFERRED, "TOKEN_TIMEOUT")
    assert held_up.retry_after is not None
    assert 0 < held_up.retry_after <= 30
    pass_time(31)
    assert post(worker()).verdict is Verdict.SUCCESS


def test_who_lost_the_right_to_ask_writes_nothing(row: CustomerApi, pass_time: Any) -> None:
    store = TokenRow(row.pk)
    store.read("")
    late = store.claim(0, 5.0)
    assert late
    pass_time(6)
    mine = store.claim(0, 5.0)
    assert mine
    store.keep(late, "print", "late-token", 60.0)
    assert store.read("print").token == ""
    store.keep(mine, "print", "my-token", 60.0)
    assert store.read("print").token == "my-token"
    assert store.claim(0, 5.0) is None  # something has changed since


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", "another"), ("username", "other"), ("client_id", "other"),
        ("client_secret", "new"), ("scope", "write"), ("audience", "https://api.example.com"),
    ],
)  # fmt: skip
def test_another_credential_never_meets_the_old_ones_token(
    field: str, value: str, worker: Callable[..., Client], issuer: Issuer
) -> None:
    assert post(worker()).verdict is Verdict.SUCCESS
    assert post(worker(**{field: value})).verdict is Verdict.SUCCESS
    assert len(issuer.received) == 2


def test_another_token_url_means_another_token(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    assert post(worker()).verdict is Verdict.SUCCESS
    with Issuer() as second:
        post(worker(token_url=second.url))
        assert len(second.received) > 0


def test_a_dead_token_is_dropped_even_when_no_other_is_to_be_had(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    client = worker()
    assert post(client).verdict is Verdict.SUCCESS
    issuer.newest, issuer.refusal = "void", answer(503)
    assert post(client).code == "TOKEN_UNAVAILABLE"
    assert AccessToken.objects.get().token == ""


def test_a_token_is_renewed_before_its_end_by_one_worker(
    worker: Callable[..., Client], issuer: Issuer, pass_time: Any
) -> None:
    assert post(worker()).verdict is Verdict.SUCCESS
    pass_time(3550)
    outcomes = [post(worker()).verdict for _ in range(3)]
    assert outcomes == [Verdict.SUCCESS] * 3
    assert len(issuer.received) == 2


def test_the_token_is_encrypted_and_goes_with_the_authentication_that_it_was_for(
    row: CustomerApi, worker: Callable[..., Client], issuer: Issuer
) -> None:
    assert post(worker()).verdict is Verdict.SUCCESS
    with connection.cursor() as sql:
        sql.execute("SELECT imports_accesstoken::text FROM imports_accesstoken")
        stored = sql.fetchone()[0]
    assert issuer.newest not in stored
    assert "canary" not in stored
    row.auth = "bearer"
    row.save()
    assert not AccessToken.objects.exists()


def test_a_key_that_is_lost_costs_one_more_token(
    row: CustomerApi, worker: Callable[..., Client], issuer: Issuer, settings: Any
) -> None:
    assert post(worker()).verdict is Verdict.SUCCESS
    with connection.cursor() as sql:
        sql.execute("UPDATE imports_accesstoken SET token = 'not a token of ours'")
    assert post(worker()).verdict is Verdict.SUCCESS
    assert len(issuer.received) == 2


def test_a_test_of_the_connection_asks_for_a_token_and_the_workers_go_on_with_it(
    row: CustomerApi, worker: Callable[..., Client], issuer: Issuer, server: Api
) -> None:
    client = worker()
    assert post(client).verdict is Verdict.SUCCESS
    issuer.called.clear()
    probe(row)
    assert issuer.called.is_set()
    assert post(client).verdict is Verdict.SUCCESS
    assert (len(issuer.received), server.refused) == (2, 1)


def test_client_credentials_send_their_secret_scope_and_audience(
    worker: Callable[..., Client], issuer: Issuer
) -> None:
    settings = {
        "auth": "oauth2-client", "secret": "", "client_secret": "s3cret", "scope": "a b",
        "audience": "https://api.example.com",
    }  # fmt: skip
    assert post(worker(**settings)).verdict is Verdict.SUCCESS
    form = issuer.received[0].body.decode()
    assert form == "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.example.com"
    assert issuer.received[0].headers["authorization"].startswith("Basic ")


def test_without_the_database_a_batch_waits_and_no_attempt_is_burnt(
    worker: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    client = worker()

    def away(*_: object, **__: object) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(TokenRow(0)._row.__class__, "first", away)
    outcome = post(client)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "TOKEN_STORE_AWAY")
