"""Create or change a customer API. Secrets come from the environment, never as arguments."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser

from imports.commands import SOME_FAILED, refuse
from imports.customers.presets import PRESETS
from imports.customers.setup import clean_api, describes_itself, probe, remarks_on
from imports.models import CustomerApi
from imports.models.apis import AuthKind

# The option and the field that it sets; one that is not given changes nothing.
FIELDS = {
    "url": "url", "preset": "preset", "auth": "auth", "batch_size": "batch_size",
    "concurrency": "concurrency", "delay": "delay_seconds", "timeout": "timeout_seconds",
    "max_attempts": "max_attempts", "retry_delay": "retry_delay_seconds",
    "idempotency_header": "idempotency_header", "token_url": "token_url", "username": "username",
    "client_id": "client_id", "header_name": "header_name",
}  # fmt: skip


class Command(BaseCommand):
    """Exit code 2 where something given cannot be right; then nothing is changed."""

    help = "Create or change a customer API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--url", metavar="URL", help="where customers are posted (needed at first)"
        )
        parser.add_argument(
            "--preset",
            metavar="P",
            help=f"{', '.join(PRESETS)} (gk; plain for a mapping that says all by itself)",
        )
        parser.add_argument(
            "--mapping", type=Path, metavar="FILE.json", help="changes to the preset"
        )
        parser.add_argument("--auth", metavar="KIND", help=", ".join(AuthKind.values))
        for secret in ("--secret-env", "--client-secret-env"):
            parser.add_argument(secret, metavar="VAR", help="environment variable that holds it")
        for text in (
            "--token-url",
            "--username",
            "--client-id",
            "--header-name",
            "--idempotency-header",
        ):
            parser.add_argument(text)
        parser.add_argument(
            "--header", action="append", metavar="'K: V'", help="an extra header; repeatable"
        )
        for whole in ("--batch-size", "--concurrency", "--max-attempts"):
            parser.add_argument(whole, type=int, metavar="N")
        for seconds in ("--delay", "--timeout", "--retry-delay"):
            parser.add_argument(seconds, type=float, metavar="S")

        parser.add_argument(
            "--test", action="store_true", help="test the connection; no customer is sent"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        api = CustomerApi.objects.filter(name=name).first() or CustomerApi(name=name)
        created = api.pk is None
        for option, field in FIELDS.items():
            if options[option] is not None:
                setattr(api, field, options[option])
        self._set_secrets(api, options)
        if options["mapping"]:
            api.mapping = self._mapping(options["mapping"])
            if created and not options["preset"] and describes_itself(api.mapping):
                api.preset = "plain"  # nothing of GK's habits is inherited unseen
        if options["header"]:
            api.extra_headers = json.dumps(dict(self._header(text) for text in options["header"]))
        try:
            clean_api(api)
        except ValidationError as error:
            refuse(
                "\n".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            )
        api.save()
        self.stdout.write(f"{'Created' if created else 'Changed'} the API {name}.")
        for remark in remarks_on(api):
            self.stderr.write(self.style.WARNING(remark))
        if options["test"]:
            self._test(api)

    def _test(self, api: CustomerApi) -> None:
        result = probe(api)
        self.stdout.write(result.sentence)
        if not result.ok:
            sys.exit(SOME_FAILED)

    def _set_secrets(self, api: CustomerApi, options: dict[str, Any]) -> None:
        for option, field in (("secret_env", "secret"), ("client_secret_env", "client_secret")):
            variable = options[option]
            if variable is None:
                continue
            if not os.environ.get(variable):
                refuse(f"The environment variable {variable} is not set, or is empty.")
            setattr(api, field, os.environ[variable])

    def _mapping(self, path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            refuse(f"{path} cannot be read: {error.strerror}.")
        except ValueError as error:
            refuse(f"{path} is not JSON: {error}.")

    def _header(self, text: str) -> tuple[str, str]:
        key, colon, value = text.partition(":")
        if not colon or not key.strip() or not value.strip():
            refuse("--header is written 'Name: value'.")
        return key.strip(), value.strip()
