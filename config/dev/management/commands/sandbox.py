"""`manage.py sandbox`: the fake customer API and the fake portal, for demos and for trying out."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from config.dev.sandbox.customer_api import CUSTOMERS_PATH, OFFERS, TOKEN_PATH, SandboxApi
from config.dev.sandbox.http_server import SandboxServer
from config.dev.sandbox.portal import PortalSite
from config.dev.sandbox.tokens import Access

if TYPE_CHECKING:
    from argparse import ArgumentParser

DEFAULT_PORT = 8001
OUTAGE_TRIES = 3  # as many as the preset Balanced attempts: its first job ends with two failures


class Command(BaseCommand):
    help = "Serves a fake customer API and a fake portal on loopback, with faults to order."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0: any free one")
        parser.add_argument("--seed", type=int, default=1, help="fixes every chance in it")
        parser.add_argument(
            "--outage-tries",
            type=int,
            default=OUTAGE_TRIES,
            metavar="N",
            help="the samples 50000001300-1349 and 50000001700-1749 fail N times; 0: never",
        )
        parser.add_argument(
            "--state", type=Path, help="a file that keeps the outage's count over a restart"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        api = SandboxApi(
            options["seed"], outage_tries=options["outage_tries"], outage_memory=options["state"]
        )
        server = self._server(api, options)
        ends_it = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends_it)  # until they are waited for
        server.start()
        self._introduce(server.base_url)
        signal.sigwait(ends_it)
        server.stop()

    def _server(self, api: SandboxApi, options: dict[str, Any]) -> SandboxServer:
        port = options["port"]
        try:
            return SandboxServer(api, PortalSite(options["seed"]), port=port)
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"The sandbox can't listen on port {port}: {error}. "
                "Stop what uses it, or choose another one with --port.",
                returncode=2,
            ) from None

    def _introduce(self, url: str) -> None:
        access = Access()
        lines = [
            f"The sandbox listens on {url} (Ctrl-C ends it).",
            f"  customers  {url}{CUSTOMERS_PATH}",
            f"  sign in    bearer  {access.bearer}",
            f"             basic   {access.username} / {access.password}",
            f"             header  {access.header_name}: {access.header_value}",
            f"             OAuth2  {url}{TOKEN_PATH}",
            f"                     client {access.client_id} / {access.client_secret}",
            f"  portal     {url}/portal/login",
            "  for tests:",
            *(f"    {address}: {what}" for address, what in OFFERS.items()),
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()
