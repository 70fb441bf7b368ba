"""A customer of the sandbox portal, and what there is to read on its pages: for tests."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import requests

PASSWORD = 'hemligt lösen & "mer" \';'
LOGIN_URL = "/portal/login"
LONGEST_WAIT_SECONDS = 20


class Visitor:
    """A customer whose browser runs no scripts. Paths are below the server's base URL."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.http.trust_env = False

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", LONGEST_WAIT_SECONDS)
        return self.http.request(method, self.base_url + path, **options)

    def get(self, path: str) -> requests.Response:
        return self.send("GET", path)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.send("POST", path, **options)

    def log_in(self, email: str, password: str = PASSWORD) -> requests.Response:
        """Fill in the form of the login page, and follow where it leads."""
        form = re.search(r'name="form" value="(\w+)"', self.get(LOGIN_URL).text)
        assert form, "the login page has no form"
        data = {"email": email, "password": password, "form": form[1]}
        return self.post(LOGIN_URL, data=data)

    def first_bill(self, email: str) -> requests.Response:
        """Log in and fetch the PDF of the list's first row."""
        number = numbers(self.log_in(email).text)[0]
        return self.get(f"/portal/bills/{number}.pdf")

    def order(self, **order: Any) -> None:
        assert self.post("/portal/control", json=order).json() == {"ok": True}

    def forget(self, email: str = "") -> None:
        path = "/portal/control"
        self.send("DELETE", f"{path}?email={email}" if email else path).raise_for_status()

    def happened(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.get("/portal/account").json()
        return answer


def numbers(page: str) -> list[str]:
    """The bill numbers of a list, from the top."""
    return re.findall(r'class="number">(\d+)<', page)


def cells(page: str, name: str) -> list[str]:
    """One column's texts: amount, customer or email."""
    return [unescape(text) for text in re.findall(rf'<td class="{name}">(.*?)</td>', page)]


def heading(answer: requests.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    return unescape(found[1]) if found else ""
