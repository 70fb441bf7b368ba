"""A CSV of accounts adds and changes; a cell that is empty changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.accounts import states
from bills.accounts.upload import take
from bills.csv.reader import UnreadableCsv
from bills.models import Credential, Portal
from bills.portals.logins.totp import read_totp

if TYPE_CHECKING:
    from pathlib import Path

    from bills.accounts.upload import Taken

pytestmark = pytest.mark.django_db

SECRET = "JBSW Y3DP EHPK 3PXP"


@pytest.fixture
def portals(installation: Path) -> list[Portal]:
    return [
        Portal.objects.create(name=name, login_url="https://a.se", billing_url="https://a.se")
        for name in ("Ellevio", "Vattenfall")
    ]


@pytest.fixture
def upload(tmp_path: Path, portals: list[Portal]) -> Uploader:
    return Uploader(tmp_path)


class Uploader:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "accounts.csv"

    def __call__(self, *lines: str, portal: Portal | None = None) -> Taken:
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return take(self.path, "accounts.csv", portal)


def account(email: str) -> Credential:
    return Credential.objects.get(email=email)


def reasons(taken: Taken) -> list[str]:
    return [each.own_params["what"].code for each in taken.refused]  # type: ignore[union-attr]


def test_one_file_names_the_portal_of_each_row(upload: Uploader) -> None:
    taken = upload(
        "portal;email;password;customer;group;totp;contract no",
        f"ellevio;anna@a.se;one;Anna AB;north;{SECRET};7",
        "Vattenfall;anna@a.se;two;Anna AB;;;8",
        "Fortum;bo@a.se;three;;;;",
        ";bo@a.se;three;;;;",
    )
    assert (taken.added, taken.changed) == (2, 0)
    assert reasons(taken) == ["NO_SUCH_PORTAL", "NO_PORTAL"]
    one = Credential.objects.get(portal__name="Ellevio")
    assert (one.customer, one.group, one.password) == ("Anna AB", "north", "one")
    assert read_totp(one.totp_secret) == read_totp(SECRET)
    assert one.extra == {"customer": "Anna AB", "group": "north", "contract no": "7"}


def test_a_file_without_passwords_corrects_the_rest(
    upload: Uploader, portals: list[Portal]
) -> None:
    upload("email,password,totp", f"anna@a.se,one,{SECRET}", portal=portals[0])
    Credential.objects.update(refused_count=2, stop_code="LOGIN_FAILED")
    taken = upload("email,customer,group", "ANNA@a.se,Anna AB,", "new@a.se,,", portal=portals[0])
    assert (taken.added, taken.changed, reasons(taken)) == (0, 1, ["NEW_WITHOUT_PASSWORD"])
    one = account("anna@a.se")
    assert (one.customer, one.password, one.stop_code) == ("Anna AB", "one", "LOGIN_FAILED")
    assert one.totp_secret
    upload("email,password", "anna@a.se,two", portal=portals[0])
    assert (account("anna@a.se").stop_code, account("anna@a.se").refused_count) == ("", 0)


def test_a_row_with_a_bad_secret_is_refused_without_its_values(
    upload: Uploader, portals: list[Portal]
) -> None:
    taken = upload("email,password,totp", "anna@a.se,one,nonsense", portal=portals[0])
    assert (taken.added, len(taken.refused)) == (0, 1)
    assert "nonsense" not in str(taken.refused[0])


def test_a_deleted_account_comes_back(upload: Uploader, portals: list[Portal]) -> None:
    upload("email,password", "anna@a.se,one", portal=portals[0])
    Credential.objects.update(deleted_at="2026-11-01T00:00Z", password="")
    taken = upload("email,password", "anna@a.se,two", portal=portals[0])
    assert (taken.added, account("anna@a.se").deleted_at) == (1, None)
    assert states.state_of(account("anna@a.se")) == states.NEW


def test_a_file_that_cannot_be_trusted_changes_nothing(
    upload: Uploader, portals: list[Portal]
) -> None:
    with pytest.raises(UnreadableCsv):
        upload("email,password", "anna@a.se,one", 'bo@a.se,"two', portal=portals[0])
    assert not Credential.objects.exists()
