"""The restore drill of docs/deployment.md, as it is written there, from one server to another."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from governance import seeds
from governance.models import Seal
from governance.trail import verifying
from riskguard import services as riskguard
from tests import forking
from tests.cluster import Cluster
from tests.deploy.postgresql import as_role, connected, programs
from tests.docs.pages import Block, missing, run, run_by
from valhalla.env import BASE_DIR

PAGE = BASE_DIR / "docs" / "deployment.md"
HERE = "tests/deploy/test_restore.py"  # run_by


@pytest.fixture
def elsewhere() -> Iterator[Cluster]:
    """Start another server, with data of its own."""
    folder = Path(tempfile.mkdtemp(prefix="v-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, fsync="off")
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


def _block(what: str) -> Block:
    return run_by(PAGE, f"{HERE}: {what}")


def _runs(what: str, environ: dict[str, str]) -> None:
    block = _block(what)
    output = run(block, environ)
    assert missing(block.expected, output) == [], output


def _history() -> list[str]:
    """Let something happen, seal it, and return the seals."""
    riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot")
    APIClient(SERVER_NAME="localhost").post("/api/governance/go-live/disable", {"actor": "jo", "reason": "drill"})
    call_command("seal_audit")
    call_command("seal_audit")
    return list(Seal.objects.order_by("chain", "number").values_list("hash", flat=True))


@pytest.mark.postgresql
@pytest.mark.xdist_group("roles")  # as test_roles, on the same installation
def test_a_dump_restored_elsewhere_is_whole_and_goes_on(database: str, elsewhere: Cluster, tmp_path: Path) -> None:
    owner = as_role(database, "valhalla_owner")
    with connected(owner):
        before = _history()
    environ = {
        **os.environ,
        "DATABASE_URL": owner,
        "BACKUPS": str(tmp_path),
        "BACKUP_URL": as_role(database, "valhalla_backup"),
        "ADMIN_URL": elsewhere.url,
        "OWNER_URL": as_role(elsewhere.url, "valhalla_owner"),
    }
    environ["PATH"] = f"{programs()}:{forking.path(environ)}"
    _runs("back up", environ)
    _runs("restore elsewhere", environ)
    with connected(environ["OWNER_URL"]):
        seals = list(Seal.objects.order_by("chain", "number"))
        assert [seal.hash for seal in seals if seal.chain == 1] == before
        first = next(seal for seal in seals if seal.chain == 2)
        assert (first.number, first.previous) == (1, before[-1])
        assert [str(found) for checked in verifying.check() for found in checked.findings] == []
    with connected(as_role(elsewhere.url, "valhalla_web")):
        assert riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot").reason


@pytest.mark.sqlite
@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3: install sqlite3 to run this test")
@pytest.mark.django_db(transaction=True)
def test_a_copy_of_a_sqlite_file_is_whole(tmp_path: Path) -> None:
    seeds.restore(actor="seed")
    _history()
    environ = {**os.environ, "DATABASE_FILE": str(connection.settings_dict["NAME"]), "BACKUPS": str(tmp_path)}
    _runs("SQLite", {**environ, "PATH": forking.path(environ)})
