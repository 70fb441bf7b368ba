"""A TOTP secret is read from a picture of its QR code, and from no other picture."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image

from bills.accounts.upload import NoSecretInPicture, secret_in_picture
from bills.portals.logins.totp import BadSecret, read_totp

URI = "otpauth://totp/Ellevio:anna%40a.se?secret=JBSWY3DPEHPK3PXP&issuer=Ellevio&digits=8"


def picture(text: str, kind: str = "PNG", size: int = 400) -> bytes:
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    code = Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=6))
    sheet = Image.new("RGB", (size * 2, size * 2), "white")
    sheet.paste(code.convert("RGB"), (size // 3, size // 4))
    content = io.BytesIO()
    sheet.save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_screenshot_with_a_code_in_it_gives_the_secret(kind: str) -> None:
    assert secret_in_picture(picture(URI, kind)) == read_totp(URI).uri


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(NoSecretInPicture) as refusal:
        secret_in_picture(content)
    assert refusal.value.message.code == "QR_NO_PICTURE"  # type: ignore[union-attr]


def test_another_qr_code_holds_no_secret() -> None:
    with pytest.raises(NoSecretInPicture) as refusal:
        secret_in_picture(picture("https://example.test/"))
    assert refusal.value.message.code == "QR_NOT_FOUND"  # type: ignore[union-attr]
    with pytest.raises(BadSecret):
        secret_in_picture(picture(URI.replace("totp", "hotp")))
