"""Settings of the site, read strictly from the environment; ``.env.example`` documents every variable."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from csp.constants import NONE, SELF
from django.templatetags.static import static

from valhalla import logs
from valhalla.env import BASE_DIR, Environment, odd

env = Environment.load()


class PathRule(NamedTuple):
    """Requests below ``prefix`` (in lower case) are of this execution class, and ``engine``'s holds stop them."""

    prefix: str
    exec_class: Literal["OBSERVE_ONLY", "SANDBOX_EXEC", "PROD_EXEC"]
    engine: str | None = None


# A checkout without a key is someone trying it out: it starts without a file. Where there is a key, every default is
# the strict one, so that ENV=development, the emergency switch, opens nothing else.
BARE = not env.has("SECRET_KEY")
ENVIRONMENT = env.choice(
    "ENV",
    ("production", "prod", "live", "staging", "development", "dev", "test"),
    default="development" if BARE else "production",
)
PRODUCTION = ENVIRONMENT in {"production", "prod", "live"}
SECRET_KEY = env.text("SECRET_KEY", "insecure-key-of-a-bare-checkout")
if BARE:
    if PRODUCTION:
        raise odd("SECRET_KEY", "", f"a random text of 50 characters or more where ENV is {ENVIRONMENT}")
    warnings.warn(f"SECRET_KEY is not set: an insecure one is used, and ENV is {ENVIRONMENT}.", stacklevel=1)
DEBUG = env.flag("DEBUG", default=False)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")

# The levers
GOVERNANCE_LEVERS = ("golive", "riskguard", "heimdall", "regression")
GOVERNANCE_ENFORCED = env.flag("GO_LIVE_ENFORCE", default=True) and PRODUCTION
GATE_EXEMPT_PREFIXES = (
    "/api/governance",
    "/api/system/status",
    "/health",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/admin",
    "/static",
    "/metrics",
)
GATE_PATH_RULES = (
    PathRule("/api/deals", "PROD_EXEC", "WHOLESALE"),
    PathRule("/api/intake", "PROD_EXEC"),
    PathRule("/api/buyers", "PROD_EXEC", "BUYER_MATCH"),
    PathRule("/api/capital", "PROD_EXEC", "CAPITAL"),
    PathRule("/api/alerts", "PROD_EXEC"),
    PathRule("/api/notify", "PROD_EXEC", "NOTIFY"),
    PathRule("/api/followups", "PROD_EXEC", "NOTIFY"),
    PathRule("/api/sandbox", "SANDBOX_EXEC"),
)
# ISO 4217: the currencies whose minor unit is not a hundredth.
WITHOUT_TWO_DECIMALS = {
    "BHD", "BIF", "CLF", "CLP", "DJF", "GNF", "IQD", "ISK", "JOD", "JPY", "KMF", "KRW", "KWD",
    "LYD", "OMR", "PYG", "RWF", "TND", "UGX", "UYI", "UYW", "VND", "VUV", "XAF", "XOF", "XPF",
}  # fmt: skip
VALHALLA_CURRENCY = env.matching("VALHALLA_CURRENCY", "[A-Z]{3}", "three capital letters, such as USD", default="USD")
if VALHALLA_CURRENCY in WITHOUT_TWO_DECIMALS:
    raise odd(
        "VALHALLA_CURRENCY", VALHALLA_CURRENCY, "a currency of two decimals: 50000 minor units are shown as 500.00"
    )
VALHALLA_RESERVATION_TTL_SECONDS = env.integer(
    "VALHALLA_RESERVATION_TTL_SECONDS", default=86_400, minimum=1, maximum=31_536_000
)
REARM_WAIT_MINUTES = env.integer("VALHALLA_REARM_WAIT_MINUTES", default=60, minimum=0, maximum=1440)
RETENTION_ENABLED = env.flag("RETENTION_ENABLED", default=False)
RETENTION_CRON_MINUTES = env.integer("RETENTION_CRON_MINUTES", default=30, minimum=1, maximum=1440)
RETENTION_KPI_DAYS = env.integer("RETENTION_KPI_DAYS", default=90, minimum=1, maximum=36_500)

