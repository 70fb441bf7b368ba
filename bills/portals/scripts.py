"""Hand-written portals: found by name, and loaded again as soon as their file has changed.

Each is one file in this package with one class, decorated with `@portal("name")`. A worker need
not be restarted: every attempt asks here, and a file that is broken now is an error, never the
class that it used to hold.
"""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.base import registered
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from bills.portals.base import PortalClass
    from imports.messages import Text

PACKAGE = "bills.portals"
FOLDER = Path(__file__).parent
LONGEST_ERROR = 200
DECORATOR = re.compile(rb"^@(\w+\.)*portal\(", re.MULTILINE)


class ScriptError(PortalError):
    """There is no such script, or its file is broken: the detail names the file and the line."""

    def __init__(self, detail: Text) -> None:
        super().__init__(Code.BAD_SCRIPT, detail)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One file as it was loaded. `error` is why it is of no use; `names` are its portals."""

    digest: bytes
    names: tuple[str, ...] = ()
    error: Text = ""


_files: dict[Path, Loaded] = {}
_lock = threading.RLock()


def portal_named(name: str) -> PortalClass:
    """The hand-written portal of that name, as its file is now. Raises ScriptError."""
    with _lock:
        refresh()
        if name in registered:
            return registered[name]
        broken = [loaded.error for loaded in _files.values() if loaded.error]
        if broken:
            raise ScriptError(broken[0])
        known = ", ".join(sorted(registered)) or "none"
        raise ScriptError(failures.NO_SCRIPT.format(name=name, known=known))


def portal_names() -> list[str]:
    """The names of all hand-written portals, sorted."""
    with _lock:
        refresh()
        return sorted(registered)


def refresh() -> None:
    """Load what is new or has changed in the folder, and forget what is gone."""
    found = {path: path.read_bytes() for path in sorted(FOLDER.glob("*.py"))}
    scripts = {path: content for path, content in found.items() if is_script(path, content)}
    for path in set(_files) - set(scripts):
        _forget(path)
    for path, content in scripts.items():
        digest = hashlib.sha256(content).digest()
        if path not in _files or _files[path].digest != digest:
            _forget(path)
            _files[path] = _load(path, content, digest)


def is_script(path: Path, content: bytes) -> bool:
    """Whether the file holds a hand-written portal, and is none of Redrive's own modules."""
    return path.name != Path(__file__).name and bool(DECORATOR.search(content))


def _forget(path: Path) -> None:
    loaded = _files.pop(path, None)
    for name in loaded.names if loaded else ():
        registered.pop(name, None)
    sys.modules.pop(f"{PACKAGE}.{path.stem}", None)


def _load(path: Path, content: bytes, digest: bytes) -> Loaded:
    """Run the file. Python's own cache is left aside: it trusts a time in whole seconds."""
    module = ModuleType(f"{PACKAGE}.{path.stem}")
    module.__file__, module.__package__ = str(path), PACKAGE
    before = dict(registered)
    sys.modules[module.__name__] = module
    linecache.checkcache(str(path))
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)  # noqa: S102 - that is the point
    except (Exception, SystemExit) as error:
        registered.clear()
        registered.update(before)
        sys.modules.pop(module.__name__, None)
        return Loaded(digest, error=error_at(error, path))
    names = [name for name, made in registered.items() if before.get(name) is not made]
    return Loaded(digest, tuple(names))


def error_at(error: BaseException, path: Path | None = None) -> Text:
    """The error with the script's file and line; "" where no script had a part in it."""
    if isinstance(error, SyntaxError) and path is not None:
        return _at(path, error.lineno or 1, error)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file == path or (path is None and file in _files):
            return _at(file, frame.lineno or 1, error)
    return _at(path, 1, error) if path else ""


def _at(path: Path, line: int, error: BaseException) -> Text:
    text = f"{type(error).__name__}: {getattr(error, 'msg', '') or error}"
    first = (text.splitlines() or [""])[0][:LONGEST_ERROR]
    return failures.SCRIPT_AT.format(file=path.name, line=line, error=first)
