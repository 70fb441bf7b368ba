"""The playground on an API's page: what its mapping would send, and read out of an answer.

Nothing is sent and nothing is stored. Secrets are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from imports.admin.forms import REFUSALS, with_answer
from imports.customers.api import playground
from imports.customers.api.mapping import BadMapping, preset
from imports.customers.api.mapping_in_force import read_changes
from imports.customers.api.playground import NoSample
from imports.customers.api.requests.templates import CannotBuild
from imports.customers.api.responses import Answer
from imports.ledger import batches
from imports.models import Attempt, ImportResult
from imports.models.apis import AuthKind
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.http import QueryDict

    from imports.customers.api.mapping import Mapping
    from imports.models import CustomerApi

LONGEST = playground.LONGEST_SAMPLE
SAMPLES = 3  # records of a draft or a job
EARLIER = 5  # answers


def mapping_of_form(given: QueryDict) -> Mapping:
    """The mapping as the form has it. Raises BadMapping with everything that is wrong."""
    try:
        changes = read_changes(given.get("mapping", "").strip() or "{}")
    except (ValueError, RecursionError) as error:
        text = _("This is not JSON: %(error)s.") % {"error": error}
        raise BadMapping(text, (("", text),)) from None
    if not isinstance(changes, dict):
        raise BadMapping(_("The mapping is a JSON object: { … }."))
    found = preset(given.get("preset", ""))
    changes = with_answer(changes, given.get(REFUSALS))
    return found.with_overrides(changes) if changes else found


def context_of(api: CustomerApi | None) -> dict[str, Any]:
    """What can be chosen at first: records of this API's imports, and its earlier answers."""
    if api is None or api.pk is None:
        return {"play_records": "", "earlier_answers": []}
    seen = Attempt.objects.filter(job__api=api, http_status__isnull=False).exclude(answer="")
    return {
        "play_records": "\n".join(latest_records(api)),
        "earlier_answers": list(seen.order_by("-pk")[:EARLIER]),
    }


def latest_records(api: CustomerApi) -> list[str]:
    """The first records of the API's latest import, as they were sent."""
    newest = ImportResult.objects.filter(job__api=api, batch__isnull=False).order_by("-job_id")
    first = newest.values_list("batch_id", flat=True).first()
    if first is None:
        return []
    results = ImportResult.objects.filter(batch_id=first).order_by("body_start")
    ids = list(results.values_list("pk", flat=True)[:SAMPLES])
    raws = batches.bytes_of(ids)
    return [raws[pk].decode("utf-8", "replace").replace("\n", " ") for pk in ids if pk in raws]


def played(given: QueryDict) -> dict[str, Any]:
    """The result for what stands in the form: the request, and each record's verdict."""
    try:
        mapping = mapping_of_form(given)
    except BadMapping as error:
        return {"mapping_errors": error.errors or (("", str(error)),)}
    found: dict[str, Any] = {"mapping": mapping, "most": mapping.request.max_records}
    text, url = given.get("play_records", "")[:LONGEST], given.get("url", "").strip()
    try:
        records = playground.records_of(text) if text.strip() else []
        records = records or playground.made_up(mapping, url)
        records = records[: mapping.request.max_records]
        found["request_text"] = playground.request_text(mapping, url, records, _credential(given))
    except (NoSample, CannotBuild) as error:
        return found | {"sample_error": in_words(error.message)}
    return found | _read(mapping, records, given)


def _read(mapping: Mapping, records: list[bytes], given: QueryDict) -> dict[str, Any]:
    """What the pasted answer means, or the hostile one that was clicked."""
    pasted = given.get("play_answer", "")[:LONGEST].encode()
    status = given.get("play_status", "").strip()
    hostile = list(playground.hostile(mapping, pasted))
    clicked = next((one for one in hostile if one.name == given.get("play_hostile")), None)
    found: dict[str, Any] = {"hostile": hostile, "clicked": clicked}
    if clicked is not None:
        answer = Answer(clicked.status, {}, clicked.body)
    elif pasted.strip() or status:
        number = int(status) if status.isdecimal() and len(status) == 3 else mapping.accepted[0]
        answer = Answer(number, {}, pasted)
    else:
        return found
    asks = given.get("play_asks") == "on"
    return found | {
        "status": answer.status,
        "verdicts": playground.verdicts(mapping, records, answer, asks=asks),
        "polls": mapping.poll is not None,
    }


def _credential(given: QueryDict) -> str:
    """A word for the credential, which is not shown."""
    kind = given.get("auth", "")
    return str(AuthKind(kind).label) if kind in AuthKind.values else ""
