"""What log lines look like: text for people, or JSON for a log store (LOG_FORMAT=json)."""

from __future__ import annotations

from typing import Any

FORMATTERS: dict[str, dict[str, Any]] = {
    "text": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    # Whatever a line has as `extra` (job, batch, attempt) becomes a key of its own.
    "json": {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "format": "{levelname}{name}{message}",
        "style": "{",
        "rename_fields": {"levelname": "level", "name": "logger"},
        "timestamp": True,
    },
}


# What they log of a request has its whole address, and an address may hold a key.
TALK_OF_REQUESTS = ("urllib3", "botocore", "boto3", "s3transfer", "paramiko", "httpx", "httpcore")


def configuration(name: str, level: str) -> dict[str, Any]:
    """The logging of every process, in the format of that name.

    Each attempt has a line where machines read them; a person has the job's pages.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": FORMATTERS.get(name, FORMATTERS["text"])},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "imports.attempts": {"level": "INFO" if name == "json" else "WARNING"},
            "axes": {"level": "WARNING"},  # otherwise several lines for each login
            **{each: {"level": "ERROR"} for each in TALK_OF_REQUESTS},
        },
    }
