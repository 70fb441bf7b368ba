"""Who occurs twice: across files, exactly or nearly, in memory that a million ids can have."""

from __future__ import annotations

import tracemalloc

import pytest

from imports.customers.files.duplicates import Earlier, IdRegister, LastCopies, Place, normalised
from imports.customers.files.limits import Checks


def test_a_duplicate_names_the_first_place_of_its_id_even_in_another_file() -> None:
    register = IdRegister()
    assert register.add("1", "a.json", 7) is None
    assert register.add("1", "b.json", 1) == Earlier("a.json", 7, exact=True)
    assert register.add("1", "b.json", 2) == Earlier("a.json", 7, exact=True)


def test_an_id_that_only_looks_the_same_is_not_a_duplicate() -> None:
    register = IdRegister()
    register.add("Ab 1", "a.json", 1)
    assert register.add("aB1", "a.json", 2) == Earlier("a.json", 1, exact=False)


def test_many_ids_are_all_found_again_and_none_is_taken_for_another() -> None:
    register = IdRegister()
    assert not any(register.add(str(n), "a.json", n) for n in range(1, 50_001))
    assert len(register) == 50_000
    for number in range(1, 50_001, 97):
        assert register.add(str(number), "b.json", 1) == Earlier("a.json", number, exact=True)


def test_an_id_takes_less_than_sixty_bytes() -> None:
    tracemalloc.start()
    try:
        register = IdRegister()
        for number in range(10_000):
            register.add(f"50000{number:06d}", "a.json", number)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 60 * 10_000


@pytest.mark.parametrize("like", ["Straße 1", "STRASSE1", " straße\u00a01 ", "ｓｔｒａｓｓｅ １"])
def test_case_space_and_unicode_form_make_no_difference(like: str) -> None:
    assert normalised(like) == "strasse1"


def test_leading_zeros_and_signs_make_a_difference() -> None:
    assert len({normalised(key) for key in ("1", "01", "-1", "1.0")}) == 4


@pytest.mark.parametrize(("first", "then"), [("00Ab1", "00AB1"), ("00Ab1", "aB1")])
def test_spellings_that_are_one_customer_to_the_api_are_copies(first: str, then: str) -> None:
    checks = Checks(ignore_case=True, ignore_leading_zeros=True)
    register, copies = IdRegister(checks.spelling), LastCopies(checks.spelling)
    assert register.add(first, "a.json", 1) is None
    assert register.add(then, "a.json", 2) == Earlier("a.json", 1, exact=True)
    places = [Place(0, "a.json", n) for n in (1, 2)]
    for key, place in zip((first, then), places, strict=True):
        copies.add(key, place)
    assert copies.later(first, places[0]) == places[1]
    assert copies.later(then, places[1]) is None
