"""The kernel's own seed rows, and the seeds of every lever together."""

from __future__ import annotations

from django.contrib.auth.models import Group

from governance import register, roles
from governance.models import Epoch


def missing() -> list[str]:
    """Name the seed rows that are not there, over the kernel and every lever."""
    gone = [] if Epoch.objects.filter(pk=1).exists() else ["epoch"]
    there = set(Group.objects.filter(name__in=roles.ROLES).values_list("name", flat=True))
    gone += [f"role {name}" for name in roles.ROLES if name not in there]
    return gone + [name for lever in register.levers() for name in lever.missing_seeds()]


def restore(*, actor: str, reset: bool = False) -> list[str]:
    """Put missing seed rows back and name them; with ``reset``, set edited ones back to the seed's values too."""
    put = []
    if Epoch.objects.get_or_create(pk=1)[1]:
        put.append("epoch")
    put += [f"role {name}" for name in roles.ROLES if Group.objects.get_or_create(name=name)[1]]
    return put + [name for lever in register.levers() for name in lever.restore_seeds(actor=actor, reset=reset)]
