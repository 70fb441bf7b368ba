"""The page for a request that Django refuses to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.http import HttpRequest


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what was wrong, and how to go on. htmx drops such an answer: it loads its page anew."""
    sentence = _sentence(exception)
    if request.headers.get("HX-Request"):
        messages.error(request, sentence)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "imports/bad_request.html", {"sentence": sentence}, status=400)


def _sentence(exception: Exception | None) -> str:
    if isinstance(exception, TooManyFilesSent):
        most = number_format(settings.DATA_UPLOAD_MAX_NUMBER_FILES, force_grouping=True)
        return _(
            "At most %(most)s files can be added at once, so none of them was. Add them in "
            "several goes, or import the directory with: manage.py import_customers."
        ) % {"most": most}
    if isinstance(exception, (TooManyFieldsSent, RequestDataTooBig)):
        return _("That was more than one request may hold, so nothing of it was done.")
    return _("This request could not be read, so nothing was done.")
