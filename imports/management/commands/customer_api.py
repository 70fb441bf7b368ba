"""Create or change a customer API. Secrets come from the environment, never as arguments."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from imports.commands import SOME_FAILED, TextCommand, refuse
from imports.customers.api import editing
from imports.customers.api.editing import moved_secrets, read_changes
from imports.customers.api.playground import PLAIN, is_readable_on_its_way
from imports.customers.api.presets import PRESETS
from imports.customers.api.setup import (
    clean_api,
    describes_itself,
    fitting_batch_size,
    probe,
    secret_field,
    warnings_for,
)
from imports.models import CustomerApi
from imports.models.apis import AuthKind
from imports.outside_text import printable

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

# The option and the field that it sets; one that is not given changes nothing.
FIELDS = {
    "url": "url", "preset": "preset", "auth": "auth", "batch_size": "batch_size",
    "concurrency": "concurrency", "delay": "delay_seconds", "timeout": "timeout_seconds",
    "max_attempts": "max_attempts", "retry_delay": "retry_delay_seconds",
    "idempotency_header": "idempotency_header", "token_url": "token_url", "username": "username",
    "client_id": "client_id", "scope": "scope", "audience": "audience",
    "header_name": "header_name", "allow_plain_http": "allow_plain_http",
}  # fmt: skip
SECRET_OPTIONS = ("secret_env", "client_secret_env", "client_certificate_env")
AGAIN = {
    "secret": "--secret-env", "client_secret": "--client-secret-env",
    "client_certificate": "--client-certificate-env", "extra_headers": "--header",
}  # fmt: skip
SWITCHES = {
    "--show": "print the settings and the whole mapping in force",
    "--json": "with --show: one JSON object",
    "--test": "test the connection; no customer is sent",
}


class Command(TextCommand):
    """Exit code 2 where something given cannot be right; then nothing is changed."""

    help = "Create or change a customer API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        text = parser.add_argument
        text("--url", metavar="URL", help="where customers are posted (needed at first)")
        text("--preset", metavar="P", help=f"{', '.join(PRESETS)} (plain: all is in the mapping)")
        text("--mapping", type=Path, metavar="FILE.json", help="changes to the preset")
        for whole in ("--batch-size", "--concurrency", "--max-attempts"):
            parser.add_argument(whole, type=int, metavar="N")
        for seconds in ("--delay", "--timeout", "--retry-delay"):
            parser.add_argument(seconds, type=float, metavar="S")
        self._add_access(parser)
        for switch, does in SWITCHES.items():
            text(switch, action="store_true", help=does)

    def _add_access(self, parser: CommandParser) -> None:
        """As whom, and how securely."""
        text = parser.add_argument
        text("--auth", metavar="KIND", help=", ".join(AuthKind.values))
        for secret in ("--secret-env", "--client-secret-env", "--client-certificate-env"):
            text(secret, metavar="VAR", help="environment variable that holds it")
        for name in ("--token-url", "--username", "--client-id", "--scope", "--audience"):
            text(name)
        text("--header-name")
        text("--idempotency-header")
        text("--header", action="append", metavar="'K: V'", help="an extra header; repeatable")
        text("--ca-file", metavar="FILE.pem", help="certificates to trust besides the public ones")
        text(
            "--allow-plain-http",
            action=argparse.BooleanOptionalAction,
            help="let credentials and customers go to a public address without encryption",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        api = CustomerApi.objects.filter(name=name).first() or CustomerApi(name=name)
        created = api.pk is None
        if self._change(api, options):
            self._save(api, self._given_secrets(api, options))
            if not options["json"]:
                self.stdout.write(f"{'Created' if created else 'Changed'} the API {name}.")
            if any(map(is_readable_on_its_way, (api.url, api.token_url))):
                self.stderr.write(str(PLAIN))
            for warn in warnings_for(api):
                self.stderr.write(self.style.WARNING(warn))
        elif created:
            refuse(f"There is no API “{name}”. Create it with --url.")
        if options["show"]:
            write = editing.as_json if options["json"] else editing.as_text
            self.stdout.write(write(api))
        if options["test"]:
            self._test(api)

    def _change(self, api: CustomerApi, options: dict[str, Any]) -> bool:
        """Set what was given; False if nothing was, and it is only to be looked at."""
        given = [name for name in FIELDS if options[name] is not None]
        for option in given:
            setattr(api, FIELDS[option], options[option])
        others = (*SECRET_OPTIONS, "mapping", "header", "ca_file")
        if not given and all(options[name] is None for name in others):
            return not (options["show"] or options["test"])
        self._set_secrets(api, options)
        if options["mapping"]:
            api.mapping_text, api.mapping = self._mapping(options["mapping"])
            if api.pk is None and not options["preset"] and describes_itself(api.mapping):
                api.preset = "plain"  # nothing of GK's habits is inherited unseen
        if api.pk is None and options["batch_size"] is None:
            api.batch_size = fitting_batch_size(api)
        if options["header"]:
            api.extra_headers = json.dumps(dict(self._header(text) for text in options["header"]))
        if options["ca_file"] is not None:
            api.ca_certificates = (
                self._text(Path(options["ca_file"])) if options["ca_file"] else ""
            )
        return True

    def _save(self, api: CustomerApi, given: set[str]) -> None:
        try:
            clean_api(api)
        except ValidationError as error:
            refuse(
                "\n".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            )
        if moved := moved_secrets(api, given):
            again = ", ".join(AGAIN[name] for name in moved)
            refuse(
                f"A stored secret goes only to the host that it was entered for. Give it again: "
                f"{again}."
            )
        api.save()

    def _test(self, api: CustomerApi) -> None:
        result = probe(api)
        self.stdout.write(result.sentence)
        if result.answer:
            self.stdout.write(f"What the API said:\n{result.answer}")
        if not result.ok:
            sys.exit(SOME_FAILED)

    def _set_secrets(self, api: CustomerApi, options: dict[str, Any]) -> None:
        for option, field in self._secret_fields(api).items():
            variable = options[option]
            if variable is None:
                continue
            if not os.environ.get(variable):
                refuse(f"The environment variable {variable} is not set, or is empty.")
            setattr(api, field, os.environ[variable])

    def _secret_fields(self, api: CustomerApi) -> dict[str, str]:
        """By option; client credentials have but one secret, whichever option it comes by."""
        own_fields = (secret_field(api.auth), "client_secret", "client_certificate")
        return dict(zip(SECRET_OPTIONS, own_fields, strict=True))

    def _given_secrets(self, api: CustomerApi, options: dict[str, Any]) -> set[str]:
        fields = self._secret_fields(api) | {"header": "extra_headers"}
        return {field for option, field in fields.items() if options[option]}

    def _mapping(self, path: Path) -> tuple[str, Any]:
        text = self._text(path)
        try:
            return text, read_changes(text)
        except (ValueError, RecursionError) as error:
            refuse(f"{printable(str(path))} is not JSON: {error}.")

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig")
        except OSError as error:
            refuse(f"{printable(str(path))} cannot be read: {error.strerror}.")
        except UnicodeDecodeError:
            refuse(f"{printable(str(path))} is not UTF-8 text.")

    def _header(self, text: str) -> tuple[str, str]:
        key, colon, value = text.partition(":")
        if not colon or not key.strip() or not value.strip():
            refuse("--header is written 'Name: value'.")
        return key.strip(), value.strip()
