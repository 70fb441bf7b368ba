"""What pages send and read has the same names in the templates and in the code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=\"")
OF_DJANGO = {"language"}  # what its own views read
SENT = re.compile(r'<(?:input|button|select|textarea)\b[^>]*?\bname="([\w-]+)"', re.DOTALL)


@cache
def strings_of_the_code() -> set[str]:
    """Every string of the product that could be the name of a field."""
    files = [*(ROOT / "imports").rglob("*.py"), *(ROOT / "bills").rglob("*.py")]
    return {found for file in files for found in re.findall(r'"([\w-]+)"', file.read_text())}


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_what_a_page_sends_is_read_by_the_code(template: Path) -> None:
    assert set(SENT.findall(template.read_text())) - strings_of_the_code() - OF_DJANGO == set()


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_no_template_holds_a_script_or_a_style(template: Path) -> None:
    assert INLINE.findall(template.read_text()) == []


WRITTEN = re.compile(r"\|date:[\"']([^\"']+)")
ONE_FORM = {"c", "H:i:s", "Y-m-d", "Y-m-d H:i", "Y-m-d H:i:s", "Y-m-d H:i:s T"}


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_dates_are_written_in_one_form(template: Path) -> None:
    assert set(WRITTEN.findall(template.read_text())) - ONE_FORM == set()
