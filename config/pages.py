"""The admin as an app. Its pages are loaded where they are shown or checked, not by each command.

They are a third of all that Redrive loads: a command would begin that much later, and each worker
would keep them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class PagesConfig(SimpleAdminConfig):
    """Django's, but for when the pages are loaded: `config.urls` does it."""

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_pages, Tags.admin)


def check_pages(app_configs: Any, **named: Any) -> list[CheckMessage]:
    """What Django checks of the admin's pages, once they are loaded."""
    autodiscover()
    found: list[CheckMessage] = check_admin_app(app_configs, **named)
    return found
