"""django-rq's rqworker with our defaults: JSON messages, jobs in the worker's own process."""

from typing import Any

from django.core.management.base import CommandParser
from django_rq.management.commands.rqworker import Command as RqWorkerCommand


class Command(RqWorkerCommand):
    """Runs a worker on the named queues (by default: `default`)."""

    requires_system_checks = ("settings",)  # others load all pages

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)  # type: ignore[no-untyped-call]
        parser.set_defaults(
            serializer="rq.serializers.JSONSerializer",
            worker_class="imports.engine.worker.JobWorker",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*(args or ("default",)), **options)  # type: ignore[no-untyped-call]
