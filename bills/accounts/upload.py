"""How accounts come in: a CSV adds those that are new and changes those that are stored.

It makes no job. A TOTP secret is also read from a picture of its QR code, which is not kept.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zxingcpp
from django.db import transaction
from PIL import Image

from bills.csv.credentials import PORTAL_KEYS, RefusedRow, account_of, read_credentials
from bills.csv.reader import key
from bills.drafts import store
from bills.models import Credential, Portal
from bills.portals.logins.totp import read_totp
from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bills.csv.credentials import CredentialRow
    from imports.messages import Message


IN_ROW = sentence("ACCOUNT_ROW", _("Row {row}: {what}"))
NO_SUCH_PORTAL = sentence(
    "NO_SUCH_PORTAL", _("there is no portal “{name}”. Add it first, or correct the name.")
)
NO_PORTAL = sentence(
    "NO_PORTAL", _("no portal is named. Choose one above, or name it in a column “portal”.")
)
NEW_WITHOUT_PASSWORD = sentence(
    "NEW_WITHOUT_PASSWORD", _("the account is new, and its password is empty. Fill it in.")
)
ROWS_AT_ONCE = 500
# Columns of our own export that say how an account is: a file that has them all is such a one.
REPORTED = ("state", "code", "contracts", "last_success", "next_run")


@dataclass(slots=True)
class Taken:
    """How many accounts were added and changed, and why rows were not taken."""

    added: int = 0
    changed: int = 0
    refused: list[Message] = field(default_factory=list)


def take(path: Path, csv_name: str, portal: Portal | None) -> Taken:
    """Store the rows, all that can be used, in one transaction.

    `portal` is that of rows that name none. An empty cell changes nothing, so that a file
    without passwords corrects the rest. Raises UnreadableCsv; then nothing is stored.
    """
    taken = Taken()
    with transaction.atomic():
        portals = {each.name.casefold(): each for each in Portal.objects.all()}
        waiting: dict[int, list[CredentialRow]] = {}
        by_pk = {each.pk: each for each in portals.values()}
        for row in read_credentials(path, csv_name, needs_password=False):
            if isinstance(row, RefusedRow):
                taken.refused.append(row.refusal)
                continue
            chosen = _portal_of(row, portals, portal)
            if not isinstance(chosen, Portal):
                taken.refused.append(IN_ROW.format(row=row.row, what=chosen))
                continue
            rows = waiting.setdefault(chosen.pk, [])
            rows.append(row)
            if len(rows) >= ROWS_AT_ONCE:
                _store(chosen, waiting.pop(chosen.pk), taken)
        for pk, rows in waiting.items():
            _store(by_pk[pk], rows, taken)
    return taken


def _portal_of(
    row: CredentialRow, portals: dict[str, Portal], otherwise: Portal | None
) -> Portal | Message:
    """The row's portal, or why it has none. Its cell is no longer one of the further columns."""
    if set(REPORTED) <= set(row.extras):
        for name in REPORTED:
            del row.extras[name]
    column = next((name for name in row.extras if key(name) in PORTAL_KEYS), None)
    name = row.extras.pop(column).strip() if column is not None else ""
    if name:
        return portals.get(name.casefold()) or NO_SUCH_PORTAL.format(name=name)
    return otherwise or NO_PORTAL


def _store(portal: Portal, rows: Iterable[CredentialRow], taken: Taken) -> None:
    given = list(rows)
    stored = Credential.objects.in_use().filter(
        portal=portal, account__in=[account_of(row.email) for row in given]
    )
    known = set(stored.values_list("account", flat=True))
    fit = []
    for row in given:
        if account_of(row.email) not in known and not row.password:
            taken.refused.append(IN_ROW.format(row=row.row, what=NEW_WITHOUT_PASSWORD))
        else:
            fit.append(row)
    store(portal, fit)
    taken.changed += sum(account_of(row.email) in known for row in fit)
    taken.added += sum(account_of(row.email) not in known for row in fit)


NO_PICTURE = sentence("QR_NO_PICTURE", _("This is no picture that can be read: use PNG or JPEG."))
NO_QR = sentence(
    "QR_NOT_FOUND",
    _("No QR code of an authenticator app was found in it. Cut the picture closer."),
)
KINDS = ("PNG", "JPEG", "WEBP")


class NoSecretInPicture(MessageError):
    """The picture shows no secret."""


def secret_in_picture(content: bytes) -> str:
    """The secret as it is stored. Raises NoSecretInPicture, or BadSecret for another QR code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=KINDS)
            if picture.width * picture.height > 40_000_000:
                raise NoSecretInPicture(NO_PICTURE)
            grey = picture.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning):
        raise NoSecretInPicture(NO_PICTURE) from None
    found = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    texts = [one.text for one in found if one.text.lower().startswith("otpauth:")]
    if not texts:
        raise NoSecretInPicture(NO_QR)
    return read_totp(texts[0]).uri
