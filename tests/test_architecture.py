"""What holds for every lever, model, address and command, so that none is forgotten. Layers are import-linter's."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.management import get_commands
from django.db.models import Model

from governance import register, roles
from tests.addresses import Address, addresses
from tests.rows import our_models

ROOT = Path(settings.BASE_DIR)
OURS = ("access", "examples", "golive", "governance", "heimdall", "notices", "regression", "riskguard", "valhalla")
PRODUCT = [path for app in (*OURS, "clients") for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
COMMANDS = {name: app for name, app in get_commands().items() if app.split(".")[0] in OURS}
ADDRESSES = [address for address in addresses() if address.route.startswith("/api/")]
UNSAFE = {"post", "put", "patch", "delete"}
MOST_LINES = 300
# One settings.py reads in order.
LONGER = {"valhalla/settings.py"}
by_route = {"ids": lambda address: address.route}
pytestmark = pytest.mark.sqlite  # no database is asked
by_label = {"ids": lambda model: model._meta.label}


@functools.cache
def _tests(folder: str) -> str:
    """Return the text of every test below a folder of tests."""
    return "\n".join(path.read_text() for path in sorted((ROOT / "tests" / folder).rglob("test_*.py")))


@pytest.mark.parametrize("name", [lever.name for lever in register.levers()])
def test_every_lever_has_its_folder_of_tests(name: str) -> None:
    assert "def test_" in _tests(name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_run_by_a_test(name: str) -> None:
    assert re.search(rf"\b{name}\b", _tests(""))


@pytest.mark.parametrize("address", ADDRESSES, **by_route)
def test_every_address_is_asked_by_a_test(address: Address) -> None:
    said = [word for word in address.route.removeprefix("/api/").split("/") if word != "<pk>"]
    assert re.search(rf"\b{re.escape(said[-1])}\b", _tests(""))


@pytest.mark.parametrize("address", [address for address in addresses() if address.is_paginated], **by_route)
def test_every_list_has_a_filterset_and_an_order(address: Address) -> None:
    assert address.view.filterset_class is not None
    assert address.view.queryset.query.order_by
    assert address.view.pagination_class is not None


@pytest.mark.parametrize("address", ADDRESSES, **by_route)
def test_every_unsafe_method_names_the_right_that_it_asks_for(address: Address) -> None:
    named = getattr(address.view, "rights", {})
    for method, action in address.actions.items():
        if method in UNSAFE:
            assert named[action] in roles.RIGHTS
    assert set(named.values()) <= roles.RIGHTS.keys()


@pytest.mark.parametrize("name", sorted(register.actions()))
def test_every_action_names_a_right_and_says_what_it_takes(name: str) -> None:
    action = register.actions()[name]
    assert action.right in roles.RIGHTS
    assert action.label
    assert all(field.help_text for field in action.schema().fields.values())


@pytest.mark.parametrize("model", our_models(), **by_label)
def test_every_model_is_shown_in_the_console(model: type[Model]) -> None:
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("model", our_models(), **by_label)
def test_every_field_says_to_an_operator_what_it_holds(model: type[Model]) -> None:
    brought = {
        field.name
        for base in model.__mro__[1:]
        if issubclass(base, Model) and base is not Model and base.__module__.split(".")[0] not in OURS
        for field in base._meta.local_fields
    }
    silent = [field.name for field in model._meta.local_fields if not field.help_text and not field.primary_key]
    assert set(silent) <= brought


@pytest.mark.parametrize("model", our_models(), **by_label)
def test_every_model_reads_in_one_line(model: type[Model]) -> None:
    assert model.__str__ is not Model.__str__


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
    assert [path for path in PRODUCT if drawers & {path.stem, *path.relative_to(ROOT).parts}] == []


def test_a_file_can_be_read_in_one_sitting() -> None:
    long = {str(path.relative_to(ROOT)) for path in PRODUCT if len(path.read_text().splitlines()) > MOST_LINES}
    assert long <= LONGER


def test_no_request_is_one_transaction() -> None:
    assert not any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values())


def test_nothing_is_left_to_do_in_the_source() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|NotImplemented)\b")
    assert [path for path in PRODUCT if unfinished.search(path.read_text())] == []
