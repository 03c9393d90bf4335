"""``python -m tests``: every test on SQLite and on PostgreSQL at once; where one waits, the other goes on.

What pytest says of SQLite is shown as it is said, and what it says of PostgreSQL behind it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile


def main(options: list[str]) -> int:
    """Run pytest twice with ``options``, and return 0, or the status of a run that did not succeed."""
    pytest = [sys.executable, "-m", "pytest", *options]
    # An interrupt from the terminal reaches both, which end by themselves.
    signal.signal(signal.SIGINT, lambda *_: None)
    with tempfile.TemporaryFile() as told:
        behind = subprocess.Popen([*pytest, "--database=postgresql"], stdout=told, stderr=subprocess.STDOUT)
        _say(b"== Tests on SQLite, and beside them on PostgreSQL\n")
        status = subprocess.Popen([*pytest, "--database=sqlite"]).wait()
        status = behind.wait() or status
        told.seek(0)
        _say(b"== Tests on PostgreSQL\n" + told.read())
    return status


def _say(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
