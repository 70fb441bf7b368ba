"""A TOTP secret is read in every form in which people have it; its codes are those of RFC 6238."""

from __future__ import annotations

import pytest

from bills.portals.logins.totp import BadSecret, read_totp

# Appendix B of RFC 6238: time, code of eight digits, algorithm.
VECTORS = [
    (59, "94287082", "SHA1"), (59, "46119246", "SHA256"), (59, "90693936", "SHA512"),
    (1111111109, "07081804", "SHA1"), (1111111109, "68084774", "SHA256"),
    (20000000000, "65353130", "SHA1"), (20000000000, "47863826", "SHA512"),
]  # fmt: skip
SECRETS = {
    "SHA1": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "SHA256": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA",
    "SHA512": "GEZDGNBVGY3TQOJQ" * 6 + "GEZDGNA",
}


@pytest.mark.parametrize(("at", "code", "digest"), VECTORS)
def test_codes_are_those_of_the_standard(at: int, code: str, digest: str) -> None:
    totp = read_totp(f"otpauth://totp/x?secret={SECRETS[digest]}&digits=8&algorithm={digest}")
    assert totp.code(totp.window(at)) == code


@pytest.mark.parametrize(
    "text",
    [
        "JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", " JBSW-Y3DP-EHPK-3PXP\n", "JBSWY3DPEHPK3PXP==",
        "otpauth://totp/Acme:anna%40a.se?secret=JBSWY3DPEHPK3PXP&issuer=Acme",
        "OTPAUTH://TOTP/?SECRET=jbswy3dpehpk3pxp&period=30&digits=6&algorithm=sha1",
    ],
)  # fmt: skip
def test_a_secret_is_read_as_people_have_it(text: str) -> None:
    assert read_totp(text) == read_totp("JBSWY3DPEHPK3PXP")
    assert read_totp(read_totp(text).uri) == read_totp(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "hemlig", "JBSWY3D", "0189", "otpauth://totp/x", "otpauth://totp/x?secret=!",
        "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=99",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=0",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5", "A" * 600,
        "otpauth://[",
    ],
)  # fmt: skip
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadSecret) as refusal:
        read_totp(text)
    assert not text or text not in str(refusal.value)


def test_a_secret_shows_in_no_text_of_the_object() -> None:
    assert "JBSWY3DP" not in repr(read_totp("JBSWY3DPEHPK3PXP"))
