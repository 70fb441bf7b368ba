""" "Test connection": what can be proven of an API without sending it a record, and no more."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from imports.customers.api.answers import sentences
from imports.customers.api.oauth2 import TokenFailure
from imports.customers.api.requests import build
from imports.customers.api.responses import why
from imports.http.redaction import excerpt
from imports.http.transport import Undelivered
from imports.messages import marked as _
from imports.messages import render, sentence
from imports.policy import Verdict

if TYPE_CHECKING:
    from imports.customers.api.client import Client
    from imports.customers.api.responses import Answer
    from imports.messages import Message, Text
    from imports.policy import Outcome

# What an API says that knows no OPTIONS here, or wants a body: it has been reached all the same.
REACHED = {400, 405, 415, 422, 501}
UNSURE = {Verdict.UNKNOWN, Verdict.REPEATABLE}
PLAIN = sentence(
    "PLAIN_HTTP_READABLE",
    _("Plain http: anyone on the network path can read the credential and the customers."),
)
CONNECTED = sentence(
    "ACCEPTED_EMPTY",
    _(
        "Connected: {host} accepted {credential} and an empty list (HTTP {status}). No customer "
        "was sent."
    ),
)
BY_STATUS = sentence(
    "PROVEN_BY_STATUS",
    _(
        "Connected: {host} answered HTTP {status} to an empty list, sent with {credential}; by "
        "its mapping the status alone is the proof. No customer was sent."
    ),
)
HOST_ONLY = sentence(
    "HOST_REACHED",
    _(
        "{host} was reached (HTTP {status} to OPTIONS). Nothing harmless can be asked of this "
        "API, so whether it takes {credential} and customers is not known until the first batch. "
        "No customer was sent."
    ),
)
TOKEN_ONLY = sentence(
    "HOST_REACHED_WITH_TOKEN",
    _(
        "The token URL gave a token, and {host} was reached (HTTP {status} to OPTIONS). Nothing "
        "harmless can be asked of this API, so whether it takes the token and customers is not "
        "known until the first batch. No customer was sent."
    ),
)
NOT_READ = sentence(
    "EMPTY_NOT_READ",
    _(
        "{host} answered an empty list (HTTP {status}), but not as its mapping says. Compare what "
        "came with the mapping, and check the URL. No customer was sent."
    ),
)
OTHERWISE = sentence(
    "PROBE_ANSWERED",
    _(
        "{host} was reached, but answered HTTP {status} to {what}{why}. Check the URL and the "
        "mapping, or ask whoever runs the API. No customer was sent."
    ),
)
TOKEN_GIVEN = sentence("TOKEN_GIVEN", _("The token URL gave a token."))
OUR_FAULT = sentence("PROBE_BROKE", _("Redrive itself failed ({error})."))
AN_EMPTY_LIST = sentence("AN_EMPTY_LIST", _("an empty list"))
OPTIONS = sentence("ASKED_OPTIONS", _("OPTIONS"))


class Proof(StrEnum):
    """How much a test has shown."""

    PROVEN = "proven"  # the API let us in, and answered as the mapping says
    PARTLY = "partly"  # what was asked is right; the rest shows with the first batch
    FAILED = "failed"


class ProbeResult(NamedTuple):
    """The result of "Test connection" as a sentence, and the API's own words."""

    proof: Proof
    message: Text
    answer: str = ""

    @property
    def sentence(self) -> str:
        """The message in English."""
        return render(self.message)

    @property
    def ok(self) -> bool:
        return self.proof is Proof.PROVEN


def probe(client: Client) -> ProbeResult:
    """Get a token where there is one, post an empty list (or ask OPTIONS), say what came back.

    Sends no record, and never raises.
    """
    try:
        result = _probed(client)
    except TokenFailure as failure:
        result = ProbeResult(Proof.FAILED, failure.sentence)
    except Undelivered as error:
        result = ProbeResult(Proof.FAILED, error.failure.sentence)
    except Exception as error:  # its text could hold anything that was sent
        result = ProbeResult(Proof.FAILED, OUR_FAULT.format(error=type(error).__name__))
    if result.proof is not Proof.FAILED and is_readable_on_its_way(client.endpoint.url):
        return result._replace(message=result.message + PLAIN)
    return result


def is_readable_on_its_way(url: str) -> bool:
    """Whether a request to this URL leaves the machine unencrypted."""
    parts = urlsplit(url)
    is_here = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    return parts.scheme == "http" and not is_here


def _probed(client: Client) -> ProbeResult:
    has_token = client.prove_credential()
    mapping = client.endpoint.mapping
    if mapping.request.empty_allowed:
        nobody = build(mapping.opening + mapping.closing, client.endpoint.url, mapping, "")
        answer, outcome = client.call(mapping.request.method, nobody.body, nobody.url)
        return _of_empty_list(client, answer, outcome, has_token)
    answer, outcome = client.call("OPTIONS", b"")
    return _of_options(client, answer, outcome, has_token)


def _of_empty_list(
    client: Client, answer: Answer, outcome: Outcome, has_token: bool
) -> ProbeResult:
    mapping = client.endpoint.mapping
    if outcome.verdict is Verdict.SUCCESS:
        said = BY_STATUS if mapping.proof == "status" else CONNECTED
        return _result(client, answer, Proof.PROVEN, said)
    if answer.status in mapping.accepted and outcome.verdict in UNSURE:
        return _result(client, answer, Proof.FAILED, NOT_READ)
    return _refused(client, answer, outcome, AN_EMPTY_LIST, has_token)


def _of_options(client: Client, answer: Answer, outcome: Outcome, has_token: bool) -> ProbeResult:
    """An answer to OPTIONS says that the host is there; many answer it before asking who it is."""
    if answer.status in REACHED or 200 <= answer.status <= 299:
        said = TOKEN_ONLY if has_token else HOST_ONLY
        return _result(client, answer, Proof.PARTLY, said)
    return _refused(client, answer, outcome, OPTIONS, has_token)


def _refused(
    client: Client, answer: Answer, outcome: Outcome, what: Message, has_token: bool
) -> ProbeResult:
    text: Text
    if outcome.pauses:  # a POST may have been carried out; this one carried nothing
        text = sentences.REDIRECTED.format(status=answer.status)
    elif outcome.verdict is Verdict.PAUSE:
        text = outcome.message
    else:
        text = OTHERWISE.format(
            host=_host(client), status=answer.status, what=what, why=why(answer, client.exchange())
        )
    if has_token:
        text = TOKEN_GIVEN + text
    return ProbeResult(Proof.FAILED, text, _own_words(client, answer))


def _result(client: Client, answer: Answer, proof: Proof, said: Message) -> ProbeResult:
    text = said.format(host=_host(client), credential=client.auth.sent, status=answer.status)
    return ProbeResult(proof, text, _own_words(client, answer))


def _own_words(client: Client, answer: Answer) -> str:
    return excerpt(answer.body, client.exchange().secrets).strip()


def _host(client: Client) -> str:
    return urlsplit(client.endpoint.url).hostname or "?"
