"""The embedded servers as commands see them: found, started, stopped, back after kill -9."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
import redis

from config.dev import postgres
from tests.config.commands import (
    Command,
    is_alive,
    kill,
    note,
    notes,
    run_python,
    wipe,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.servers import Urls

    Start: TypeAlias = Callable[[Path], Command]
    UrlsOf: TypeAlias = Callable[[Path], Urls]


def test_the_servers_stop_with_their_last_user_and_keep_their_data(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls, first, second = urls_of(used_home), start(used_home), start(used_home)
    servers = first.ensure()
    assert second.ensure() == servers
    note(urls.database_url, "kept")
    redis.Redis.from_url(urls.redis_url).set("key", "value")
    first.end()
    assert "kept" in notes(urls.database_url)
    second.end()
    assert not any(is_alive(pid) for pid in servers)

    start(used_home).ensure()
    assert "kept" in notes(urls.database_url)
    assert redis.Redis.from_url(urls.redis_url).get("key") == b"value"


def test_commands_that_start_at_once_deep_down_share_one_pair_of_servers(
    tmp_path: Path, start: Start, urls_of: UrlsOf
) -> None:
    home = tmp_path / "a clone with spaces" / "/".join(["deep"] * 40)  # a socket's path is short
    commands = [start(home) for _ in range(3)]
    for command in commands:
        command.ask()
    assert len({command.answer() for command in commands}) == 1
    psycopg.connect(urls_of(home).database_url).close()
    for command in commands:
        command.end()
    wipe(home)


def test_killed_servers_come_back_with_their_data_while_their_user_lives(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls, command = urls_of(used_home), start(used_home)
    servers = command.ensure()
    note(urls.database_url, "before kill -9")
    kill(*servers)
    assert not set(command.ensure()) & set(servers)
    assert "before kill -9" in notes(urls.database_url)


def test_servers_of_a_killed_command_are_found_again_and_stopped_by_the_next(
    used_home: Path, start: Start
) -> None:
    killed = start(used_home)
    servers = killed.ensure()
    killed.kill()
    following = start(used_home)
    assert following.ensure() == servers
    following.end()
    assert not any(is_alive(pid) for pid in servers)


def test_after_kill_9_of_everything_the_next_command_starts_anew(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    killed = start(used_home)
    servers = killed.ensure()
    note(urls_of(used_home).database_url, "before the power cut")
    killed.kill()
    kill(*servers)
    assert start(used_home).ensure() != servers
    assert "before the power cut" in notes(urls_of(used_home).database_url)


def test_a_stale_pid_file_that_now_names_another_program_is_not_believed(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls_of(used_home)
    killed = start(used_home)
    kill(*killed.ensure())
    killed.kill()
    # Under the servers' own account, where PostgreSQL itself would take it for a postmaster.
    owner = postgres.data().stat().st_uid
    sleep = [shutil.which("sleep") or "sleep", "60"]
    other = subprocess.Popen(sleep, user=owner if os.geteuid() == 0 else None)
    for file in (postgres.postmaster_file(), used_home / "redis" / "redis.pid"):
        lines = file.read_text().splitlines()
        file.write_text("\n".join([str(other.pid), *lines[1:], ""]))
    start(used_home).ensure()
    assert other.poll() is None
    other.terminate()
    other.wait()


def test_servers_whose_sockets_were_cleaned_away_are_started_again(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls, command = urls_of(used_home), start(used_home)
    servers = command.ensure()
    shutil.rmtree(postgres.socket_folder().parent)
    assert not set(command.ensure()) & set(servers)
    psycopg.connect(urls.database_url).close()


def test_a_home_that_was_deleted_while_its_servers_ran_begins_empty(
    copied_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls, killed = urls_of(copied_home), start(copied_home)
    servers = killed.ensure()
    note(urls.database_url, "of the deleted home")
    killed.kill()
    shutil.rmtree(copied_home)
    start(copied_home).ensure()
    assert not any(is_alive(pid) for pid in servers)
    with psycopg.connect(urls.database_url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT * FROM notes")


def test_a_copied_home_gets_servers_of_its_own(used_home: Path, start: Start) -> None:
    servers = start(used_home).ensure()
    copy = used_home.with_name("copy of a running one")
    shutil.copytree(used_home, copy)
    command = start(copy)
    assert not set(command.ensure()) & set(servers)
    command.end()
    assert all(is_alive(pid) for pid in servers)
    wipe(copy)


def test_a_copied_pointer_to_data_elsewhere_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, first, copy = (tmp_path / name for name in ("place", "first", "copy"))
    for folder in (place, first, copy):
        folder.mkdir()
    (place / postgres.OWNER).write_text(str(first))
    for home in (first, copy):
        (home / postgres.POINTER).write_text(str(place))
    monkeypatch.setenv("REDRIVE_HOME", str(copy))
    assert postgres.folder() == copy / "pg"
    shutil.rmtree(first)  # it was no copy, then: the home was moved
    assert postgres.folder() == place


def test_asking_for_the_addresses_creates_nothing(tmp_path: Path, urls_of: UrlsOf) -> None:
    urls_of(tmp_path / "home")
    assert not (tmp_path / "home").exists()
    assert not postgres.socket_folder().parent.exists()


def test_a_home_in_use_is_not_wiped(used_home: Path, start: Start) -> None:
    servers = start(used_home).ensure()
    refused = run_python(used_home, "-m", "config.dev.servers", "wipe")
    assert refused.returncode == 2
    assert "in use" in refused.stderr
    assert all(is_alive(pid) for pid in servers)


def test_psql_reaches_the_database(used_home: Path) -> None:
    question = "SELECT current_database(), current_setting('TimeZone')"
    said = run_python(used_home, "-m", "config.dev.servers", "psql", "-Atc", question)
    assert said.stdout == "redrive|UTC\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may not run PostgreSQL itself")
def test_as_root_the_server_runs_as_somebody_else_and_opens_no_folder_of_roots(
    used_home: Path, start: Start, urls_of: UrlsOf
) -> None:
    urls_of(used_home)
    before = [folder.stat().st_mode for folder in used_home.parents]
    start(used_home).ensure()
    assert postgres.data().stat().st_uid != 0
    assert [folder.stat().st_mode for folder in used_home.parents] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lock an account out")
def test_programs_that_the_account_cannot_reach_are_copied_to_where_it_can(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = open_folder / "hidden"
    hidden.mkdir(mode=0o700)
    package = postgres.installation().parent
    for name in (package.name, f"{package.name}.libs"):
        (hidden / name).symlink_to(package.with_name(name))
    monkeypatch.setattr(postgres, "OUTSIDE", open_folder / "outside")
    nobody = postgres.account_of(65534)
    initdb = Path(postgres.installation().name, "bin", "initdb")
    assert not postgres.can(nobody, hidden / package.name / initdb, "-V")
    assert postgres.can(nobody, postgres.copy_of(hidden / package.name) / initdb, "-V")


# As root we cannot start a Python of root's as somebody else: this one becomes somebody else.
WITHOUT_ROOT = """
import os, sys
import psycopg
from config.dev import postgres, server_processes, servers
assert postgres.databases() is None  # connecting once imports all that it needs
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
servers.ensure()
print(postgres.running().uids().effective, server_processes.sockets())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here runs as a plain user then")
def test_a_plain_user_runs_the_servers_as_himself(open_folder: Path) -> None:
    if not postgres.can(postgres.account_of(65534), postgres.program("postgres"), "-V"):
        pytest.skip("this clone is in a folder that no plain user can reach")
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    done = run_python(home, "-c", WITHOUT_ROOT)
    assert done.stdout.startswith("65534 "), done.stderr
    assert not (home / "pg" / "data" / "postmaster.pid").exists()
    shutil.rmtree(done.stdout.split()[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has this to lose")
def test_root_of_a_container_who_may_not_look_into_other_processes_finds_the_server_too(
    used_home: Path, start: Start
) -> None:
    command = Command(used_home, without_ptrace=True)
    servers = command.ensure()
    assert start(used_home).ensure() == servers
    kill(*servers)
    assert command.ensure() != servers
    command.end()
