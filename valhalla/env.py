"""Strict readers of the environment: an odd value stops the start and says what was expected."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LINE = re.compile(r"\s*(#.*)?|(export )?[A-Za-z_][A-Za-z_0-9]*=.*")
_DATABASES = {"sqlite": "sqlite3", "postgres": "postgresql", "postgresql": "postgresql"}


class Environment:
    """Variables by name. An empty one counts as unset, and an odd one raises ImproperlyConfigured."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @classmethod
    def load(cls) -> Environment:
        """Return the process's variables over those of ``.env``, or of the file that VALHALLA_ENV_FILE names.

        An empty VALHALLA_ENV_FILE reads no file. ``os.environ`` stays as it is, so that a reload sees an edited file.
        """
        named = os.environ.get("VALHALLA_ENV_FILE")
        path = BASE_DIR / ".env" if named is None else BASE_DIR / named if named else None
        if path is None or (named is None and not path.exists()):
            return cls(dict(os.environ))
        return cls({**read_file(path), **os.environ})

    def text(self, name: str, default: str = "") -> str:
        """Return the value without surrounding blanks, or ``default``."""
        return self._values.get(name, "").strip() or default

    def has(self, name: str) -> bool:
        """Say whether the variable is set to something."""
        return bool(self.text(name))

    def choice(self, name: str, accepted: Collection[str], *, default: str) -> str:
        """Return one of ``accepted``, whatever its case."""
        value = self.text(name, default)
        if value.lower() not in accepted:
            raise odd(name, value, f"one of {', '.join(accepted)}")
        return value.lower()

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a switch."""
        value = self.text(name, _ON[0] if default else _OFF[0])
        if value.lower() not in _ON + _OFF:
            raise odd(name, value, f"{', '.join(_ON)} or {', '.join(_OFF)}")
        return value.lower() in _ON

    def integer(self, name: str, *, default: int, minimum: int, maximum: int) -> int:
        """Return a whole number from ``minimum`` to ``maximum``."""
        value = self.text(name, str(default))
        # int() alone would take 1_000, +5 and digits of other scripts.
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not minimum <= int(value) <= maximum:
            raise odd(name, value, f"a whole number from {minimum} to {maximum}")
        return int(value)

    def matching(self, name: str, pattern: str, accepted: str, *, default: str) -> str:
        """Return a text that ``pattern`` matches as a whole; ``accepted`` says it in words."""
        value = self.text(name, default)
        if not re.fullmatch(pattern, value):
            raise odd(name, value, accepted)
        return value

    def hosts(self, name: str, *, default: str) -> list[str]:
        """Return host names, which are given with commas between them."""
        hosts = [host.strip() for host in self.text(name, default).split(",")]
        for host in hosts:
            if not re.fullmatch(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]", host):
                raise odd(name, host, "host names with commas between them, without scheme, port or *")
        return hosts

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """Return networks, which are given as addresses or in CIDR form with commas between them; none by default."""
        named = [text.strip() for text in self.text(name).split(",") if text.strip()]
        try:
            return [ip_network(text) for text in named]
        except ValueError as error:
            raise odd(name, self.text(name), f"addresses and networks, such as 10.0.0.0/8 ({error})") from error

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """Return the Django form of a database's URL; a relative SQLite path is one below the project."""
        url = self.text(name, default)
        accepted = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME"
        try:
            scheme, netloc = urlsplit(url)[:2]
            known = scheme in _DATABASES and not (scheme == "sqlite" and netloc)
            config: dict[str, Any] = environ.Env.db_url_config(url) if known else {}
        except ValueError:
            scheme, config = "", {}
        if config.get("NAME", "") in {"", ":memory:"}:
            # The URL may hold a password, and this sentence ends up in logs.
            raise odd(name, f"{scheme}:…", accepted)
        if scheme == "sqlite":
            config["NAME"] = str(BASE_DIR / config["NAME"])
        config["ENGINE"] = f"django.db.backends.{_DATABASES[scheme]}"
        return config

    def mail(self, name: str) -> dict[str, Any]:
        """Return Django's settings for a mail server's URL; empty where there is none."""
        url = self.text(name)
        if not url:
            return {}
        try:
            scheme, netloc = urlsplit(url)[:2]
            known = bool(netloc) if scheme in {"smtp", "smtp+tls", "smtp+ssl"} else url == "consolemail://"
            config: dict[str, Any] = environ.Env.email_url_config(url) if known else {}
        except ValueError:
            scheme, config = "", {}
        if not config:
            # The URL may hold a password, and this sentence ends up in logs.
            accepted = "smtp://, smtp+tls:// or smtp+ssl:// with USER:PASSWORD@HOST:PORT, or consolemail://"
            raise odd(name, f"{scheme}:…", accepted)
        return config


def read_file(path: Path) -> dict[str, str]:
    """Return the variables of an env file; a line that is none of NAME=value, comment and blank stops the start."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            # django-environ would log such a line and go on without it.
            raise ImproperlyConfigured(f"{path}, line {number}: expected NAME=value without blanks around the sign.")

    class File(environ.Env):
        ENVIRON: dict[str, str] = {}  # noqa: RUF012 -- read_env writes here, and not into os.environ

    File.read_env(path)
    return File.ENVIRON


def odd(name: str, value: str, accepted: str) -> ImproperlyConfigured:
    """Return the error for a value that is not understood."""
    return ImproperlyConfigured(f"{name} is {value!r}; accepted is {accepted}.")
