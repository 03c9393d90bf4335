"""What must be true before production may be enabled: the kernel's own checks, and every lever's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from governance import appendonly, register, seeds
from governance.database import applied_migrations
from governance.jobs import watching
from governance.register import Check
from governance.trail import sealing

KEY_LENGTH = 32


def essentials() -> list[Check]:
    """Return what a process needs to decide at all. Where the database does not answer, it raises."""
    return [_backend_complete(), _packs_installed()]


def watched() -> list[Check]:
    """Return what a process can decide without for a while, and a person must mend."""
    return [watching.check(), sealing.check()]


def checks() -> list[Check]:
    """Return every line of the checklist, the kernel's first. Where the database does not answer, it raises."""
    return [*_own(), *(check for lever in register.levers() for check in lever.checks())]


def checklist() -> dict[str, Any]:
    """Return ``{ok, required: {name: {ok, detail}}, warnings: {…}}``; warnings never keep ``ok`` from being true."""
    return told(checks())


def told(every: Sequence[Check]) -> dict[str, Any]:
    """Return checks as the checklist has them."""
    return {
        "ok": all(check.ok for check in every if check.required),
        "required": {check.name: {"ok": check.ok, "detail": check.detail} for check in every if check.required},
        "warnings": {check.name: {"ok": check.ok, "detail": check.detail} for check in every if not check.required},
    }


def posture() -> list[Check]:
    """Return what this process is set to that a person should know of; it asks no database."""
    enforced, is_closed, four_eyes = settings.GOVERNANCE_ENFORCED, settings.API_AUTH == "token", settings.FOUR_EYES
    return [
        Check(
            "enforcement_on",
            enforced,
            f"Enforcement is {'on' if enforced else 'OFF: nothing is blocked'} (ENV={settings.ENVIRONMENT}).",
            required=False,
        ),
        Check(
            "api_closed",
            is_closed,
            "API_AUTH=token." if is_closed else "Anyone on this machine may call: set API_AUTH=token.",
            required=False,
        ),
        Check(
            "four_eyes",
            four_eyes,
            "FOUR_EYES=1." if four_eyes else "One person alone can loosen a control: set FOUR_EYES=1.",
            required=False,
        ),
    ]


def unapplied_migrations() -> list[str]:
    """Name the migrations that stand in the code and are not applied to the database."""
    applied = applied_migrations()
    return [f"{app}.{name}" for app, name in sorted(_in_code()) if (app, name) not in applied]


@functools.cache
def _in_code() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _own() -> list[Check]:
    has_key = not settings.SECRET_KEY.startswith("insecure-") and len(settings.SECRET_KEY) >= KEY_LENGTH
    odd_key = f"SECRET_KEY is the insecure one or shorter than {KEY_LENGTH} characters: set a random one."
    return [
        *essentials(),
        Check("secret_key", has_key, "SECRET_KEY is a real one." if has_key else odd_key),
        Check("debug_off", not settings.DEBUG, "DEBUG is on: set DEBUG=0." if settings.DEBUG else "DEBUG is off."),
        *posture(),
    ]


def _backend_complete() -> Check:
    unapplied = unapplied_migrations()
    if unapplied:
        return Check("backend_complete", ok=False, detail=f"Not migrated: {', '.join(unapplied)}. Run migrate.")
    gone = seeds.missing()
    if gone:
        return Check("backend_complete", ok=False, detail=f"Missing: {', '.join(gone)}. Run seed_governance.")
    unguarded = appendonly.missing()
    if unguarded:
        return Check("backend_complete", ok=False, detail=f"Triggers are gone: {', '.join(unguarded)}. Run migrate.")
    return Check("backend_complete", ok=True, detail="Every migration is applied and every seed row is there.")


def _packs_installed() -> Check:
    announced = {lever.name for lever in register.levers()}
    gone = [name for name in settings.GOVERNANCE_LEVERS if name not in announced or not apps.is_installed(name)]
    if gone:
        return Check("packs_installed", ok=False, detail=f"Not installed: {', '.join(gone)}. See INSTALLED_APPS.")
    return Check("packs_installed", ok=True, detail=f"Installed and announced: {', '.join(sorted(announced))}.")
