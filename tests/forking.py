"""``python ARGUMENTS`` in a fork of a process that has loaded the project: most of a short command's time is loading.

A fork runs what the process would that it stands for, from the same entry point, with its caller's arguments,
variables, folder and streams. What is loaded depends on the settings, so each set of them has a process to fork from:
one for all workers of a run, which ends when the last of those who have used it does.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import functools
import gc
import hashlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.forks import STANDARD, Fork
from valhalla.env import BASE_DIR, Environment, read_file

# The variables of a process, and not of what it loads.
ITS_OWN = {"BIND", "DATABASE_URL", "PORT", "WEB_CONCURRENCY"}
SETTINGS = sorted(set(read_file(BASE_DIR / ".env.example")) - ITS_OWN)
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
SHIM = """#!{python} -IS
import os, sys
if sys.argv[1:2] != ["manage.py"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
sys.path.append({project!r})
from tests.forks import Fork
sys.exit(Fork({place!r}, sys.argv[1:], os.environ, os.getcwd()).wait())
"""


def start(arguments: Sequence[str], environ: Mapping[str, str], *files: int) -> Fork:
    """Start ``python ARGUMENTS`` with three streams and the sockets that gunicorn is to listen on."""
    return Fork(str(_loaded(environ) / "line"), arguments, environ, str(BASE_DIR), *files)


def path(environ: Mapping[str, str]) -> str:
    """Return the PATH on which ``python manage.py COMMAND`` is one of these."""
    return f"{_loaded(environ)}:{Path(sys.executable).parent}:{os.environ['PATH']}"


def _loaded(environ: Mapping[str, str]) -> Path:
    """Return the folder of the process that has the settings of ``environ``, which is started where there is none."""
    return _loaded_with(tuple((name, environ[name]) for name in SETTINGS if name in environ))


@functools.cache
def _loaded_with(settings: tuple[tuple[str, str], ...]) -> Path:
    name = hashlib.sha256(repr(settings).encode()).hexdigest()[:12]
    folder = Path(os.environ["VALHALLA_TEST_FOLDER"]) / f"loaded-{name}"
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            _hold(folder)
        except OSError:  # there is none, or it has ended
            process = _start(folder, settings)
            atexit.register(_let_go, _hold(folder), process)
    return folder


def _hold(folder: Path) -> int:
    """Keep the process running for as long as the descriptor is open: until this one ends, or lets go."""
    return os.open(folder / "held", os.O_WRONLY | os.O_NONBLOCK)


def _let_go(held: int, process: subprocess.Popen[bytes]) -> None:
    os.close(held)
    process.wait()


def _start(folder: Path, settings: tuple[tuple[str, str], ...]) -> subprocess.Popen[bytes]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shim = folder / "python"
    shim.write_text(SHIM.format(python=sys.executable, project=str(BASE_DIR), place=str(folder / "line")))
    shim.chmod(0o755)
    os.mkfifo(folder / "held")
    others = {name: text for name, text in os.environ.items() if name not in SETTINGS}
    read = os.open(folder / "held", os.O_RDONLY | os.O_NONBLOCK)
    with socket.socket(socket.AF_UNIX) as listener, os.fdopen(read, "rb") as held:
        listener.bind(str(folder / "line"))
        listener.listen()
        inherited = [listener.fileno(), held.fileno()]
        return subprocess.Popen(
            [sys.executable, "-m", __name__, *map(str, inherited)],
            cwd=BASE_DIR, env={**others, **dict(settings), COUNTS: str(folder)}, pass_fds=inherited,
        )  # fmt: skip


def _serve(listener: socket.socket, held: int) -> None:
    """Fork for each caller, until nobody holds this process any more."""
    _load()
    # Nobody waits for a fork: its caller is told by its line.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while listener in select.select([listener, held], [], [])[0]:
        line, _peer = listener.accept()
        if os.fork() == 0:
            listener.close()
            os.close(held)
            _become(line)
        line.close()


def _load() -> None:
    import django
    import gunicorn.app.wsgiapp
    import gunicorn.workers.gthread  # noqa: F401 -- what gunicorn.conf.py chooses
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    call_command("check")  # which loads every address
    MigrationLoader(None)  # whether all have run is asked by each site
    connections.close_all()
    gc.collect()
    gc.freeze()


def _become(line: socket.socket) -> None:
    """Run what the caller asks for, and end as it does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # What is forked from here, a worker of gunicorn's, has no part in the line.
    os.register_at_fork(after_in_child=line.close)
    head, rights, _flags, _address = line.recvmsg(4, socket.CMSG_SPACE(8 * array.array("i").itemsize))
    told = b""
    while len(told) < int.from_bytes(head, "big"):
        told += line.recv(65536)
    arguments, environ, folder = json.loads(told)
    files = array.array("i", rights[0][2])
    for number in STANDARD:
        os.dup2(files[number], number)
        os.close(files[number])
    os.chdir(folder)
    _surround(environ, counting=arguments[:2] == ["-m", "gunicorn"])
    line.sendall(os.getpid().to_bytes(4, "big"))
    status = _ended(arguments, files[len(STANDARD) :])
    sys.stdout.flush()
    sys.stderr.flush()
    if line.fileno() >= 0:
        line.sendall(status.to_bytes(1, "big"))
    os._exit(status)


def _surround(environ: dict[str, str], *, counting: bool) -> None:
    """Take the caller's variables, and the database that they name."""
    from django.db import connection

    # Where to count was asked as the project was loaded, and gunicorn's own configuration says it anew.
    counts = {} if counting else {COUNTS: os.environ[COUNTS]}
    os.environ.clear()
    os.environ.update(counts | environ)
    config = Environment(os.environ).database("DATABASE_URL", default="")
    connection.settings_dict.update({name: config[name] for name in ("NAME", "USER", "HOST", "PORT", "PASSWORD")})
    connection.settings_dict["OPTIONS"].update(config.get("OPTIONS", {}))  # a socket's folder


def _ended(arguments: list[str], sockets: Sequence[int]) -> int:
    """Do as ``python ARGUMENTS`` does, and return its status."""
    try:
        if arguments[0] == "-m":
            sys.argv = [*arguments[1:], *(f"--bind=fd://{number}" for number in sockets)]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
        return ended.code % 256 if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 -- whatever it is, its caller sees it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
