"""The pages of a refused request: what was wrong, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from imports.rendering import in_words

if TYPE_CHECKING:
    from imports.messages import Text


def _page(status: int, title: str, sentence: str, back: str = "", label: str = "") -> HttpResponse:
    """Drawn without the request: no session and no database is needed for it."""
    shown = {
        "title": title,
        "sentence": sentence,
        "way_back": back or reverse("admin:index"),
        "way_back_label": label or _("Home"),
    }
    return HttpResponse(render_to_string("errors/page.html", shown), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what was wrong, and how to continue. htmx drops such an answer and reloads its page."""
    sentence = _sentence(exception)
    if request.headers.get("HX-Request"):
        messages.error(request, sentence)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return _page(400, _("Nothing was done"), sentence)


def _sentence(exception: Exception | None) -> str:
    if isinstance(exception, TooManyFilesSent):
        most = number_format(settings.DATA_UPLOAD_MAX_NUMBER_FILES, force_grouping=True)
        return _(
            "At most %(most)s files can be added at once, so none was added. Add them in "
            "several steps, or import the directory with: manage.py import_customers."
        ) % {"most": most}
    if isinstance(exception, RequestDataTooBig):
        most = number_format(settings.UPLOAD_MAX_BYTES // 1_000_000, force_grouping=True)
        return _(
            "The request was too large, so nothing was done. At most %(most)s MB can be uploaded "
            "at once. Add larger files with: manage.py import_customers."
        ) % {"most": most}
    if isinstance(exception, TooManyFieldsSent):
        return _("The request was too large, so nothing was done.")
    return _("This request could not be read, so nothing was done.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A permission is missing."""
    sentence = _("Your account may not do this. An administrator can give you the permission.")
    return _page(403, _("Not allowed"), sentence)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that is too old, or that another site sent."""
    sentence = _(
        "This form is too old, or it did not come from this site, so nothing was done. "
        "Open the page again and repeat what you did."
    )
    return _page(403, _("Nothing was done"), sentence)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """An address that leads nowhere."""
    sentence = _("There is no such page. What it showed may have been removed.")
    return _page(404, _("Not found"), sentence)


def no_such_row(request: HttpRequest, row: str) -> HttpResponse:
    """For an address that never shows anything."""
    return not_found(request)


def sealed(why: Text) -> HttpResponse:
    """Records are encrypted, and no key opens them."""
    return _page(503, _("Encrypted records cannot be opened"), in_words(why))


def failed(request: HttpRequest) -> HttpResponse:
    """Redrive's own fault; the log has it."""
    sentence = _("Redrive itself failed. The log says why. Nothing that you saved before is lost.")
    return _page(500, _("Something went wrong"), sentence)


def locked_out(request: HttpRequest, *_more: Any) -> HttpResponse:
    """Too many wrong passwords."""
    minutes = number_format(round(settings.AXES_COOLOFF_TIME.total_seconds() / 60))
    sentence = _(
        "Too many wrong passwords for this account came from your address. Try again after "
        "%(minutes)s minutes, or ask an administrator."
    )
    return _page(
        429, _("Wait before you log in"), sentence % {"minutes": minutes},
        reverse("admin:login"), _("Log in"),
    )  # fmt: skip
