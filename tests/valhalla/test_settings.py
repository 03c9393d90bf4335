import os
import re
import runpy
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.databases import ENVIRONMENT
from valhalla.env import BASE_DIR, read_file

KEY = "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz"


def told(**environment: str) -> dict[str, Any]:
    """Return the settings that are read where only ``environment`` is set."""
    with mock.patch.dict(os.environ, {"VALHALLA_ENV_FILE": "", **environment}, clear=True):
        return runpy.run_path(str(BASE_DIR / "valhalla" / "settings.py"))


def _shown(value: Any) -> str:
    """Return a value as it is compared: a function, made anew by each reading, is told by its name alone."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def refused(**environment: str) -> str:
    with pytest.raises(ImproperlyConfigured) as said:
        told(**environment)
    return str(said.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "prodution"),
        ("GO_LIVE_ENFORCE", "maybe"),
        ("API_AUTH", "closed"),
        ("FOUR_EYES", "2"),
        ("HTTPS", "https"),
        ("DEBUG", "verbose"),
        ("ALLOWED_HOSTS", "https://valhalla.example"),
        ("DATABASE_URL", "mysql://u@h/n"),
        ("STATIC_FILES", "cdn"),
        ("VALHALLA_CURRENCY", "usd"),
        ("VALHALLA_RESERVATION_TTL_SECONDS", "0"),
        ("VALHALLA_REARM_WAIT_MINUTES", "-1"),
        ("RETENTION_ENABLED", "sometimes"),
        ("RETENTION_CRON_MINUTES", "0"),
        ("RETENTION_KPI_DAYS", "ninety"),
        ("NOTICE_TIMEOUT_SECONDS", "0"),
        ("NOTICE_ALLOWED_NETWORKS", "intranet"),
        ("NOTICE_HEARTBEAT_MINUTES", "1441"),
        ("NOTICE_KEEP_DAYS", "0"),
        ("EMAIL_URL", "pop3://mail.example.com"),
        ("MAIL_FROM", "Valhalla"),
    ],
)
def test_an_odd_value_stops_the_start_with_a_sentence_that_names_it(name, value):
    assert re.search(rf"^{name} is '.+'; accepted is .+\.$", refused(**{"SECRET_KEY": KEY, name: value}))


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "0"), ("PORT", "http"), ("WEB_CONCURRENCY", "0"), ("BIND", "a b")]
)
def test_an_odd_value_stops_the_server_with_a_sentence_that_names_it(name, value, tmp_path):
    with (
        mock.patch.dict(os.environ, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), name: value}),
        pytest.raises(ImproperlyConfigured, match=f"^{name} is '{value}'; accepted is .+"),
    ):
        runpy.run_path(str(BASE_DIR / "gunicorn.conf.py"))


@pytest.mark.sqlite
def test_gunicorn_does_not_start_on_an_odd_value():
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config"],
        env={**os.environ, "PORT": "0"}, cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "PORT is '0'; accepted is" in done.stderr


def test_a_bare_checkout_starts_as_development_and_says_so():
    with pytest.warns(UserWarning, match="SECRET_KEY is not set: an insecure one is used, and ENV is development."):
        site = told()
    assert (site["ENVIRONMENT"], site["GOVERNANCE_ENFORCED"], site["HTTPS"], site["DEBUG"]) == (
        "development",
        False,
        False,
        False,
    )
    assert (site["API_AUTH"], site["FOUR_EYES"]) == ("token", True)
    assert site["SECRET_KEY"].startswith("insecure-")


@pytest.mark.parametrize("name", ["production", "prod", "live", "Production"])
def test_production_needs_a_key(name):
    assert "SECRET_KEY is ''" in refused(ENV=name)


def test_with_a_key_every_default_is_the_strict_one():
    site = told(SECRET_KEY=KEY)
    assert site["GOVERNANCE_ENFORCED"] is site["HTTPS"] is site["FOUR_EYES"] is site["SECURE_SSL_REDIRECT"] is True
    assert (site["ENVIRONMENT"], site["API_AUTH"], site["DEBUG"]) == ("production", "token", False)
    assert site["SESSION_COOKIE_SECURE"] is site["CSRF_COOKIE_SECURE"] is True
    assert site["SECURE_HSTS_SECONDS"] > 0


@pytest.mark.parametrize("switch", [{"ENV": "development"}, {"GO_LIVE_ENFORCE": "0"}])
def test_the_emergency_switch_stops_enforcing_and_changes_nothing_else(switch):
    before, after = told(SECRET_KEY=KEY), told(SECRET_KEY=KEY, **switch)
    changed = {name for name in before if name.isupper() and _shown(before[name]) != _shown(after[name])}
    assert after["GOVERNANCE_ENFORCED"] is False
    assert changed <= {"GOVERNANCE_ENFORCED", "ENVIRONMENT", "PRODUCTION"}


def test_an_open_api_implies_four_eyes_off():
    assert told(SECRET_KEY=KEY, API_AUTH="open")["FOUR_EYES"] is False


def test_an_open_api_with_four_eyes_stops():
    assert "FOUR_EYES is '1'; accepted is 0 where API_AUTH is open" in refused(
        SECRET_KEY=KEY, API_AUTH="open", FOUR_EYES="1"
    )


def test_without_https_nothing_redirects():
    site = told(SECRET_KEY=KEY, HTTPS="0")
    assert site["SECURE_SSL_REDIRECT"] is site["SESSION_COOKIE_SECURE"] is site["CSRF_COOKIE_SECURE"] is False
    assert site["SECURE_HSTS_SECONDS"] == 0


def test_health_is_exempt_from_the_redirect_and_nothing_like_it():
    exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]
    for path, free in {"health": True, "health/ready": True, "healthz": False, "api/health": False}.items():
        assert any(pattern.search(path) for pattern in exempt) is free


def test_the_options_of_the_url_and_ours_are_merged():
    url = "postgresql://someone@/shop?host=/run/postgresql&options=-c%20statement_timeout%3D9000"
    options = told(SECRET_KEY=KEY, DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]
    assert options["host"] == "/run/postgresql"
    assert options["options"] == (
        "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC -c statement_timeout=9000"
    )


def test_sqlite_takes_its_write_lock_at_the_start():
    database = told(SECRET_KEY=KEY)["DATABASES"]["default"]
    assert database["NAME"] == str(BASE_DIR / "db.sqlite3")
    assert (database["OPTIONS"]["transaction_mode"], database["OPTIONS"]["timeout"]) == ("IMMEDIATE", 20)


@pytest.mark.sqlite
@pytest.mark.django_db
@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_a_connection_to_sqlite_is_durable(pragma, value):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")
        assert cursor.fetchone() == (value,)


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"), [("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s"), ("TimeZone", "UTC")]
)
def test_a_connection_to_postgresql_over_a_socket_has_our_settings(name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_the_example_names_every_variable_that_is_read():
    source = "".join((BASE_DIR / name).read_text() for name in ("valhalla/settings.py", "gunicorn.conf.py"))
    read = set(
        re.findall(r'_?env\.(?:text|choice|flag|integer|matching|hosts|networks|database|mail)\(\s*"([A-Z_]+)"', source)
    )
    assert read == set(read_file(BASE_DIR / ".env.example"))
    assert set(ENVIRONMENT) - {"VALHALLA_ENV_FILE"} <= read


def test_the_example_is_the_trial_profile():
    example = read_file(BASE_DIR / ".env.example")
    site = told(**{**example, "SECRET_KEY": KEY})
    assert (site["GOVERNANCE_ENFORCED"], site["API_AUTH"], site["FOUR_EYES"], site["HTTPS"]) == (
        True,
        "open",
        False,
        False,
    )
    assert (example["BIND"], example["SECRET_KEY"]) == ("127.0.0.1", "")
