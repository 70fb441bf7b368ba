"""An installation that is given a secret wherever it takes one, by its own forms."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from bills import portal_tests
from bills.accounts import codes
from bills.models import Credential, Portal, PortalTest
from imports.admin.job.page import act_url
from imports.ledger import lifecycle
from imports.models import Channel, CustomerApi, ImportJob
from tests import canaries
from tests.bills import runs
from tests.bills.recorder.driving import recording
from tests.crawling import body
from tests.jobs import JobMaker, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What the API answers, and what its authentication needs besides the secrets.
APIS: dict[str, tuple[int, dict[str, str]]] = {
    "bearer": (422, {}),
    "basic": (500, {"username": "anna"}),
    "header": (201, {"header_name": "X-Api-Key"}),
    "query": (422, {"header_name": "key"}),
    "oauth2-password": (401, {"username": "anna", "client_id": "redrive", "token": "token"}),
    "oauth2-client": (201, {"client_id": "redrive", "token": "token/refused"}),
}
PACE = {
    "batch_size": 3, "concurrency": 1, "delay_seconds": 0, "timeout_seconds": 5,
    "max_attempts": 1, "retry_delay_seconds": 0,
}  # fmt: skip
ACCOUNTS = ("good", "refused", "unknown", "broken", "code")


class Installation:
    """Fills Redrive with secrets, as its users do. `answers` has what the forms said."""

    def __init__(self, client: Client, echo: str, folder: Path) -> None:
        self.client, self.echo, self.folder = client, echo, folder
        self.answers: list[tuple[str, bytes]] = []

    def post(self, address: str, fields: dict[str, Any]) -> Any:
        answered = self.client.post(address, fields)
        self.answers.append((f"POST {address}", body(answered)))
        return answered

    def api(self, auth: str) -> CustomerApi:
        """An API with every secret that its form takes."""
        status, needs = APIS[auth]
        fields = {
            "name": auth, "url": f"{self.echo}/customers/{status}", "preset": "gk", "auth": auth,
            "secret": canaries.password(f"secret-of-{auth}"),
            "client_secret": canaries.password("client-secret"),
            "extra_headers": f"GK-Passport: {canaries.password('passport')}", "mapping": "{}",
            "username": "", "client_id": "", "header_name": "", "idempotency_header": "",
            **PACE, **needs, "token_url": f"{self.echo}/{needs.get('token', 'token')}",
        }  # fmt: skip
        add = reverse("admin:imports_customerapi_add")
        assert self.post(add, fields | {"name": "wrong", "url": "ftp:"}).status_code == 200
        assert self.post(add, fields).status_code == 302
        made = CustomerApi.objects.get(name=auth)
        test = reverse("admin:imports_customerapi_test", args=[made.pk])
        self.post(test, {})
        for tried in ({}, fields):  # as saved, and as it stands in the form: the page shows more
            shown = self.client.post(test, tried, headers={"HX-Request": "true"})
            self.answers.append((f"POST {test} (a part)", body(shown)))
        return made

    def channels(self) -> None:
        add = reverse("admin:imports_channel_add")
        both = {"wanted": "all", "is_active": "on", "recipients": "anna@example.test"}
        hook = {"url": f"{self.echo}/customers/500", "secret": canaries.key("webhook")}
        self.post(add, both | {"name": "hook", "kind": "webhook", **hook, "url": ""})
        self.post(add, both | {"name": "hook", "kind": "webhook", **hook})
        self.post(add, both | {"name": "mail", "kind": "email"})
        for channel in Channel.objects.all():
            self.post(reverse("admin:imports_channel_test", args=[channel.pk]), {})

    def imports(self) -> None:
        """An import for each kind of authentication; none of them goes well."""
        maker = JobMaker(self.api("bearer"), self.folder)
        run(maker(1))
        for auth in list(APIS)[1:]:
            maker.api = self.api(auth)
            run(maker(1))

    def bills(self) -> ImportJob:
        """Bills with a CSV that also has rows that cannot be used, and one not confirmed yet."""
        portal = Portal.objects.create(
            name="echo", login_url=f"{self.echo}/login", billing_url=f"{self.echo}/bills",
            recipe={"login": {"answer_seconds": 3}}, max_attempts=1, concurrency=4,
            code_wait_seconds=60, keeps_devices=True,
        )  # fmt: skip
        upload = {"portal": portal.pk, "csv": SimpleUploadedFile("may.csv", csv())}
        preview = self.post(reverse("admin:bills_new"), upload)["Location"]
        self.answers.append((preview, body(self.client.get(preview))))
        self.post(preview, {"name": ""})
        self.post(reverse("admin:bills_new"), upload | {"csv": SimpleUploadedFile("b.csv", csv())})
        job = ImportJob.objects.get(kind="bills")
        lifecycle.start(job, "tester")
        with self._types_codes():
            runs.run(job)
        self._corrects(job)
        self._tests(portal)
        self._records(portal)
        self._accounts(portal)
        return job

    @contextmanager
    def _types_codes(self) -> Iterator[None]:
        """Enter each code that is asked for, by its form, while the block runs."""
        stop = threading.Event()

        def answer() -> None:
            try:
                while not stop.wait(0.2):
                    for request in codes.wanted():
                        place = reverse("admin:bills_code", args=[request.pk])
                        self.post(place, {"code": canaries.code() * 9})
                        self.post(place, {"code": canaries.code()})
            finally:
                connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def _accounts(self, portal: Portal) -> None:
        """TOTP secrets, by form and by CSV; then all of it as the pages and exports have it."""
        add = reverse("admin:bills_credential_add")
        fields = {
            "portal": portal.pk, "email": "app@example.test", "totp": canaries.totp("AA"),
            "password": canaries.password("app"),
        }  # fmt: skip
        self.post(add, fields | {"email": ""})
        self.post(add, fields | {"totp": canaries.totp("11")})
        assert self.post(add, fields).status_code == 302
        lines = [
            "email;password;totp;customer", f'csv@example.test;"{_quoted("by-csv")}";'
            f"{canaries.totp('BB')};Anna", f"bad@example.test;x;{canaries.MARK}!;",
        ]  # fmt: skip
        upload = SimpleUploadedFile("accounts.csv", "\r\n".join(lines).encode())
        self.post(reverse("admin:bills_accounts_upload"), {"csv": upload, "portal": portal.pk})
        assert Credential.objects.exclude(totp_secret="").count() == 2
        assert Credential.objects.exclude(session="").exists()

    def _corrects(self, job: ImportJob) -> None:
        result = runs.result_of(job, "refused")
        fields = {"id": result.pk, "password": canaries.password("corrected")}
        assert self.post(act_url(job.pk, "credentials", "password"), fields).status_code == 302

    def _tests(self, portal: Portal) -> None:
        place = reverse("admin:bills_portal_test", args=[portal.pk])
        account = {"email": "", "password": canaries.password("test")}
        self.post(place, account)
        self.post(place, account | {"email": "refused@example.test"})
        test = PortalTest.objects.get()
        waits = {"code_until": "2126-11-27T12:00Z", "code_hint": "by SMS"}
        PortalTest.objects.filter(pk=test.pk).update(**waits)
        code_page = reverse("admin:bills_portal_test_code", args=[test.pk])
        self.post(code_page, {"code": canaries.code() * 9})
        self.post(code_page, {"code": canaries.code()})
        portal_tests.run(test.pk)

    def _records(self, portal: Portal) -> None:
        """A recorded script with a password in it, and a recording in a browser."""
        script = "\n".join(
            (
                'page.goto("https://a.example/login")',
                'page.get_by_label("E-mail").fill("anna@example.test")',
                f'page.get_by_label("Password").fill("{canaries.key("script")}")',
            )
        )
        paste = reverse("admin:bills_recorder_paste_for", args=[portal.pk])
        for pasted in (script, script + "\nnonsense()", script + f"\n{canaries.key('line')}()"):
            self.post(paste, {"script": pasted, "billing_url": ""})
        with recording(self.client, portal, "refused@example.test") as it:
            it.log_in()
            it.do("code", text=canaries.code())
            self.answers.append(("recorder", it.shown().encode()))

    def people(self) -> None:
        """Passwords of our own: refused at the door, and in the form of a new user."""
        login = {"username": "nobody", "password": canaries.password("login")}
        answered = Client().post(reverse("admin:login"), login)
        self.answers.append(("POST login", body(answered)))
        fields = {"username": "new", "usable_password": "true"}
        fields |= {"password1": canaries.password("new"), "password2": canaries.password("other")}
        self.post(reverse("admin:auth_user_add"), fields)

    def commands(self, bills: ImportJob) -> None:
        """What is printed."""
        for name, *arguments in (("job_status", bills.pk), ("retry_files", bills.pk)):
            printed = io.StringIO()
            with suppress(SystemExit):
                call_command(name, *arguments, "--json", stdout=printed, stderr=printed)
            self.answers.append((f"command {name}", printed.getvalue().encode()))


def csv() -> bytes:
    rows = [f'{name}@example.test;"{_quoted("password")}";7' for name in ACCOUNTS]
    rows += [f"more@example.test;x;{canaries.MARK};1", f';"{_quoted("nobodys")}";7']
    rows += [f'good@example.test;"{_quoted("second")}";7', f"short@example.test{canaries.MARK}"]
    return "\r\n".join(["email;password;number", *rows]).encode()


def _quoted(name: str) -> str:
    return canaries.password(name).replace('"', '""')
