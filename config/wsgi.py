"""The web application, for gunicorn or any other WSGI server."""

from __future__ import annotations

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from config.dev import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
servers.ensure_unnamed()
application = get_wsgi_application()
import_module("config.urls")  # now, not while the first request waits
