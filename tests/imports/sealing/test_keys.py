"""The codec: what was sealed opens with its own key, in its own place, or not at all."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from imports.sealing.keys import OVERHEAD, Unreadable, new_key, seal, unseal

KEY = AESGCM(new_key())
PLAIN = b'{"person": {"customerId": "1"}}'


@given(st.binary(max_size=5_000), st.text(max_size=40))
def test_what_was_sealed_opens_again_byte_for_byte(plain: bytes, about: str) -> None:
    sealed = seal(KEY, plain, about.encode("utf-8", "replace").decode())
    assert len(sealed) == len(plain) + OVERHEAD
    assert unseal(KEY, sealed, about.encode("utf-8", "replace").decode()) == plain


def test_the_same_bytes_are_never_sealed_alike() -> None:
    assert len({seal(KEY, PLAIN, "batch 1") for _ in range(500)}) == 500


@pytest.mark.parametrize("at", range(0, len(PLAIN) + OVERHEAD, 7))
def test_one_altered_bit_opens_nothing(at: int) -> None:
    altered = bytearray(seal(KEY, PLAIN, "batch 1"))
    altered[at] ^= 1
    with pytest.raises(Unreadable):
        unseal(KEY, bytes(altered), "batch 1")


@pytest.mark.parametrize("left", [0, 5, OVERHEAD - 1, OVERHEAD, len(PLAIN)])
def test_what_was_cut_off_opens_nothing(left: int) -> None:
    with pytest.raises(Unreadable):
        unseal(KEY, seal(KEY, PLAIN, "batch 1")[:left], "batch 1")


def test_another_key_or_another_place_opens_nothing() -> None:
    sealed = seal(KEY, PLAIN, "batch 1")
    for key, about in ((AESGCM(new_key()), "batch 1"), (KEY, "batch 2")):
        with pytest.raises(Unreadable) as refused:
            unseal(key, sealed, about)
        assert "customerId" not in str(refused.value)
