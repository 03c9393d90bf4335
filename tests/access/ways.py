"""What one person may ask for, and every way in by which to try it."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import strategies as st
from rest_framework import serializers

from access import services as access
from governance import approvals, changes, clock, register
from governance.changes import Refused
from governance.console.forms import LimitField
from governance.errors import Invalid, NotFound, Unapproved
from governance.fields import CountField, FractionField, NumberField, UnitsField
from governance.models import ChangeRequest
from governance.register import Action
from tests.access.factories import bearing, browser_of

BASE = "/api/governance/"
ME = "jo"
MINE = access.mint()
TRIPPED = "WHOLESALE/contract_rate"


def _value(field: Any) -> st.SearchStrategy[Any]:
    """Return plausible values of a field, in the units of its schema."""
    if isinstance(field, serializers.BooleanField):
        return st.booleans()
    if isinstance(field, serializers.ChoiceField):
        return st.sampled_from(list(field.choices))
    values: st.SearchStrategy[Any] = st.sampled_from(["WHOLESALE", "CAPITAL"])
    if isinstance(field, UnitsField):
        values = st.integers(0, 3_000)
    elif isinstance(field, CountField):
        values = st.integers(field.least, min(field.most, 500))
    elif isinstance(field, FractionField):
        values = st.integers(1, 100).map(lambda hundredths: str(Decimal(hundredths) / 100))
    elif isinstance(field, serializers.DateTimeField):
        values = st.integers(1, 9).map(lambda days: (clock.now() + dt.timedelta(days=days)).isoformat())
    elif isinstance(field, NumberField):
        values = st.integers(-10, 10).map(float)
    return st.none() | values if field.allow_null else values


class Tried(NamedTuple):
    """A change that somebody tries: which, of what, and to what."""

    spec: Action
    target: str
    patch: dict[str, Any]


def _token() -> dict[str, Any]:
    minted = access.mint()
    ends = clock.now().replace(year=clock.now().year + 1)
    return {"key": minted.key, "digest": minted.digest, "engines": ["CAPITAL"], "expires_at": ends.isoformat()}


# What the actions of the register change, where they change anything by name; a name in braces is filled in later.
TARGETS = {
    "risk.policy.set": ["GLOBAL", "WHOLESALE", "NOTIFY", "BRANDNEW"],
    "heimdall.policy.set": ["BUYER_MATCH", "BRANDNEW"],
    "regression.policy.set": [TRIPPED, "CAPITAL/roi_event", "BRANDNEW/rate"],
    "regression.rearm": [TRIPPED],
    "regression.baseline.pin": [TRIPPED],
    "regression.incident.acknowledge": ["{incident}"],
    "regression.incident.resolve": ["{incident}"],
    "access.token.issue": ["vic", "bot", ME],
    "access.token.revoke": ["{token}"],
    "access.account.create": ["newcomer"],
    "access.account.set": ["vic", ME],
}


def targets_of(name: str) -> list[str]:
    """Return what an action is tried on; where the table has nothing, the first of three that it takes for a name."""
    return TARGETS.get(name) or [next(target for target in ("", "any", "1") if _is_one(register.action(name), target))]


def _is_one(spec: Action, target: str) -> bool:
    try:
        return spec.spell(target) == target
    except Invalid:
        return False


@st.composite
def tried(draw: st.DrawFn) -> Tried:
    name = draw(st.sampled_from(sorted(register.actions())))
    spec, target = register.action(name), draw(st.sampled_from(targets_of(name)))
    if name == "access.token.issue":
        return Tried(spec, target, _token())
    fields = spec.schema().fields
    chosen = draw(st.sets(st.sampled_from(sorted(fields)), min_size=1, max_size=4)) if fields else set()
    return Tried(spec, target, {field: draw(_value(fields[field])) for field in sorted(chosen)})


# The ways in


def door(it: Tried) -> None:
    with contextlib.suppress(Invalid, NotFound):
        changes.submit(action=it.spec.name, target=it.target, patch=it.patch, actor=ME, reason="r")


ADDRESSES: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "go_live.enable": lambda _target: ("go-live/enable", {}),
    "go_live.disable": lambda _target: ("go-live/disable", {}),
    "kill_switch.engage": lambda _target: ("go-live/kill-switch/engage", {}),
    "kill_switch.release": lambda _target: ("go-live/kill-switch/release", {}),
    "risk.policy.set": lambda target: ("risk/policies/upsert", {"engine": target}),
    "heimdall.policy.set": lambda target: ("heimdall/policies/upsert", {"domain": target}),
    "regression.policy.set": lambda target: ("regression/policies/upsert", _pair(target)),
    "regression.rearm": lambda target: ("regression/rearm", _pair(target)),
    "regression.baseline.pin": lambda target: ("regression/baseline/pin", _pair(target)),
    "regression.incident.acknowledge": lambda target: (f"regression/incidents/{target}/acknowledge", {}),
    "regression.incident.resolve": lambda target: (f"regression/incidents/{target}/resolve", {}),
}


def _pair(target: str) -> dict[str, Any]:
    domain, _slash, metric = target.partition("/")
    return {"domain": domain, "metric": metric}


def api(it: Tried) -> None:
    """Post to the address; accounts and tokens have none, and go by the console."""
    if it.spec.name not in ADDRESSES:
        return console(it)
    path, named = ADDRESSES[it.spec.name](it.target)
    answer = bearing(MINE.secret).post(BASE + path, {**it.patch, **named, "reason": "r"})
    assert answer.status_code in {200, 202, 400, 404, 409, 412}, answer.content
    return None


def console(it: Tried) -> None:
    """Fill the form that a link with these fields shows, which a revert is too, and submit it."""
    browser = _browser()
    address = f"/admin/act/{it.spec.name}/" + (f"{it.target}/" if it.target else "")
    if it.spec.name == "access.token.issue":
        asked = {"account": it.target, "engines": "CAPITAL", "days": "9", "reason": "r"}
        assert browser.post(address, asked).status_code == 200
        return
    query = f"?patch={json.dumps(it.patch)}" if it.patch else ""
    page = browser.get(address + query)
    assert page.status_code in {200, 400, 404}
    if page.status_code == 200:
        filled = {"reason": "r", "seen": page.context.get("seen", "")}
        for name, value in it.patch.items():
            _fill(filled, name, value, page.context["form"].fields[name])
        assert browser.post(address + query, filled).status_code in {200, 302}


def _fill(filled: dict[str, Any], name: str, value: Any, field: Any) -> None:
    if isinstance(field, LimitField):
        filled |= {f"{name}_1": "on"} if value is None else {f"{name}_0": str(value)}
    elif value is not False:
        filled[name] = "on" if value is True else str(value)


def revert(it: Tried) -> None:
    """Take back, by the link of its history, what another person tightened before."""
    page = _browser().get(f"/admin/history/{it.spec.name}/" + (f"{it.target}/" if it.target else ""))
    assert page.status_code == 200
    for undo in [entry.revert for entry in page.context["entries"] if entry.revert][:1]:
        console(it._replace(patch=json.loads(undo)))


def command(it: Tried) -> None:
    """Run the command that does it; what has none is put back to its seeds, which is a change of everything."""
    given: dict[str, Any] = {"actor": ME, "reason": "r", "stdout": io.StringIO(), "stderr": io.StringIO()}
    verbs = {"go_live.enable": "enable", "go_live.disable": "disable", "kill_switch.engage": "kill"}
    with contextlib.suppress(CommandError):
        if it.spec.name in {*verbs, "kill_switch.release"}:
            call_command(
                "golive", verbs.get(it.spec.name, "release"), override=it.patch.get("override", False), **given
            )
        elif it.spec.name == "access.account.set":
            asked = {True: [], False: []}  # type: dict[bool, list[str]]
            for name, value in it.patch.items():
                asked[value].append(name)
            call_command("set_account", it.target, give=asked[True], take=asked[False], **given)
        elif it.spec.name == "access.token.issue":
            call_command("issue_token", it.target, "--engine", "CAPITAL", **given)
        elif it.spec.name == "access.token.revoke":
            call_command("revoke_token", it.target, **given)
        elif it.spec.name == "access.account.create":
            call_command("create_account", it.target, **given)
        else:
            given.pop("reason")
            call_command("seed_governance", "--reset", "--yes", **given)


def shell(it: Tried) -> None:
    """Call the lever's own service, past the door."""
    with contextlib.suppress(Invalid, NotFound, Unapproved):
        patch = changes.clean(it.spec, it.patch)
        it.spec.apply(target=it.spec.spell(it.target), patch=patch, actor=ME, reason="r")


