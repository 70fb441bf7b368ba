"""No circle of imports, and no folder that holds more than one can take in at a glance.

Which package may import which is said in pyproject.toml, for import-linter (`make check`).
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("config", "imports", "bills")
MOST_MODULES = 16
NAMED_BY_DJANGO = {"__init__.py", "apps.py"}


def circle(imported: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in turn, the first one again at the end; none: []."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports inside functions count; those for types only do not, for they never happen."""
    graph = grimp.build_graph(*PRODUCT, exclude_type_checking_imports=True, cache_dir=None)
    imported = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imported) > 100
    assert circle(imported) == []


@pytest.mark.parametrize(
    ("imported", "length"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, 0),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, 3),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, 4),
    ],
)
def test_a_circle_is_found_wherever_it_is(imported: dict[str, set[str]], length: int) -> None:
    assert len(circle(imported)) == length


def test_no_folder_holds_too_many_modules() -> None:
    sizes = {
        str(folder.relative_to(ROOT)): sum(
            file.name not in NAMED_BY_DJANGO for file in folder.glob("*.py")
        )
        for package in PRODUCT
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]
    }
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}
