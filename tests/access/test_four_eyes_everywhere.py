"""Whatever one person tries, with every right but the glass, by every way in and of every action of the register: no
control is looser afterwards, and what tightens has not waited.

How loose the controls stand is told here once more, by a table of its own, and not by the rules of the levers.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from rest_framework import serializers

from access import services as access
from access.models import Token
from golive import services as golive
from golive.models import GoLiveState
from governance import approvals, changes, clock, grants, register, roles
from governance.changes import Pending, Refused
from governance.console.forms import LimitField
from governance.errors import Invalid, NotFound, Unapproved
from governance.fields import CountField, FractionField, NumberField, UnitsField
from governance.models import ChangeRequest, Hold
from governance.register import Action
from heimdall.models import HeimdallPolicy
from regression.models import RegressionBaseline, RegressionIncident, RegressionPolicy, RegressionState
from riskguard import services as riskguard
from riskguard.models import RiskPolicy
from riskguard.rules import CAPS
from tests.access.factories import UserFactory, bearing, secret_of
from tests.regression.factories import tripped

pytestmark = pytest.mark.usefixtures("four_eyes")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
BASE = "/api/governance/"
ME = "jo"
MINE = access.mint()
MY_ROLES = ["operator", "approver", "administrator", "auditor"]
TRIPPED = "WHOLESALE/contract_rate"


# How loose the controls stand


def _more(before: Any, after: Any) -> bool:
    """Say whether a cap is higher; none at all is the highest."""
    return before is not None and (after is None or after > before)


LOOSER: dict[str, dict[str, Callable[[Any, Any], bool]]] = {
    "switches": {"go_live_enabled": operator.lt, "kill_switch_engaged": operator.gt},
    "risk": {**dict.fromkeys(CAPS, _more), "enabled": operator.lt, "retired": operator.gt},
    "heimdall": {
        "prod_use_enabled": operator.lt, "retired": operator.gt, "min_confidence_prod": operator.gt,
        "min_sandbox_trials": operator.gt, "min_sandbox_success_rate": operator.gt, "evidence_days": operator.ne,
        "engine": operator.ne,
    },
    "tripwire": {
        "enabled": operator.gt, "max_drop_fraction": operator.lt, "min_events_to_enforce": operator.lt,
        "action": lambda before, after: before == "KILL_SWITCH" and after != before,
        "mode": lambda before, after: before == "ENFORCE" and after != before,
        "run_length": operator.lt, "alpha": operator.gt, "beta": operator.gt,
        **dict.fromkeys(
            ["window_events", "baseline_events", "detector", "baseline_kind", "baseline_size", "block_events",
             "value_low", "value_high"],
            operator.ne,
        ),
    },
    "state": {"triggered": operator.gt, "armed_after_id": operator.ne},
    "account": dict.fromkeys(["active", "superuser", *roles.ROLES], operator.lt),
    "counted": {"baselines": operator.lt, "weighty tokens": operator.lt, "holds": operator.gt},
}  # fmt: skip
MEASURED = {name for fields in LOOSER.values() for name in fields}
NEW: dict[str, dict[str, Any]] = {
    "risk": {**dict.fromkeys(CAPS, 0), "enabled": False},
    "heimdall": {"prod_use_enabled": False},
    "tripwire": {},
    "state": {},
    "account": dict.fromkeys(["superuser", *roles.ROLES], False),
}


def standing() -> dict[tuple[str, str], dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {
        "switches": {"": GoLiveState.objects.get()},
        "risk": {row.engine: row for row in RiskPolicy.objects.all()},
        "heimdall": {row.domain: row for row in HeimdallPolicy.objects.all()},
        "tripwire": {str(row): row for row in RegressionPolicy.objects.all()},
        "state": {f"{row.domain}.{row.metric}": row for row in RegressionState.objects.all()},
        "account": {name: access.locked_account(name) for name in User.objects.values_list("username", flat=True)},
    }
    found = {
        (kind, key): {name: getattr(row, name) for name in LOOSER[kind]}
        for kind, of in rows.items()
        for key, row in of.items()
    }
    weighty = Token.objects.filter(user__groups__name__in=["operator", "approver", "administrator", "break_glass"])
    counts = {"baselines": RegressionBaseline.objects.count(), "holds": Hold.objects.count()}
    return {**found, ("counted", ""): {**counts, "weighty tokens": weighty.distinct().count()}}


def looser(before: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], Any]) -> list[str]:
    return [
        f"{kind} {key}: {name} {was!r} -> {values[name]!r}"
        for (kind, key), values in after.items()
        for name, was in before.get((kind, key), NEW.get(kind, {})).items()
        if LOOSER[kind][name](was, values[name])
    ]


# What one person may ask for


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
    browser = Client()
    browser.force_login(User.objects.get(username=ME), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def approve_alone() -> None:
    """Try to be the second person too: by the service, the API and the console."""
    me = bearing(MINE.secret)
    for change in ChangeRequest.objects.filter(status="PENDING"):
        assert isinstance(approvals.approve(change_id=change.pk, actor=ME), Refused)
        assert isinstance(approvals.break_glass(change_id=change.pk, actor=ME, reason="r"), Refused)
        assert me.post(f"{BASE}changes/{change.pk}/approve", {"reason": "r"}).status_code in {401, 403, 409}
        assert me.post(f"{BASE}changes/{change.pk}/break-glass", {"reason": "r"}).status_code in {401, 403}
        for decision in ("approve", "break_glass"):
            _browser().post(f"/admin/changes/{change.pk}/", {"decision": decision, "reason": "r"})
        change.refresh_from_db()
        assert change.status == "PENDING"


# The world: a tripped tripwire, policies that another person tightened, accounts of each kind


@pytest.fixture
def world(four_eyes: None) -> dict[str, str]:
    """Build it, and return the names that a target stands for."""
    with _two_people():
        tripped()
        for target, cap in (("GLOBAL", 100), ("WHOLESALE", 50)):
            patch = {"max_daily_loss": cap, "enabled": False}
            changes.submit(action="risk.policy.set", target=target, patch=patch, actor="kim", reason="r")
        UserFactory.create(username=ME, roles=MY_ROLES, is_staff=True)
        UserFactory.create(username="pat", roles=["approver"])
        UserFactory.create(username="vic", roles=["operator"])
        UserFactory.create(username="bot", roles=["engine"])
        ends = clock.now() + dt.timedelta(days=1)
        Token.objects.create(
            user=User.objects.get(username=ME), token_key=MINE.key, digest=MINE.digest, engines=[], expiry=ends
        )
        token = secret_of(User.objects.get(username="vic"))
    return {"incident": str(RegressionIncident.objects.latest("pk").pk), "token": token[:15]}


@contextlib.contextmanager
def trying(*, live: bool, killed: bool) -> Iterator[None]:
    """Turn the switches so, and undo at the end whatever was done."""
    with transaction.atomic():
        with _two_people():
            if live:
                golive.enable(actor="kim", reason="r", override=True)
            if killed:
                golive.engage_kill_switch(actor="kim", reason="r")
        yield
        transaction.set_rollback(True)


@contextlib.contextmanager
def _two_people() -> Iterator[None]:
    """Let what follows loosen, as after an approval."""
    with grants.given():
        yield


def test_every_action_of_the_register_is_tried_on_what_it_can_change(world: dict[str, str]) -> None:
    assert TARGETS.keys() <= register.actions().keys()
    for name, spec in register.actions().items():
        for target in targets_of(name):
            spec.spell(target.format(**world))


@profile(max_examples=max(40, EXAMPLES), deadline=None, suppress_health_check=list(HealthCheck))
@given(it=tried(), way=st.sampled_from(sorted(WAYS)), live=st.booleans(), killed=st.booleans())
def test_no_way_in_loosens_without_two_people(
    world: dict[str, str], it: Tried, way: str, live: bool, killed: bool
) -> None:
    with trying(live=live, killed=killed):
        before = standing()
        WAYS[way](it._replace(target=it.target.format(**world)))
        approve_alone()
        assert looser(before, standing()) == []


@profile(max_examples=max(25, EXAMPLES), deadline=None, suppress_health_check=list(HealthCheck))
@given(it=tried(), live=st.booleans(), killed=st.booleans())
def test_what_tightens_never_waits(world: dict[str, str], it: Tried, live: bool, killed: bool) -> None:
    with trying(live=live, killed=killed):
        target = it.spec.spell(it.target.format(**world))
        before = standing()
        try:
            outcome = changes.submit(action=it.spec.name, target=target, patch=it.patch, actor=ME, reason="r")
        except (Invalid, NotFound):
            return
        waited = set(outcome.change.patch) if isinstance(outcome, Pending) else set()
        assert not (waited and it.spec.urgent)
        if it.spec.name in TARGETS and it.spec.divisible and isinstance(outcome, Pending):
            row, cleaned = it.spec.lock(target), changes.clean(it.spec, it.patch)
            # A retired row is switched off whatever else was asked for, and an end is no control.
            tight = set() if "retired" in it.patch else (it.patch.keys() - waited) & MEASURED
            assert {name: getattr(row, name) for name in tight} == {name: cleaned[name] for name in tight}
            # What waits does loosen, each field of it.
            approvals.approve(change_id=outcome.change.pk, actor="pat")
            told = " ".join(looser(before, standing()))
            assert not told or "BRANDNEW" in target or all(f": {name} " in told for name in waited & MEASURED), told


STOPS: dict[str, Tried] = {
    "kill switch": Tried(register.action("kill_switch.engage"), "", {}),
    "disable": Tried(register.action("go_live.disable"), "", {}),
}


@pytest.mark.parametrize("way", ["door", "api", "console", "command", "shell"])
@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_waits_for_nobody_by_any_way(world: dict[str, str], stop: str, way: str) -> None:
    with trying(live=True, killed=False):
        WAYS[way](STOPS[stop])
        state = GoLiveState.objects.get()
        stands = (state.kill_switch_engaged, state.go_live_enabled)
        assert stands == ((True, True) if stop == "kill switch" else (False, False))
        assert not ChangeRequest.objects.exists()


def test_a_throttle_waits_for_nobody(world: dict[str, str]) -> None:
    riskguard.throttle(engine="CAPITAL", actor="regression", reason="r")
    assert not RiskPolicy.objects.get(engine="CAPITAL").enabled
    assert Hold.objects.filter(scope="CAPITAL").exists()


def test_the_measure_sees_what_is_looser(world: dict[str, str]) -> None:
    golive.engage_kill_switch(actor="kim", reason="r")
    before = standing()
    with _two_people():
        golive.release_kill_switch(actor="kim", reason="r")
        riskguard.set_policy(engine="CAPITAL", patch={"max_daily_loss": None}, actor="kim")
        access.set_account(username="bot", patch={"approver": True}, actor="kim")
        secret_of(User.objects.get(username="vic"))
    told = " ".join(looser(before, standing()))
    for part in ("kill_switch_engaged", "max_daily_loss", "account bot: approver", "weighty tokens", "holds"):
        assert part in told, part
