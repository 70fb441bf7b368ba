"""How this installation is served, as an app: its checks are part of `manage.py check`."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    """Registers the checks of the settings, and reports errors where somebody wants them."""

    name = "config"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from config import checks, error_reports

        register(checks.proxy, Tags.security, deploy=True)
        register(checks.log_format)
        error_reports.begin()
