"""Create or change a portal."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from bills.models import Portal
from bills.portal_setup import save_portal
from bills.portals.recipe_schema import RecipeError, load_recipe
from imports.commands import TextCommand, refuse

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

# The option and the field that it sets; one that is not given changes nothing.
FIELDS = {
    "login_url": "login_url", "billing_url": "billing_url", "script": "script",
    "max_attempts": "max_attempts", "retry_delay": "retry_delay_seconds",
    "attempt_timeout": "attempt_timeout_seconds", "concurrency": "concurrency",
    "refused_password_limit": "refused_password_limit", "code_wait": "code_wait_seconds",
    "keep_devices": "keeps_devices",
}  # fmt: skip


class Command(TextCommand):
    """Exit code 2 where something given cannot be right; then nothing is changed."""

    help = "Create or change a portal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--login-url", metavar="URL", help="the page that asks for a password")
        parser.add_argument("--billing-url", metavar="URL", help="the page that lists the bills")
        parser.add_argument(
            "--recipe", type=Path, metavar="FILE.json", help="replaces the recipe; see the README"
        )
        parser.add_argument("--script", metavar="NAME", help="a file of bills/portals")
        for whole in ("--max-attempts", "--concurrency", "--refused-password-limit"):
            parser.add_argument(whole, type=int, metavar="N")
        parser.add_argument(
            "--code-wait", type=int, metavar="S", help="for a one-time code; 0: nobody is asked"
        )
        parser.add_argument(
            "--keep-devices",
            action=BooleanOptionalAction,
            default=None,
            help="keep what the browser remembers after a login, and try it first",
        )
        for seconds in ("--retry-delay", "--attempt-timeout"):
            parser.add_argument(seconds, type=float, metavar="S")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        portal = Portal.objects.filter(name=name).first() or Portal(name=name)
        created = portal.pk is None
        for option, field in FIELDS.items():
            if options[option] is not None:
                setattr(portal, field, options[option])
        if options["recipe"]:
            portal.recipe = self._recipe(options["recipe"])
        try:
            save_portal(portal)
        except ValidationError as error:
            lines = [
                f"{field}: {text}" for field, texts in error.message_dict.items() for text in texts
            ]
            refuse("\n".join(lines))
        self.stdout.write(f"{'Created' if created else 'Changed'} the portal {name}.")

    def _recipe(self, path: Path) -> Any:
        """The file's JSON; what is wrong with it is told with its name."""
        import json

        try:
            text = path.read_bytes()
        except OSError as error:
            refuse(f"{path} cannot be read: {error.strerror}.")
        try:
            load_recipe(text)
        except RecipeError as refusal:
            refuse("\n".join(f"{path}: {field}: {wrong}" for field, wrong in refusal.errors))
        return json.loads(text or b"{}")
