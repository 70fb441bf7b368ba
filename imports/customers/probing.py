""" "Test connection": what there is to see of an API without sending it a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from imports.customers.answers import judge, why
from imports.customers.token_answers import TokenFailure
from imports.customers.transport_failures import Undelivered
from imports.messages import marked as _
from imports.messages import render, sentence
from imports.policy import Verdict

if TYPE_CHECKING:
    from imports.customers.answers import Answer
    from imports.customers.client import Client
    from imports.messages import Message, Text

# Many APIs don't know OPTIONS here, or want a body: they have been reached all the same.
REACHED = {400, 405, 415, 422, 501}
PROBE_BROKE = sentence("PROBE_BROKE", _("Redrive itself failed ({error})."))
ACCEPTED_EMPTY = sentence(
    "ACCEPTED_EMPTY",
    _(
        "Connected: {host} accepted {credential} and an empty list (HTTP {status}). "
        "No customer was sent."
    ),
)
NOT_REFUSED = sentence(
    "NOT_REFUSED",
    _(
        "Connected: {host} answered (HTTP {status}) and did not refuse {credential}. "
        "No customer was sent."
    ),
)
REFUSED_EMPTY = sentence(
    "REFUSED_EMPTY",
    _(
        "{host} was reached, but answered HTTP {status} to an empty list{why}. Check the URL "
        "and the mapping, or ask whoever runs the API. No customer was sent."
    ),
)
REFUSED_OPTIONS = sentence(
    "REFUSED_OPTIONS",
    _(
        "{host} was reached, but answered HTTP {status} to a first question{why}. Check the URL "
        "and the mapping, or ask whoever runs the API. No customer was sent."
    ),
)


class ProbeResult(NamedTuple):
    """What "Test connection" saw, in a sentence."""

    ok: bool
    message: Text

    @property
    def sentence(self) -> str:
        """The message in English."""
        return render(self.message)


def probe(client: Client) -> ProbeResult:
    """Get a token where there is one, post an empty list (or ask OPTIONS), say what came back.

    Sends no record, and never raises.
    """
    request = client.endpoint.mapping.request
    try:
        if request.empty_allowed:
            mapping = client.endpoint.mapping
            return _of_empty_list(client, client.call("POST", mapping.opening + mapping.closing))
        return _of_options(client, client.call("OPTIONS", b""))
    except TokenFailure as failure:
        return ProbeResult(False, failure.sentence)
    except Undelivered as error:
        return ProbeResult(False, error.failure.sentence)
    except Exception as error:  # its text could hold anything that was sent
        return ProbeResult(False, PROBE_BROKE.format(error=type(error).__name__))


def _of_empty_list(client: Client, answer: Answer) -> ProbeResult:
    if judge(answer, client.exchange()).verdict is Verdict.SUCCESS:
        return ProbeResult(True, _said(ACCEPTED_EMPTY, client, answer))
    return _refused(client, answer, REFUSED_EMPTY)


def _of_options(client: Client, answer: Answer) -> ProbeResult:
    if answer.status in REACHED or 200 <= answer.status <= 299:
        return ProbeResult(True, _said(NOT_REFUSED, client, answer))
    return _refused(client, answer, REFUSED_OPTIONS)


def _refused(client: Client, answer: Answer, sentence: Message) -> ProbeResult:
    sent = client.exchange()
    outcome = judge(answer, sent)
    if outcome.verdict is Verdict.PAUSE or answer.status in (403, 404):
        return ProbeResult(False, outcome.message)
    told = sentence.format(host=_host(client), status=answer.status, why=why(answer, sent))
    return ProbeResult(False, told)


def _said(sentence: Message, client: Client, answer: Answer) -> Message:
    return sentence.format(
        host=_host(client), status=answer.status, credential=client.auth.credential
    )


def _host(client: Client) -> str:
    return urlsplit(client.endpoint.url).hostname or "?"
