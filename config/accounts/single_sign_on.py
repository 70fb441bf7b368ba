"""Single sign-on by OpenID Connect: the provider says who it is, and in which groups."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from joserfc.errors import JoseError

from config.accounts.models import Identity
from config.accounts.sign_in import BY_PROVIDER
from imports.outside_text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)
BACKEND = "config.accounts.single_sign_on.Provider"
NEXT = "single_sign_on_next"
TIMEOUT_SECONDS = 10
UNANSWERED = (
    AuthlibBaseError, JoseError, requests.RequestException, ValueError, RuntimeError, KeyError
)  # fmt: skip


class Refused(Exception):
    """Who the provider names does not get in. The message says why, for that person."""


class Provider(ModelBackend):
    """Accounts that the provider let in. It checks no password; permissions are Django's."""

    def authenticate(self, *args: Any, **credentials: Any) -> None:
        """Never: a password is nothing to the provider."""


@lru_cache(maxsize=4)
def _client_of(issuer: str, client_id: str, secret: str, ca_file: str) -> Any:
    registry = OAuth()
    kwargs: dict[str, Any] = {
        "scope": settings.OIDC_SCOPES,
        "code_challenge_method": "S256",
        "timeout": TIMEOUT_SECONDS,
    }
    if ca_file:
        kwargs["verify"] = ca_file
    return registry.register(
        "oidc",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs=kwargs,
    )


def client() -> Any:
    """Talks to the provider; what it publishes about itself is read once.

    Raises Http404 where no provider is named.
    """
    if not settings.OIDC_ISSUER:
        raise Http404
    return _client_of(
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET,
        settings.CA_FILE,
    )  # fmt: skip


@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    provider = client()
    request.session[NEXT] = request.GET.get("next", "")
    back = request.build_absolute_uri(reverse("single_sign_on_back"))
    try:
        there: HttpResponse = provider.authorize_redirect(request, back)
    except UNANSWERED as error:
        return _refused(request, _does_not_work(error))
    return there


@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Let in whom the provider sends back with a signed answer to our question."""
    provider = client()
    try:
        token = provider.authorize_access_token(
            request, claims_options={"iss": {"essential": True, "value": settings.OIDC_ISSUER}}
        )
        user = account_of(token["userinfo"])
    except Refused as refusal:
        return _refused(request, str(refusal))
    except UNANSWERED as error:
        return _refused(request, _does_not_work(error))
    wanted = request.session.pop(NEXT, "")
    auth.login(request, user, backend=BACKEND)
    request.session[BY_PROVIDER] = True
    is_ours = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return redirect(wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL))


def _does_not_work(error: Exception) -> str:
    """The log has which kind of error; its text may hold what must not be kept."""
    logger.warning("single sign-on failed: %s", type(error).__name__)
    return _("Single sign-on did not work. Try again, or ask an administrator.")


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect(settings.LOGIN_URL)


def account_of(claims: Mapping[str, Any]) -> User:
    """The account of whom these claims are about, with the groups that they name.

    Raises Refused for who is in none of our groups, or has no account of their own here.
    """
    groups = groups_of(claims)
    with transaction.atomic():
        user = _known(claims)
        if user is not None:
            user.groups.remove(*_managed())
            user.groups.add(*groups)
        if not groups:
            _shut_out(user)
        else:
            user = user or _new(claims, groups)
    if user is None or not groups:
        raise Refused(_("You are in none of the groups that may use Redrive."))
    if not user.is_active:
        raise Refused(_("Your account is switched off. Ask an administrator."))
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user


def _shut_out(user: User | None) -> None:
    """Who has left every group gets no further by a session from before."""
    if user is not None and not user.is_superuser and user.is_staff:
        user.is_staff = False
        user.save(update_fields=["is_staff"])


def groups_of(claims: Mapping[str, Any]) -> list[Group]:
    """Our groups that the claim names: by OIDC_GROUPS where it is set, else by the same name."""
    named = claims.get(settings.OIDC_GROUPS_CLAIM)
    theirs = {
        each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)
    }
    names = (
        {ours for each, ours in settings.OIDC_GROUPS.items() if each in theirs}
        if settings.OIDC_GROUPS
        else {printable(each) for each in theirs}
    )
    return list(Group.objects.filter(name__in=names))


def _managed() -> list[Group]:
    """The groups that the provider decides about; others stay as an administrator gave them."""
    names = settings.OIDC_GROUPS.values()
    return list(Group.objects.filter(name__in=names) if names else Group.objects.all())


def _known(claims: Mapping[str, Any]) -> User | None:
    identity = Identity.objects.select_related("user").filter(
        issuer=settings.OIDC_ISSUER, subject=claims["sub"]
    )
    found = identity.first()
    return found.user if found else None


def _new(claims: Mapping[str, Any], groups: list[Group]) -> User:
    """An account under the name that the provider gives.

    One of that name that exists is taken over only if it can log in no other way.
    """
    name = printable(str(claims.get("preferred_username") or claims.get("email") or claims["sub"]))
    name = name[:150]
    try:
        with transaction.atomic():
            user, is_new = User.objects.get_or_create(
                username=name, defaults={"email": printable(str(claims.get("email") or ""))[:254]}
            )
            if not is_new and (user.has_usable_password() or user.is_superuser):
                raise Refused(_name_taken() % {"name": name})
            if is_new:
                user.set_unusable_password()
                user.save(update_fields=["password"])
            Identity.objects.create(user=user, issuer=settings.OIDC_ISSUER, subject=claims["sub"])
    except IntegrityError as error:
        raise Refused(_name_taken() % {"name": name}) from error
    user.groups.add(*groups)
    return user


def _name_taken() -> str:
    return _("Another account here is called %(name)s. Ask an administrator.")
