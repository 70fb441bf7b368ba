"""A hand-written portal is used as its file is now, and a broken one is an error with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals import base, scripts
from bills.portals.failures import Code
from bills.portals.scripts import ScriptError, portal_named, portal_names
from tests.bills.browsing import CANARY, EMAIL, pdf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

SCRIPT = """from bills.portals.base import ListedBill, portal
from bills.portals.documents.search import save_document


@portal("ours")
class Ours:
    version = {version}

    async def log_in(self, visit):
        await visit.goto(visit.plan.login_url)
        await visit.type_password(visit.page.get_by_label("Password"))
        await visit.page.get_by_role("button", name="Log in").click()
        await visit.page.get_by_text("Log out").wait_for()

    async def list_bills(self, visit):
        {listing}
        return [ListedBill("F-100{version}", None, None)]

    async def fetch(self, visit, bill, target):
        await save_document(visit, bill, target, link=visit.page.get_by_text("PDF"))
"""


def script(version: int = 1, listing: str = "pass") -> str:
    return SCRIPT.format(version=version, listing=listing)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of hand-written portals in place of the package's own."""
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)
    monkeypatch.setattr(scripts, "_files", {})
    monkeypatch.setattr(base, "registered", registered := {})  # type: ignore[var-annotated]
    monkeypatch.setattr(scripts, "registered", registered)
    return tmp_path


def version_of(name: str) -> int:
    return portal_named(name).version  # type: ignore[attr-defined, no-any-return]


def test_a_changed_file_is_used_at_once_also_within_one_second(folder: Path) -> None:
    for version in (1, 2, 3):
        (folder / "ours.py").write_text(script(version))
        assert version_of("ours") == version


def test_a_file_that_has_not_changed_is_not_loaded_again(folder: Path) -> None:
    (folder / "ours.py").write_text(script())
    assert portal_named("ours") is portal_named("ours")


def test_a_file_that_is_gone_takes_its_portal_along(folder: Path) -> None:
    (folder / "ours.py").write_text(script())
    assert portal_names() == ["ours"]
    (folder / "ours.py").unlink()
    with pytest.raises(ScriptError, match="Known: none"):
        portal_named("ours")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (script().replace("class Ours:", "class Ours"), "ours.py, line 6: SyntaxError"),
        (script() + "\n1 / 0\n", "line 22: ZeroDivisionError"),
        ("import nothing_of_this_name\n" + script(), "ours.py, line 1: ModuleNotFoundError"),
        (script() + "\nraise SystemExit\n", "line 22: SystemExit"),
    ],
)
def test_a_broken_file_is_an_error_with_its_line_and_never_the_old_class(
    folder: Path, broken: str, words: str
) -> None:
    (folder / "ours.py").write_text(script())
    assert version_of("ours") == 1
    (folder / "ours.py").write_text(broken)
    with pytest.raises(ScriptError) as refusal:
        portal_named("ours")
    assert refusal.value.code is Code.BAD_SCRIPT
    assert words in str(refusal.value.detail)
    (folder / "ours.py").write_text(script(2))
    assert version_of("ours") == 2


def test_a_broken_file_does_not_keep_the_others_from_work(folder: Path) -> None:
    (folder / "ours.py").write_text(script())
    (folder / "theirs.py").write_text('@portal("theirs")\nclass Theirs(')
    assert version_of("ours") == 1
    with pytest.raises(ScriptError, match=r"theirs\.py, line 2"):
        portal_named("theirs")


def test_redrives_own_modules_are_no_scripts() -> None:
    own = {path.stem: path for path in scripts.FOLDER.glob("*.py")}
    assert [name for name, path in own.items() if scripts.is_script(path, path.read_bytes())] == []


def test_a_running_browser_uses_the_changed_file(
    folder: Path, pages: Pages, visitor: Visitor
) -> None:
    pages.portal("<a href='/site/1.pdf'>PDF</a>")
    pages.reply("GET /1.pdf", pdf())
    for version in (1, 2):
        (folder / "ours.py").write_text(script(version))
        report = visitor.visit(script="ours")
        assert report.code is None, report.error
        assert [bill.number for bill in report.bills] == [f"F-100{version}"]


def test_an_error_in_mid_visit_names_its_line_and_hides_the_password(
    folder: Path, pages: Pages, visitor: Visitor
) -> None:
    pages.portal("")
    (folder / "ours.py").write_text(script(listing="raise KeyError(visit.login.password)"))
    report = visitor.visit(script="ours")
    assert report.code is Code.SCRIPT_ERROR
    assert "ours.py, line 16: KeyError" in report.error
    assert CANARY not in report.error
    assert EMAIL not in report.error


def test_a_broken_script_pauses_the_job(folder: Path, pages: Pages, visitor: Visitor) -> None:
    (folder / "ours.py").write_text(script() + ")")
    report = visitor.visit(script="ours")
    assert (report.code, report.verdict) == (Code.BAD_SCRIPT, "pause")
    assert pages.asked == []
