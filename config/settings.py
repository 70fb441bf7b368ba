"""All settings, in one file. Each can be given by an environment variable or a line in .env."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import logs
from config.dev import servers
from config.storages import file_storage

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env")

# Where this installation keeps what is its own: embedded servers, uploads, keys made on first use.
HOME = Path(env.str("REDRIVE_HOME", default=str(BASE_DIR / ".redrive"))).resolve()
DEBUG = env.bool("DEBUG", default=False)
EMBEDDED_POSTGRES = "DATABASE_URL" not in env.ENVIRON
EMBEDDED_REDIS = "REDIS_URL" not in env.ENVIRON
DEVELOPMENT = DEBUG or EMBEDDED_POSTGRES


def retention_days(name: str) -> int:
    """A number of days, 0 by default. Raises ImproperlyConfigured for less."""
    days = env.int(name, default=0)
    if days < 0:
        raise ImproperlyConfigured(f"{name}: a number of days, or 0 to keep it for ever")
    return int(days)


def kept_secret(name: str) -> str:
    """A random secret, made once and kept in HOME with mode 600. For development only."""
    path = HOME / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(fresh)  # fails where another process was first: then theirs holds
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret("secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Keys that encrypt stored credentials, newest first (`manage.py rotate_secrets` re-encrypts).
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[])
# Whether customers' records are encrypted where they rest, with keys that these keys encrypt.
ENCRYPT_RECORDS = env.bool("ENCRYPT_RECORDS", default=False)
CREDENTIAL_KEY_FILE = HOME / "credential_key" if DEVELOPMENT else None

INSTALLED_APPS = [
    "config",
    "imports",  # before django_rq, because its `rqworker` replaces the one there
    "bills",
    "config.dev",  # the commands sandbox and demo
    "unfold",
    "config.pages.PagesConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_rq",
    "axes",
    "config.accounts",
]
MIDDLEWARE = [
    "config.probes.Probes",
    "config.middleware.RedirectLoops",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.BodyLimit",
    "config.middleware.StorableText",
    "config.middleware.ErrorPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "config.accounts.sign_in.RequireSecondFactor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, Any] = {
    "default": servers.urls().database if EMBEDDED_POSTGRES else env.db("DATABASE_URL"),
}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
connecting: dict[str, object] = {}
if EMBEDDED_POSTGRES or env.bool("PREPARED_STATEMENTS", default=False):
    # The ledger's few statements are planned once. Off by default elsewhere: not every
    # connection pooler in between can do it.
    connecting["prepare_threshold"] = 3
# A host that is frozen in the middle of a transaction must not hold its rows for ever: the
# database ends that transaction, and the lease does the rest. 0 where a pooler refuses options.
IDLE_TRANSACTION_SECONDS = env.float("IDLE_TRANSACTION_SECONDS", default=60.0)
if IDLE_TRANSACTION_SECONDS:
    idle = f"idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS * 1000:.0f}"
    connecting["options"] = f"-c {idle}"
connecting["connect_timeout"] = 10  # seconds: /readyz says soon that the database is away
DATABASES["default"]["OPTIONS"] = connecting | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = servers.urls().redis_url if EMBEDDED_REDIS else env.str("REDIS_URL")
RQ_QUEUES = {"default": {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}}
RQ_SHOW_ADMIN_LINK = False

# Who gets in. Each of these can be switched off where something else sees to it.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS.append(
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": env.int("PASSWORD_LENGTH", default=12)},
    }
)
SESSION_COOKIE_AGE = round(env.float("SESSION_HOURS", default=10.0) * 3600)  # a working day
PASSWORD_LOGIN = env.bool("PASSWORD_LOGIN", default=True)
TWO_FACTOR_REQUIRED = env.bool("TWO_FACTOR_REQUIRED", default=False)

# Single sign-on by OpenID Connect: on where an issuer is named.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="Single sign-on")  # on the button
OIDC_SCOPES = env.str("OIDC_SCOPES", default="openid email profile")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
OIDC_GROUPS = env.dict("OIDC_GROUPS", default={})  # theirs=ours; empty: the same names
AUTHENTICATION_BACKENDS = ["config.accounts.sign_in.Throttle"]
if PASSWORD_LOGIN or not OIDC_ISSUER:
    PASSWORD_LOGIN = True
    AUTHENTICATION_BACKENDS.append("django.contrib.auth.backends.ModelBackend")
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("config.accounts.single_sign_on.Provider")

# django-axes: so many wrong passwords from one address lock the account for that address.
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURES", default=10)  # 0: never
AXES_ENABLED = AXES_FAILURE_LIMIT > 0
AXES_COOLOFF_TIME = timedelta(minutes=env.float("LOGIN_LOCKOUT_MINUTES", default=30.0))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "config.error_pages.locked_out"
AXES_CLIENT_IP_CALLABLE = "config.middleware.client_address"
AXES_USERNAME_CALLABLE = "config.accounts.sign_in.username"
AXES_RESET_ON_SUCCESS = AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
CSRF_FAILURE_VIEW = "config.error_pages.csrf_failure"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", _("English")), ("sv", _("Swedish"))]
# Ours, and what the admin's theme leaves in English.
LOCALE_PATHS = [BASE_DIR / "config" / "locale", BASE_DIR / "config" / "locale_of_unfold"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["config.formats"]  # dates and times in one form

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
if DEVELOPMENT:
    STATIC_ROOT.mkdir(exist_ok=True)  # empty: what is served comes from the finders
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = DEBUG

MEDIA_ROOT = HOME / "media"  # uploads, bills; never served directly
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=2_000_000_000)  # of one request
# An S3 bucket in place of it, which all hosts share; retry directories go there, too.
STORAGE_URL = env.str("STORAGE_URL", default="")
STORAGES = {
    "default": file_storage(STORAGE_URL),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATA_UPLOAD_MAX_NUMBER_FILES = 2000  # a directory of files is chosen at once
FILE_UPLOAD_PERMISSIONS = 0o600

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not DEVELOPMENT
SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else env.int("SECURE_HSTS_SECONDS", default=31_536_000)
# Both bind every other site of the domain, for as long as browsers remember: never by default.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # which ask for these two
# What X-Forwarded-Proto and X-Forwarded-For say is believed only where a proxy sets them.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
# No inline script, and nothing from elsewhere. Alpine, which the admin's theme brings along,
# evaluates the expressions in its attributes: without 'unsafe-eval' no menu opens.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Where the admin is reached from outside: links in notifications begin with it.
SITE_URL = env.str(
    "SITE_URL",
    default=f"http://127.0.0.1:{env.int('PORT', default=8000)}"
    if DEVELOPMENT
    else f"https://{ALLOWED_HOSTS[0].lstrip('*.') if ALLOWED_HOSTS else ''}",
).rstrip("/")
# Without a mail server, development keeps e-mails as files; production says that none is set.
_mail = env.email("EMAIL_URL", default=f"filemail:///{HOME}/mail" if DEVELOPMENT else "dummymail:")
vars().update({name: value for name, value in _mail.items() if value is not None})
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Redrive <redrive@localhost>")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)  # seconds

# Redrive's own
# Folders below it may be watched for files to import.
WATCH_DIR = Path(env.str("WATCH_DIR", default=str(HOME / "watched")))
RETRY_FILES_DIR = Path(env.str("RETRY_FILES_DIR", default=str(BASE_DIR)))
# Encrypted records go into no directory of this host, unless somebody names one.
PLAIN_RETRY_FILES = not ENCRYPT_RECORDS or "RETRY_FILES_DIR" in env.ENVIRON
ALLOW_PRIVATE_ADDRESSES = env.bool("ALLOW_PRIVATE_ADDRESSES", default=DEVELOPMENT)
CA_FILE = env.str("CA_FILE", default="")  # PEM: certificates trusted besides the public ones
# A forward proxy for calls to customer APIs and webhooks. Only this names one: HTTPS_PROXY and its
# like are not read, as they would change where credentials go without anybody having said so.
EGRESS_PROXY = env.str("EGRESS_PROXY", default="")
TURN_SECONDS = env.float("TURN_SECONDS", default=30.0)  # a job's turn, then other jobs get theirs
LEASE_MARGIN_SECONDS = env.float("LEASE_MARGIN_SECONDS", default=15.0)
# A job stops itself after so many failures in a row that have one cause; 0: it never does.
STOP_AFTER_BATCHES = env.int("STOP_AFTER_BATCHES", default=3)  # of customers, and at least
STOP_AFTER_RECORDS = env.int("STOP_AFTER_RECORDS", default=10)  # refused customers in them
STOP_AFTER_PROBES = env.int("STOP_AFTER_PROBES", default=4)  # of an API that is down
STOP_AFTER_ACCOUNTS = env.int("STOP_AFTER_ACCOUNTS", default=10)  # of a portal
NOT_NOW_HOURS = env.float("NOT_NOW_HOURS", default=6.0)  # an API's or portal's; then it pauses
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=1.0)
MEMBER_FILE_MB = env.int("MEMBER_FILE_MB", default=4096)  # the most that is unpacked of one file
BILL_LINK_HOURS = env.int("BILL_LINK_HOURS", default=72)  # of a link that a webhook was given
EVIDENCE_DAYS = env.int("EVIDENCE_DAYS", default=30)  # screenshots, pages, traces of failures
# How many days after a job's end its data is kept; 0: for ever. Never of an unresolved failure.
RECORDS_DAYS = retention_days("RECORDS_DAYS")  # records' bytes, uploads, retry directories
RESULTS_DAYS = retention_days("RESULTS_DAYS")  # who a record is of, and what was said of it
ANSWERS_DAYS = retention_days("ANSWERS_DAYS")  # what the other side answered
BILLS_DAYS = retention_days("BILLS_DAYS")  # PDFs, after they were fetched
LOG_DAYS = retention_days("LOG_DAYS")  # a job's log
SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:8001")

# Seen from outside.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
LOGGING = logs.configuration(LOG_FORMAT, env.str("LOG_LEVEL", default="INFO"))

UNFOLD = {
    "SITE_TITLE": "Redrive",
    "SITE_HEADER": "Redrive",
    "SITE_SUBHEADER": _("Nothing lost, nothing twice"),
    "SITE_SYMBOL": "autorenew",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "imports.admin.site.favicon"}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "STYLES": [
        "imports.admin.site.style",
        "imports.admin.site.style_of_acts",
        "imports.admin.site.style_of_records",
        "imports.admin.site.style_of_members",
    ],
    "SCRIPTS": [
        "imports.admin.site.script",
        "imports.admin.site.script_of_records",
        "imports.admin.site.script_of_messages",
    ],
    "ACCOUNT": {"navigation": "config.accounts.sign_in.account_links"},
    "DASHBOARD_CALLBACK": "imports.admin.home.context",
    "COMMAND": {"search_callback": "imports.admin.records.search.command"},  # what Ctrl+K opens
    "SIDEBAR": {"show_search": False, "navigation": "imports.admin.site.sidebar"},
}
