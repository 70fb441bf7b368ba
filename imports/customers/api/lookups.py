"""One record looked up in a customer API, as its mapping's `lookup` says: a proof, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import msgspec

from imports.customers.api.adapters.base import Request, ask
from imports.customers.api.answers.decoding import NotDecoded, decoded
from imports.customers.api.json_paths import MISSING, as_name, find
from imports.customers.api.record_results import holds
from imports.customers.api.requests.templates import CannotBuild, Source, filled_url
from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import LookedUp, Verdict

if TYPE_CHECKING:
    from imports.customers.api.adapters.base import Asked
    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Lookup

STORED = sentence("LOOKUP_STORED", _("The API has this customer as it was sent."))
ABSENT = sentence("LOOKUP_ABSENT", _("Looked up: the API has no such customer."))
DIFFERS = sentence(
    "LOOKUP_DIFFERS", _("The API has such a customer, but “{field}” is not as it was sent.")
)
NO_PROOF = sentence(
    "LOOKUP_NO_PROOF", _("The API answered HTTP {status}, which proves nothing of this customer.")
)
NO_LOOKUP = sentence(
    "LOOKUP_NOT_MAPPED", _("The API's mapping does not say how a customer is looked up (lookup).")
)
STOPS = (Verdict.PAUSE, Verdict.DEFERRED, Verdict.RETRY)


def look_up(client: Client, raw: bytes) -> LookedUp:
    """Ask for one record: SUCCESS stored, REJECTED not stored, UNKNOWN no proof. Never raises.

    PAUSE, DEFERRED and RETRY mean that nothing more can be asked just now.
    """
    mapping = client.endpoint.mapping
    if mapping.lookup is None:
        return LookedUp(Verdict.PAUSE, NO_LOOKUP)
    try:
        url = filled_url(mapping.lookup.url, Source(raw, 0, "", mapping))
    except CannotBuild as error:
        return LookedUp(Verdict.UNKNOWN, error.message)
    return _judged(
        ask(client, Request("GET", urljoin(client.endpoint.url, url))), raw, mapping.lookup
    )


def _judged(asked: Asked, raw: bytes, lookup: Lookup) -> LookedUp:
    if asked.answer is None:
        can_go_on = asked.outcome.verdict not in STOPS
        verdict = Verdict.UNKNOWN if can_go_on else asked.outcome.verdict
        return LookedUp(verdict, asked.outcome.message)
    status = asked.answer.status
    if status in lookup.absent:
        return LookedUp(Verdict.REJECTED, ABSENT)
    if status == 401 or (asked.must_wait and status not in lookup.found):
        return LookedUp(asked.outcome.verdict, asked.outcome.message)
    try:
        document = decoded(asked.answer.body) if status in lookup.found else MISSING
    except NotDecoded:
        document = MISSING
    if document is MISSING:
        return LookedUp(Verdict.UNKNOWN, NO_PROOF.format(status=status))
    if holds(document, lookup.absent_when):
        return LookedUp(Verdict.REJECTED, ABSENT)
    return _compared(find(document, lookup.at), msgspec.json.decode(raw), lookup)


def _compared(found: Any, record: Any, lookup: Lookup) -> LookedUp:
    """Stored only if all that is compared is there, and is as it was sent."""
    if isinstance(found, list):  # of a search: more than one could be anybody
        found = found[0] if len(found) == 1 else MISSING
    for theirs, ours in lookup.compare.items():
        if not _is_same(find(found, theirs), find(record, ours)):
            return LookedUp(Verdict.UNKNOWN, DIFFERS.format(field=theirs))
    return LookedUp(Verdict.SUCCESS, STORED)


def _is_same(theirs: Any, ours: Any) -> bool:
    """Whether two values are one; a number may come back as its text."""
    if theirs is MISSING or ours is MISSING or ours is None:
        return False
    if type(theirs) is type(ours):
        return bool(theirs == ours)
    return bool(as_name(theirs)) and as_name(theirs) == as_name(ours)
