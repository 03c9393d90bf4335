"""People who may approve: the door asks the accounts whether one has the right."""

from __future__ import annotations

from django.contrib.auth.models import Group, User


def approver(*names: str, role: str = "approver") -> None:
    """Let there be an account of each name, with the role."""
    for name in names:
        User.objects.get_or_create(username=name)[0].groups.add(Group.objects.get_or_create(name=role)[0])
