from __future__ import annotations

import pytest

from golive.models import GoLiveState
from governance import changes
from governance.changes import Applied, Pending, Refused
from governance.errors import Invalid

pytestmark = pytest.mark.django_db
LOOSENS = {"go_live.enable": True, "go_live.disable": False, "kill_switch.engage": False, "kill_switch.release": True}


@pytest.mark.parametrize("action", LOOSENS)
def test_a_preview_says_whether_it_loosens_and_changes_nothing(action: str) -> None:
    before = GoLiveState.objects.values().get()
    told = changes.preview(action=action, target="", patch={})
    assert bool(told.loosening) is LOOSENS[action]
    assert told.before == {"go_live_enabled": False, "kill_switch_engaged": False, "until": None}
    assert GoLiveState.objects.values().get() == before


@pytest.mark.usefixtures("four_eyes")
@pytest.mark.parametrize("action", LOOSENS)
def test_with_four_eyes_only_what_tightens_is_applied(action: str) -> None:
    patch = {"override": True} if action == "go_live.enable" else {}
    outcome = changes.submit(action=action, target="", patch=patch, actor="jo", reason="test")
    assert isinstance(outcome, Pending if LOOSENS[action] else Applied)


@pytest.mark.parametrize("action", LOOSENS)
def test_a_patch_has_no_other_field(action: str) -> None:
    with pytest.raises(Invalid, match="Is no field of this change"):
        changes.submit(action=action, target="", patch={"go_live_enabled": True}, actor="jo", reason="test")


@pytest.mark.parametrize("target", ["", "anything"])
def test_there_is_one_target_whatever_is_named(target: str) -> None:
    outcome = changes.submit(action="kill_switch.engage", target=target, patch={}, actor="jo")
    assert isinstance(outcome, Applied)


def test_a_release_wants_a_reason() -> None:
    with pytest.raises(Invalid, match="Say why"):
        changes.submit(action="kill_switch.release", target="", patch={}, actor="jo", reason=" ")


def test_an_override_without_a_reason_is_refused() -> None:
    outcome = changes.submit(action="go_live.enable", target="", patch={"override": True}, actor="jo")
    assert isinstance(outcome, Refused)
    assert outcome.code == "reason_required"
