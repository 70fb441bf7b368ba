"""What the settings say of how requests leave: the proxy, and certificates to trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import Warning

from imports.http.addresses import Rules
from imports.http.certificates import BadCertificates, check_certificates
from imports.http.tunnel import BadProxy, proxy_of
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from imports.http.tunnel import Proxy

CA_FILE_UNREADABLE = sentence("CA_FILE_UNREADABLE", _("CA_FILE cannot be read: {error}."))
CA_FILE_HOLDS_NONE = sentence("CA_FILE_HOLDS_NONE", _("CA_FILE: {what}"))
CA_FILE_NOT_ASCII = sentence("CA_FILE_NOT_ASCII", _("CA_FILE: it is not ASCII text."))


def rules(allow_plain_http: bool = False) -> Rules:
    """Which addresses may be called, and through which proxy. Raises BadProxy."""
    return Rules(settings.ALLOW_PRIVATE_ADDRESSES, allow_plain_http, proxy=proxy())


def proxy() -> Proxy | None:
    """EGRESS_PROXY, the only proxy there is. Raises BadProxy."""
    return proxy_of(settings.EGRESS_PROXY) if settings.EGRESS_PROXY else None


def certificates() -> str:
    """What is in CA_FILE, or "". Raises BadCertificates."""
    if not settings.CA_FILE:
        return ""
    try:
        pem = Path(settings.CA_FILE).read_text(encoding="ascii")
        check_certificates(pem)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadCertificates(CA_FILE_UNREADABLE.format(error=why)) from None
    except BadCertificates as error:
        raise BadCertificates(CA_FILE_HOLDS_NONE.format(what=error.message)) from None
    except ValueError:
        raise BadCertificates(CA_FILE_NOT_ASCII) from None
    return pem


def check_settings(**_named: object) -> list[CheckMessage]:
    """For Django's checks: what stops every request is said when a process begins."""
    found: list[CheckMessage] = []
    for number, attempt in enumerate((proxy, certificates), start=1):
        try:
            attempt()
        except (BadProxy, BadCertificates) as error:
            found.append(Warning(str(error), id=f"imports.W00{number}"))
    return found
