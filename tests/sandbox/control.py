"""The sandbox's own addresses beside the API: the account, and the faults to order. No sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.sandbox.fault_table import explained
from tests.sandbox.problems import json_reply, problem

if TYPE_CHECKING:
    from tests.sandbox.customer_api import SandboxApi
    from tests.sandbox.web import Reply, Request

OFFERS = {
    "POST /api/customers-import/v1/customers": 'the GK import: {"data": [up to 100 customers]}',
    "POST /api/customers-import/v1/households": 'its twin: {"households": [up to 100]}',
    "POST /api/oauth/token": "OAuth2: password grant and client credentials",
    "GET /api/account": "every effect, counted; ?summary leaves the customers out",
    "GET /api/account/customers/ID": "one customer: effects, stored record, why refused",
    "DELETE /api/account": "begin anew, with no customers",
    "POST /api/control/faults": "order a fault (a rule, or a list of rules)",
    "GET /api/control/faults": "the rules in force; ?help explains every fault",
    "DELETE /api/control/faults": "end the ordered faults",
    "POST /api/control/repair": "the cause is fixed: end the ordered faults and the outage",
}
CUSTOMER_PATH = "/api/account/customers/"


def handle(api: SandboxApi, request: Request) -> Reply:
    """Answer everything below /api that is not the API proper; 404 for what doesn't exist."""
    match request.method, request.path.rstrip("/"):
        case "GET", "/api":
            return json_reply(OFFERS)
        case "GET", "/api/account":
            with_customers = "summary" not in request.query
            return json_reply(api.account.summary(with_customers=with_customers))
        case "DELETE", "/api/account":
            api.forget()
            return json_reply({"forgotten": True})
        case "GET", path if path.startswith(CUSTOMER_PATH):
            return json_reply(api.account.customer(path.removeprefix(CUSTOMER_PATH)))
        case "POST", "/api/control/faults":
            return order(api, request)
        case "GET", "/api/control/faults":
            is_help = "help" in request.query
            return json_reply({"faults": explained()} if is_help else rules(api))
        case "DELETE", "/api/control/faults":
            return json_reply({"cleared": api.clear()})
        case "POST", "/api/control/repair":
            api.repair()
            return json_reply({"repaired": True})
    return problem(404, "Nothing here. GET /api says what there is.", request.path)


def order(api: SandboxApi, request: Request) -> Reply:
    try:
        api.order(msgspec.json.decode(request.body))
    except ValueError as error:  # also what msgspec raises for bytes that are not JSON
        return problem(422, str(error), request.path)
    return json_reply(rules(api), 201)


def rules(api: SandboxApi) -> dict[str, object]:
    return {"rules": api.faults.listing()}
