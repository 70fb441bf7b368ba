"""Our own style sheet and script, as Unfold's settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.templatetags.static import static

if TYPE_CHECKING:
    from django.http import HttpRequest


def style(request: HttpRequest) -> str:
    """The address of what we add to Unfold's look."""
    return static("imports/redrive.css")


def style_of_acts(request: HttpRequest) -> str:
    """The address of the look of what is done to many records at once."""
    return static("imports/acts.css")


def script(request: HttpRequest) -> str:
    """The address of what our pages do in the browser."""
    return static("imports/redrive.js")


def favicon(request: HttpRequest) -> str:
    """The address of the small picture in the browser's tab."""
    return static("imports/icon.svg")