WAYS: dict[str, Callable[[Tried], None]] = {
    "door": door, "api": api, "console": console, "revert": revert, "command": command, "shell": shell,
}  # fmt: skip


def _browser() -> Client:
    return browser_of(User.objects.get(username=ME))


# The ways to be the second person too


def decide(change: ChangeRequest) -> None:
    assert isinstance(approvals.approve(change_id=change.pk, actor=ME), Refused)
    assert isinstance(approvals.break_glass(change_id=change.pk, actor=ME, reason="r"), Refused)


def decide_by_api(change: ChangeRequest) -> None:
    me = bearing(MINE.secret)
    assert me.post(f"{BASE}changes/{change.pk}/approve", {"reason": "r"}).status_code in {401, 403, 409}
    assert me.post(f"{BASE}changes/{change.pk}/break-glass", {"reason": "r"}).status_code in {401, 403}


def decide_on_the_page(change: ChangeRequest) -> None:
    browser = _browser()
    for decision in ("approve", "break_glass"):
        browser.post(f"/admin/changes/{change.pk}/", {"decision": decision, "reason": "r"})


DECIDING: dict[str, Callable[[ChangeRequest], None]] = {
    "service": decide, "api": decide_by_api, "console": decide_on_the_page,
}  # fmt: skip


def approve_alone(by: str) -> None:
    """Try to be the second person too, of everything that waits."""
    for change in ChangeRequest.objects.filter(status="PENDING"):
        DECIDING[by](change)
        change.refresh_from_db()
        assert change.status == "PENDING"
