"""What a production host's settings do, in a process of its own: this one runs as development."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.config.commands import run_python

if TYPE_CHECKING:
    from pathlib import Path

PRODUCTION = {
    "DATABASE_URL": "postgres://redrive@127.0.0.1:9/redrive",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "ALLOWED_HOSTS": "redrive.example",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "CREDENTIAL_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
# Sessions in a cookie, as no database is there; the flags are the same for every kind.
COOKIES = """
import json, django
from django.conf import settings
settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
django.setup()
from django.contrib import messages
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.test import Client, RequestFactory

found = {}
client = Client()
page = client.get("/admin/login/", secure=True, headers={"host": "redrive.example"})
found["status"] = page.status_code
jars = [page.cookies]

def view(request):
    request.session["a"] = 1
    return HttpResponse()

answer = SessionMiddleware(view)(RequestFactory().get("/", secure=True))
jars.append(answer.cookies)
language = {"language": "sv", "next": "/"}
changed = client.post("/i18n/setlang/", language, secure=True, headers={"host": "redrive.example"})
jars.append(changed.cookies)
found["cookies"] = {
    name: [bool(morsel["secure"]), bool(morsel["httponly"])]
    for jar in jars for name, morsel in jar.items()
}
plain = client.get("/admin/login/", headers={"host": "redrive.example"})
found["plain"] = [plain.status_code, plain.headers.get("Location", "")]
found["hsts"] = page.headers.get("Strict-Transport-Security", "")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home: Path = tmp_path_factory.mktemp("production")
    done = run_python(home, "-c", COOKIES, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_no_cookie_leaves_a_production_host_without_secure(found: Any) -> None:
    assert found["status"] == 200
    assert {"csrftoken", "sessionid"} <= set(found["cookies"])
    assert [name for name, (secure, _) in found["cookies"].items() if not secure] == []
    assert found["cookies"]["sessionid"][1]


def test_plain_http_is_sent_to_https_and_stays_there(found: Any) -> None:
    assert found["plain"] == [301, "https://redrive.example/admin/login/"]
    assert found["hsts"].startswith("max-age=31536000")
