"""``python manage.py COMMAND`` from a process that has loaded the project already: most of a command's time is loading.

A folder before all others on the PATH holds a ``python`` that hands ``manage.py`` to this process, with its arguments,
variables, folder and streams; a fork of it runs the command. Settings are those of the start, but for the database.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valhalla.env import BASE_DIR, Environment

SHIM = """#!{python} -IS
import array, json, os, socket, sys
if sys.argv[1:2] != ["manage.py"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
told = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX) as line:
    line.connect({place!r})
    line.sendmsg([len(told).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    line.sendall(told)
    sys.exit(int.from_bytes(line.recv(1) or b"\\x01", "big"))
"""


@contextmanager
def loaded(folder: Path, environ: dict[str, str]) -> Iterator[str]:
    """Start it, and yield the PATH that leads to it."""
    place = folder / "line"
    shim = folder / "python"
    shim.write_text(SHIM.format(python=sys.executable, place=str(place)))
    shim.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(listener.fileno())],
            cwd=BASE_DIR, env=environ, pass_fds=[listener.fileno()],
        )  # fmt: skip
    try:
        yield f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _serve(listener: socket.socket) -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("check")  # which loads every address
    connections.close_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        line, _peer = listener.accept()
        if os.fork() == 0:
            listener.close()
            _run(line)
        line.close()


def _run(line: socket.socket) -> None:
    """Run one command as its caller would have, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        head, streams, _flags, _address = line.recvmsg(4, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        told = b""
        while len(told) < int.from_bytes(head, "big"):
            told += line.recv(65536)
        argv, environ, folder = json.loads(told)
        for number, stream in enumerate(array.array("i", streams[0][2])):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        status = _manage(argv)
    except BaseException:  # noqa: BLE001 -- whatever it is, its caller sees it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(status.to_bytes(1, "big"))
    os._exit(status)


def _manage(argv: list[str]) -> int:
    from django.core.management import execute_from_command_line
    from django.db import connection

    config = Environment(os.environ).database("DATABASE_URL", default="")
    connection.settings_dict.update({name: config[name] for name in ("NAME", "USER", "HOST", "PORT", "PASSWORD")})
    connection.settings_dict["OPTIONS"].update(config.get("OPTIONS", {}))  # a socket's folder
    try:
        execute_from_command_line(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
