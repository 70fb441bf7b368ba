"""The ledger, the engine and customer imports."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    """Registers the job type of customers."""

    name = "imports"
    verbose_name = _("Imports")

    def ready(self) -> None:
        from django.core.checks import register
        from django.core.signals import request_finished

        from imports import job_types
        from imports.customers.job_type import CustomerJobType
        from imports.http.egress import check_settings
        from imports.sealing import working

        job_types.register(CustomerJobType())
        register(check_settings, "settings")
        request_finished.connect(lambda **_: working.forget(), weak=False)
