"""The ledger, the engine and customer imports."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    """Registers the first kind of work."""

    name = "imports"
    verbose_name = _("Imports")

    def ready(self) -> None:
        from django.core.checks import register

        from imports import kinds
        from imports.customers.kind import CustomerKind
        from imports.http.egress import check_settings

        kinds.register(CustomerKind())
        register(check_settings)
