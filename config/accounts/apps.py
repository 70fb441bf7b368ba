"""The app of what stands around Django's users."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Notes at each login whether a second factor is due."""

    name = "config.accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from config.accounts.sign_in import note_login

        user_logged_in.connect(note_login)
