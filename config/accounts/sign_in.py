"""Signing in with a password: wrong ones lock the account, and a right one may not be enough.

After too many wrong passwords, an account is locked for the address that they came from. The
second factor is a code of an authenticator app, asked for after the password.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import site
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as verified_by

from config.accounts.models import Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


LONGEST_NAME = 255


class Throttle(AxesStandaloneBackend):
    """django-axes, except where no request asks: a command or a script has no address."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **credentials: Any) -> None:
        """Raises PermissionDenied while the account is locked."""
        if request is not None:
            super().authenticate(request, *args, **credentials)


def username(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """The name that was tried, no longer than it can be stored."""
    given = (credentials or request.POST).get("username")
    return None if given is None else str(given)[:LONGEST_NAME]


DUE = "second_factor_due"  # in a session: a password was right, and the code is still to come
BY_PROVIDER = "single_sign_on"  # in a session: the provider has asked for what it asks for
OPEN = ("two_factor", "admin:login", "admin:logout", "set_language", "admin:jsi18n")


def note_login(request: HttpRequest | None, user: Any, **_more: Any) -> None:
    """After a password: whether this account has an authenticator."""
    if request is not None and hasattr(request, "session"):
        request.session[DUE] = Authenticator.objects.filter(user=user, confirmed=True).exists()


class RequireSecondFactor:
    """Leads whoever owes a second factor to its page, whatever they ask for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_due(request) and request.path not in {reverse(name) for name in OPEN}:
            asked = request.get_full_path() if request.method == "GET" else ""
            return HttpResponseRedirect(f"{reverse('two_factor')}?{urlencode({'next': asked})}")
        return self.get_response(request)


def is_due(request: HttpRequest) -> bool:
    """Whether this session's person still has to enter a code, or to set one up."""
    user: Any = request.user
    if not user.is_authenticated or user.is_verified():
        return False
    if request.session.get(BY_PROVIDER):
        return False
    return bool(request.session.get(DUE)) or (settings.TWO_FACTOR_REQUIRED and user.is_staff)


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """What the menu of one's account offers besides the password and logging out."""
    return [{"title": _("Two-factor login"), "link": reverse("two_factor")}]


@never_cache
@sensitive_post_parameters("code")
def two_factor(request: HttpRequest) -> HttpResponse:
    """Enter a code; or set an authenticator up, or remove it."""
    user: Any = request.user
    if not user.is_authenticated:
        return redirect(settings.LOGIN_URL)
    if request.method == "POST":
        return _posted(request)
    found = Authenticator.objects.filter(user=user).first() or Authenticator(
        user=user, name="app", confirmed=False
    )
    if found.pk is None:
        found.save()
    return _page(request, found)


def _posted(request: HttpRequest) -> HttpResponse:
    code = request.POST.get("code", "").replace(" ", "")
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update()
        found = rows.filter(user=request.user).first()
        is_right = found is not None and found.verify_token(code)
        if found is None or not is_right:
            messages.error(request, _refusal(found))
            return redirect(request.get_full_path())
        return _accepted(request, found)


def _refusal(found: Authenticator | None) -> str:
    if (
        found is not None
        and not found.verify_is_allowed()[0]
        and found.throttling_failure_count > 1
    ):
        return _("That code is not right. Wait a little before you try again.")
    return _("That code is not right. Enter the newest code that your app shows.")


def _accepted(request: HttpRequest, found: Authenticator) -> HttpResponse:
    """What a right code is for."""
    if not found.confirmed:
        codes = found.confirm()
        _let_in(request, found)
        return _page(request, found, {"recovery_codes": codes})
    if "remove" in request.POST and _is_verified(request) and not settings.TWO_FACTOR_REQUIRED:
        found.delete()
        request.session.pop(DUE, None)
        messages.success(request, _("The second factor is off."))
        return redirect("two_factor")
    _let_in(request, found)
    return redirect(_next(request))


def _let_in(request: HttpRequest, found: Authenticator) -> None:
    request.session.cycle_key()
    verified_by(request, found)


def _is_verified(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_verified())


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)


def _page(
    request: HttpRequest, found: Authenticator, more: dict[str, Any] | None = None
) -> HttpResponse:
    shown: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Two-factor login"),
        "is_on": found.confirmed,
        "is_verified": _is_verified(request),
        "is_required": settings.TWO_FACTOR_REQUIRED,
        "codes_left": len(found.recovery_hashes),
        "next": _next(request),
    }
    if not found.confirmed:
        secret = base64.b32encode(bytes.fromhex(found.key)).decode()
        shown |= {"secret": secret, "picture": _picture(request, secret)}
    return render(request, "accounts/two_factor.html", shown | (more or {}))


def _picture(request: HttpRequest, secret: str) -> str:
    """The QR code that an authenticator app reads, as SVG."""
    import qrcode.image.svg  # takes its time, and each process loads this module

    label = quote(f"Redrive:{request.user.get_username()}")
    uri = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'Redrive'})}"
    image = qrcode.make(uri, image_factory=qrcode.image.svg.SvgPathImage)
    return str(image.to_string(encoding="unicode"))
