""" "Test connection": what there is to see of an API without sending it a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from imports.customers import answer_words as words
from imports.customers.answers import judge, why
from imports.customers.token_answers import TokenFailure
from imports.customers.transport_failures import Undelivered
from imports.policy import Verdict

if TYPE_CHECKING:
    from imports.customers.answers import Answer
    from imports.customers.client import Client

# Many APIs don't know OPTIONS here, or want a body: they have been reached all the same.
REACHED = {400, 405, 415, 422, 501}


class ProbeResult(NamedTuple):
    """What "Test connection" saw, in a sentence."""

    ok: bool
    sentence: str


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
        return ProbeResult(False, f"Redrive itself failed ({type(error).__name__}).")


def _of_empty_list(client: Client, answer: Answer) -> ProbeResult:
    if judge(answer, client.exchange()).verdict is Verdict.SUCCESS:
        said = f"accepted {client.auth.credential} and an empty list (HTTP {answer.status})"
        return ProbeResult(True, f"Connected: {_host(client)} {said}. No customer was sent.")
    return _refused(client, answer, "an empty list")


def _of_options(client: Client, answer: Answer) -> ProbeResult:
    if answer.status in REACHED or 200 <= answer.status <= 299:
        said = f"answered (HTTP {answer.status}) and did not refuse {client.auth.credential}"
        return ProbeResult(True, f"Connected: {_host(client)} {said}. No customer was sent.")
    return _refused(client, answer, "a first question")


def _refused(client: Client, answer: Answer, what: str) -> ProbeResult:
    sent = client.exchange()
    outcome = judge(answer, sent)
    if outcome.pauses:
        return ProbeResult(False, words.REDIRECTED.format(status=answer.status))
    if outcome.verdict is Verdict.PAUSE:
        return ProbeResult(False, outcome.error)
    said = f"{_host(client)} was reached, but answered HTTP {answer.status} to {what}"
    advice = "Check the URL and the mapping, or ask whoever runs the API."
    return ProbeResult(False, f"{said}{why(answer, sent)}. {advice} No customer was sent.")


def _host(client: Client) -> str:
    return urlsplit(client.endpoint.url).hostname or "the API"