# Who is told. A request to a private address is refused, whatever its name, but for these networks.
NOTICE_ALLOWED_NETWORKS = env.networks("NOTICE_ALLOWED_NETWORKS")
NOTICE_TIMEOUT_SECONDS = env.integer("NOTICE_TIMEOUT_SECONDS", default=10, minimum=1, maximum=60)
NOTICE_HEARTBEAT_MINUTES = env.integer("NOTICE_HEARTBEAT_MINUTES", default=60, minimum=1, maximum=1440)
NOTICE_KEEP_DAYS = env.integer("NOTICE_KEEP_DAYS", default=90, minimum=1, maximum=36_500)
EMAIL_URL_IS_SET = env.has("EMAIL_URL")
_mail = env.mail("EMAIL_URL")
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "", _mail.get("EMAIL_PORT") or 0
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER") or "", _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = NOTICE_TIMEOUT_SECONDS
DEFAULT_FROM_EMAIL = env.matching(
    "MAIL_FROM",
    r"[^\s@<>]+@[A-Za-z0-9.\-]+",
    "a mail address, such as valhalla@example.com",
    default="valhalla@localhost",
)

# Who may call
API_AUTH = env.choice("API_AUTH", ("token", "open"), default="token")
FOUR_EYES = env.flag("FOUR_EYES", default=API_AUTH == "token")
if FOUR_EYES and API_AUTH == "open":
    raise odd("FOUR_EYES", env.text("FOUR_EYES"), "0 where API_AUTH is open: a second person needs a name, so a token")
