"""Which addresses belong to one site, and how a site is named in sentences."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def site(url: str) -> str:
    """The origin of a URL for sentences: no path, which may carry a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else parts.scheme


def same_site(url: str, login_url: str) -> bool:
    """Whether both have one origin; http may become https on the same host's usual ports."""
    there, home = urlsplit(url), urlsplit(login_url)
    if there.scheme not in DEFAULT_PORTS or there.hostname != home.hostname:
        return False
    upgraded = there.scheme == "https" and home.scheme == "http"
    ports = [parts.port or DEFAULT_PORTS.get(parts.scheme) for parts in (there, home)]
    if upgraded:
        return ports == [443, 80]
    return there.scheme == home.scheme and ports[0] == ports[1]
