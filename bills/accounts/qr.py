"""Reads a TOTP secret from a picture of its QR code. The picture is not kept."""

from __future__ import annotations

import io
import warnings

import zxingcpp
from PIL import Image

from bills.portals.logins.totp import read_totp
from imports.messages import MessageError, sentence
from imports.messages import marked as _

NO_PICTURE = sentence("QR_NO_PICTURE", _("This is no picture that can be read: use PNG or JPEG."))
NO_QR = sentence(
    "QR_NOT_FOUND",
    _("No QR code of an authenticator app was found in it. Cut the picture closer."),
)
MOST_PIXELS = 40_000_000
KINDS = ("PNG", "JPEG", "WEBP")


class NoSecretInPicture(MessageError):
    """The picture shows no secret."""


def secret_in_picture(content: bytes) -> str:
    """The secret as it is stored. Raises NoSecretInPicture, or BadSecret for another QR code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=KINDS)
            if picture.width * picture.height > MOST_PIXELS:
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
