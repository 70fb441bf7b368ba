"""What the login page asks of the settings."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def single_sign_on_name() -> str:
    """What the button of single sign-on says; empty where there is none."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""


@register.simple_tag
def passwords_let_in() -> bool:
    """Whether a password is a way in."""
    return bool(settings.PASSWORD_LOGIN)
