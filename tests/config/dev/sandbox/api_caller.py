"""A client of the sandbox API for its own tests: as simple as one can be, with no retries."""

from __future__ import annotations

import json
from typing import Any

import requests

from config.dev.sandbox.customer_api import CUSTOMERS_PATH, TOKEN_PATH

LONG_ENOUGH_SECONDS = 60


class ApiCaller:
    """Posts batches over one pooled session; nothing is followed, repeated or checked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy stands between a test and loopback
        self.headers = {"Authorization": "Bearer sandbox-token"}

    def post(
        self, records: list[Any], path: str = CUSTOMERS_PATH, **headers: str
    ) -> requests.Response:
        """POST {"data": records}; header names with _ for -."""
        return self.post_bytes(json.dumps({"data": records}).encode(), path, **headers)

    def post_bytes(
        self, body: bytes, path: str = CUSTOMERS_PATH, **headers: str
    ) -> requests.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.post(
            self.url + path,
            data=body,
            headers={"Content-Type": "application/json"} | self.headers | more,
            timeout=LONG_ENOUGH_SECONDS,
            allow_redirects=False,
        )

    def results(self, records: list[Any]) -> dict[str, str]:
        """Post, and give customer id -> result."""
        answer = self.post(records)
        assert answer.status_code == 201, answer.text
        return {entry["customerId"]: entry["result"] for entry in answer.json()["data"]}

    def token(
        self, form: dict[str, str], auth: tuple[str, str] | None = None
    ) -> requests.Response:
        return self.session.post(
            self.url + TOKEN_PATH, data=form, auth=auth, timeout=LONG_ENOUGH_SECONDS
        )

    def get(self, path: str) -> Any:
        return self.session.get(self.url + path, timeout=LONG_ENOUGH_SECONDS).json()

    def control(self, method: str, path: str, content: object = None) -> requests.Response:
        return self.session.request(
            method, self.url + path, json=content, timeout=LONG_ENOUGH_SECONDS
        )