FOUR_EYES_TTL_HOURS = env.integer("FOUR_EYES_TTL_HOURS", default=72, minimum=1, maximum=720)
WRITES_PER_MINUTE = env.integer("WRITES_PER_MINUTE", default=60_000, minimum=1, maximum=10_000_000)
# A batch of 10,000 events is about 2 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
# Whose X-Forwarded-For is believed, in the trail and by the lockout; never for whether a caller is local.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "governance.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "governance",
    "access",
    *GOVERNANCE_LEVERS,
    "notices",
    "examples.deals",
    "examples.demo",
]
# The gate stands early, so that what is refused costs little, and after security, so that a refusal is redirected
# to https and carries the headers.
MIDDLEWARE = [
    "valhalla.middleware.RequestIdMiddleware",  # before all others, so that no answer is without one
    "django.middleware.security.SecurityMiddleware",
    "valhalla.policy.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "valhalla.limits.BodyLimitMiddleware",
    "valhalla.middleware.GoLiveMiddleware",
    "valhalla.middleware.ExecutionClassMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "valhalla.urls"
WSGI_APPLICATION = "valhalla.wsgi.application"
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

# Database
LOCK_TIMEOUT_MS = 5000
# A worker that stands still (a frozen machine, a lost network) must not keep GLOBAL's lock from all others.
IDLE_IN_TRANSACTION_MS = 10_000


def _database(config: dict[str, Any]) -> dict[str, Any]:
    """Return ``config`` with what each engine needs, merged into the options that its URL brought."""
    options: dict[str, Any] = config.get("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE takes the write lock at the start: a transaction that began by reading could not wait for it.
        ours: dict[str, Any] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        }
        return {**config, "OPTIONS": {**ours, **options}}
    server = (
        f"-c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} "
        f"-c timezone=UTC {options.get('options', '')}"
    ).strip()
    # A host that is gone sends no end of the connection: without these a thread would wait for it for many minutes.
    patience = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    return {
        **config,
        # A connection for each of gunicorn's threads, tried before a request uses it and opened anew at once where it
        # is dead. A pool waits between its attempts for as long as the database was down.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**patience, **options, "options": server},
    }


DATABASES = {"default": _database(env.database("DATABASE_URL", default="sqlite:///db.sqlite3"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
USE_I18N = False  # the console speaks English alone: without this every page asks for a hundred languages
TIME_ZONE = "UTC"
USE_TZ = True

# Sign-in and transport
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "valhalla.views.forbidden"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Counted in the database, so over all processes. By name and address together: who knows an operator's name must not
# be able to lock the operator out of the kill switch. What is tried during a lockout does not prolong it.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "access.signins.client_address"
AXES_LOCKOUT_CALLABLE = "access.signins.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# The trail holds every sign-in: axes keeps no second history, and no page of its own.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
HTTPS = env.flag("HTTPS", default=not BARE)
SECURE_SSL_REDIRECT = HTTPS
# Balancers ask for health, and proxies for the gate, in plain HTTP, from inside.
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^api/governance/gate/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
# A session ends with the browser, and after a shift whatever happens in it.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W021",  # HSTS preload is a promise about a whole domain, and its owner's to make.
    "models.W040",  # SQLite leaves the extra columns out of a covering index; there the table is small.
]

# API
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": [
        "governance.rendering.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "governance.rendering.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "access.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "access.quota.WithinQuota",
        "governance.permissions.HasRight",
        "governance.parameters.OnlyKnownParameters",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "governance.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "governance.schema.Schema",
    "EXCEPTION_HANDLER": "governance.problems.handler",
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": timedelta(days=90)}
KNOX_TOKEN_MODEL = "access.Token"  # noqa: S105 -- the name of a model
MIGRATION_MODULES = {"knox": None}  # its one table is replaced by ours, and would stand there empty
SPECTACULAR_SETTINGS = {
    "TITLE": "Valhalla",
    "DESCRIPTION": "Four levers decide whether an automated engine may act.\n\n"
    "**Money.** What an engine sends (`amount`, `realized_loss`) is a whole number of minor units: 50000 is 500.00. "
    "What an operator sets and reads (policies, ledger) is in currency units: 250, 12.34. Each field says which.\n\n"
    "**Refusals** are answers: 200 with `ok: false` and a `reason`. **Errors** are problem details (RFC 9457) with a "
    "`code`, and `errors` by field where the request is malformed.\n\n"
    "**Bodies** are JSON or forms. Every write takes `actor`; operators' writes take `reason` too.\n\n"
    "**Lists** take the query parameters that they name, and answer 400 to any other: a filter that is misspelt never "
    "finds every row.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "PREPROCESSING_HOOKS": ["governance.routing.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "governance.schema.describe_tags",
    ],
    "ENUM_NAME_OVERRIDES": {
        "BaselineStatusEnum": "regression.models.RegressionBaseline.Status",
        "IncidentStatusEnum": "regression.models.RegressionIncident.Status",
    },
}

# Static files: "collected" serves what collectstatic made, "source" what the packages hold, without that step.
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "valhalla" / "static"]
STATIC_FILES = env.choice("STATIC_FILES", ("collected", "source"), default="source" if BARE else "collected")
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = STATIC_FILES == "source"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_FILES == "collected"
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}


# The console
def _asset(path: str) -> Callable[[Any], str]:
    return lambda _request: static(path)


_FAVICON = _asset("valhalla/favicon.svg")
UNFOLD = {
    "SITE_TITLE": "Valhalla",
    "SITE_HEADER": "Valhalla",
    "SITE_SUBHEADER": "Control plane",
    "SITE_ICON": _FAVICON,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _FAVICON}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_asset("console/console.css")],
    "SCRIPTS": [_asset("console/htmx.js"), _asset("console/charts.js")],
}

LOG_FORMAT = env.choice("LOG_FORMAT", logs.FORMS, default="json")
LOGGING = logs.config(LOG_FORMAT)
