"""The kernel's own seed rows, and the seeds of every lever together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group

from governance import changes, clock, epoch, register, roles
from governance.models import ChangeRequest, Epoch


def missing() -> list[str]:
    """Name the seed rows that are not there, over the kernel and every lever."""
    gone = [] if Epoch.objects.filter(pk=1).exists() else ["epoch"]
    there = set(Group.objects.filter(name__in=roles.ROLES).values_list("name", flat=True))
    gone += [f"role {name}" for name in roles.ROLES if name not in there]
    return gone + [name for lever in register.levers() for name in lever.missing_seeds()]


def restore(*, actor: str, reset: bool = False) -> list[str]:
    """Put missing seed rows back and name them; with ``reset``, set edited ones back to the seed's values too."""
    put = []
    if epoch.restore():
        put.append("epoch")
    put += [f"role {name}" for name in roles.ROLES if Group.objects.get_or_create(name=name)[1]]
    return put + [name for lever in register.levers() for name in lever.restore_seeds(actor=actor, reset=reset)]


def submitted(name: str, *, action: str, target: str, patch: Mapping[str, Any], actor: str) -> list[str]:
    """Put a seed row's controls back through the door, and name it if any of it was put.

    What loosens waits for a second person, as every change does; what waits already is not proposed again.
    """
    waits = ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=clock.now())
    if waits.filter(action=action, target=target, requested_by=actor).exists():
        return []
    outcome = changes.submit(action=action, target=target, patch=patch, actor=actor, reason="seed")
    if isinstance(outcome, changes.Pending):
        return [f"{name} (what loosens waits for a second person: change request {outcome.change.pk})"]
    return [name] if isinstance(outcome, changes.Applied) else []
