"""A backup of everything that cannot be made again: the database, the stored files, the keys."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from config.dev import postgres
from imports.fields import credential_keys
from imports.ledger import restored
from imports.models import ImportJob
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterable

DATABASE, FILES, KEYS, MANIFEST = "database.dump", "files", "keys.json", "manifest.json"


class BackupError(Exception):
    """The backup cannot be made or restored. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a backup holds, or what a restore put back."""

    files: int
    missing: int
    made_at: str
    held: int = 0  # jobs that wait for a person after a restore


def make(directory: Path, names: Iterable[str], *, with_keys: bool) -> Done:
    """Write a backup into a new directory. The manifest comes last: without it, it is not whole.

    The database first: a file that is stored meanwhile is one too many, and never one too few.
    Raises BackupError and OSError.
    """
    directory.mkdir(parents=True, mode=0o700)
    made_at = timezone.now().isoformat(timespec="seconds")
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={directory / DATABASE}")
    digests: dict[str, str] = {}
    missing = 0
    for name in names:
        try:
            digests[name] = _take(name, directory / FILES / name)
        except FileNotFoundError:
            missing += 1
    if with_keys:
        _write_private(directory / KEYS, json.dumps(_keys()))
    manifest = {
        "made_at": made_at,
        "database_sha256": stored.digest(directory / DATABASE),
        "files": digests,
        "missing": missing,
        "keys": _fingerprints(),
    }
    _write_private(directory / MANIFEST, json.dumps(manifest, indent=1))
    return Done(len(digests), missing, made_at)


def _take(name: str, target: Path) -> str:
    """Copy one stored file; its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    pieces = stored.pieces_at_rest(stored.STORED + name)
    first = next(pieces, b"")  # before the target is made: the file may be missing
    with target.open("xb") as written:
        for piece in chain([first], pieces):
            digest.update(piece)
            written.write(piece)
    return digest.hexdigest()


def restore(directory: Path) -> Done:
    """Put a backup back into an empty installation, and hold its jobs. Raises BackupError."""
    manifest = _manifest(directory)
    if ImportJob.objects.exists():
        raise BackupError("There are jobs in this database. Restore into an empty one.")
    _put_keys_back(directory, manifest)
    _check(directory, manifest)
    connection.close()
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction",
         f"--dbname={_environment()['PGDATABASE']}", str(directory / DATABASE))  # fmt: skip
    for name in manifest["files"]:
        with (directory / FILES / name).open("rb") as opened:
            default_storage.save(name, File(opened))
    held = restored.hold_all(manifest["made_at"])
    return Done(len(manifest["files"]), manifest["missing"], manifest["made_at"], held)


def _manifest(directory: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BackupError(
            f"{directory} holds no whole backup: its {MANIFEST} is missing."
        ) from error
    return found


def _check(directory: Path, manifest: dict[str, Any]) -> None:
    """Everything is as it was written, before anything is put back."""
    files = {DATABASE: manifest["database_sha256"]}
    files |= {f"{FILES}/{name}": digest for name, digest in manifest["files"].items()}
    for name, digest in files.items():
        try:
            is_same = stored.digest(directory / name) == digest
        except OSError:
            is_same = False
        if not is_same:
            raise BackupError(
                f"{directory / name} is missing or was altered. Nothing is restored."
            )
    if not set(manifest["keys"]) & set(_fingerprints()):
        raise BackupError(
            "None of CREDENTIAL_KEYS is one that the backup was made with: its secrets could not "
            "be opened. Set the old keys first. Nothing is restored."
        )


def _keys() -> dict[str, Any]:
    return {"SECRET_KEY": settings.SECRET_KEY, "CREDENTIAL_KEYS": list(credential_keys())}


def _fingerprints() -> list[str]:
    # The beginning of a key's SHA-256 tells keys apart, and opens nothing.
    return [hashlib.sha256(key.encode()).hexdigest()[:16] for key in credential_keys()]


def _put_keys_back(directory: Path, manifest: dict[str, Any]) -> None:
    """In development the keys are files of REDRIVE_HOME; elsewhere the environment has them."""
    path = settings.CREDENTIAL_KEY_FILE
    if path is None or settings.CREDENTIAL_KEYS or not (directory / KEYS).exists():
        return
    kept = json.loads((directory / KEYS).read_text())
    path.unlink(missing_ok=True)
    _write_private(path, kept["CREDENTIAL_KEYS"][0])
    secret = Path(settings.HOME) / "secret_key"
    secret.unlink(missing_ok=True)
    _write_private(secret, kept["SECRET_KEY"])


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _run(name: str, *options: str) -> None:
    """One of PostgreSQL's programs. The password is in its environment, not in its command."""
    done = subprocess.run(
        [_program(name), *options],
        env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(f"{name} failed: {done.stderr.strip()[-800:]}")


def _program(name: str) -> str:
    """The embedded server's own; elsewhere the one on PATH, which must not be older."""
    if settings.EMBEDDED_POSTGRES:
        return str(postgres.program(name))
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed. Install PostgreSQL's client programs.")
    return found


def _environment() -> dict[str, str]:
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    database = connection.settings_dict
    given = {
        variable: str(database[name]) for name, variable in names.items() if database.get(name)
    }
    options = database.get("OPTIONS") or {}
    given |= {
        f"PG{name.upper()}": str(options[name])
        for name in ("host", "sslmode", "sslrootcert")
        if options.get(name)
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | given | {"PGDATABASE": str(database["NAME"])}
