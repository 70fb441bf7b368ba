"""Secrets that can be recognised wherever they turn up, and a search through all that is kept."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.models import Session
from django.db import connection

from bills.models import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "c4n4ry"  # letters and digits: raw, URL-, HTML-, JSON-encoded and cut, it stays itself
ODD = "&<>\"';åé"  # what encodings write differently, and a scrubber may miss


def password(name: str) -> str:
    """A secret of any characters, recognisable from either end."""
    return f"{MARK}-{name}{ODD}{MARK}"


def key(name: str) -> str:
    """A secret that fits into a header."""
    return f"{MARK}-{name}-{MARK}"


def totp(name: str) -> str:
    """A secret in base32. `name` is of two letters, A to Z."""
    return f"{MARK}{name}{MARK}{MARK}{MARK}".upper()


def code() -> str:
    """A one-time code: letters and digits, at most twenty."""
    return f"{MARK}77"


def is_in(content: bytes) -> bool:
    """Whether any canary stands there, as text or inside base64."""
    return any(form in content for form in FORMS)


def _base64_cores(text: str) -> Iterator[bytes]:
    """What every base64 text with this in it has in common, at each of three offsets."""
    raw = text.encode()
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw)
        yield coded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]


FORMS = (MARK.encode(), MARK.upper().encode(), *_base64_cores(MARK))


def opened(where: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of this and of everything packed inside it: ZIP, XLSX, gzip, zlib."""
    yield where, content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from opened(f"{where} > {name}", name.encode() + archive.read(name))
    elif content.startswith(b"\x1f\x8b"):
        yield f"{where} > gzip", gzip.decompress(content)
    elif content[:1] == b"x":
        try:
            yield f"{where} > zlib", zlib.decompress(content)
        except zlib.error:
            return  # it only looked so


def kept(home: Path, messages: Any, log: str) -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of all that is kept: tables, sessions, Redis, the log, evidence, files."""
    yield "log", log.encode()
    yield from _tables()
    for session in Session.objects.all():
        yield "session", repr(session.get_decoded()).encode()
    for name, value in _in_redis(messages.connection):
        yield from opened(f"redis {name}", value)
    for piece in Evidence.objects.all():
        yield from opened(f"evidence {piece}", piece.opened())
    for path in home.rglob("*"):
        if path.is_file() and not path.name.startswith("credentials_"):
            yield from opened(f"file {path}", path.read_bytes())


def _tables() -> Iterator[tuple[str, bytes]]:
    with connection.cursor() as sql:
        sql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in sql.fetchall():
            sql.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608
            for (row,) in sql.fetchall():
                yield f"table {table}", row.encode()
            for text in _byte_columns(sql, table):
                yield f"bytes in {table}", text


def _byte_columns(sql: Any, table: str) -> Iterator[bytes]:
    sql.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND data_type = 'bytea'",
        [table],
    )
    for (column,) in sql.fetchall():
        sql.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
        yield from (bytes(value) for (value,) in sql.fetchall())


def _in_redis(redis: Any) -> Iterator[tuple[str, bytes]]:
    """Each key as Redis keeps it, and the fields of hashes, which RQ packs."""
    for name in redis.keys("*"):
        yield name.decode(), redis.dump(name) or b""
        if redis.type(name) == b"hash":
            for field, value in redis.hgetall(name).items():
                yield f"{name.decode()} {field.decode()}", value
