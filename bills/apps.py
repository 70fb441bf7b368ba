"""Bill downloads: the second job type, on the same ledger."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillsConfig(AppConfig):
    """Registers the job type of bills."""

    name = "bills"
    verbose_name = _("Bills")

    def ready(self) -> None:
        from bills import error_codes
        from bills.job_type import BillJobType
        from bills.portals import failures  # noqa: F401 - pages say its sentences, workers write them
        from imports import job_types

        job_types.register(BillJobType())
        error_codes.register()
