"""``python -m valhalla.serve``: gunicorn and the scheduler side by side, for one machine or one container.

Where there is a service manager, each is a service of its own and this is not needed. It is a process beside both and
no hook in gunicorn, so that each half is watched: when one ends, the other is stopped too, the exit status tells, and
whoever has started this starts both again.
"""

from __future__ import annotations

import signal
import subprocess
import sys

from governance import signals
from valhalla.env import BASE_DIR

HALVES = {"gunicorn": ["-m", "gunicorn"], "run_scheduler": ["manage.py", "run_scheduler"]}
# Longer than gunicorn's graceful_timeout, within which it lets its requests end.
PATIENCE = 30


def main() -> int:
    """Run both until SIGTERM or SIGINT (0), or until one of them ends by itself (1)."""
    signalled = signals.awaited(signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    running = {
        name: subprocess.Popen([sys.executable, *half], cwd=BASE_DIR)  # noqa: S603 -- our own commands
        for name, half in HALVES.items()
    }
    ended: list[str] = []
    while not ended and signalled() == signal.SIGCHLD:
        ended = [name for name, half in running.items() if half.poll() is not None]
    for name in ended:
        sys.stderr.write(f"{name} has ended with status {running[name].returncode}: stopping the other.\n")
    for half in running.values():
        half.terminate()
    for half in running.values():
        try:
            half.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            half.kill()
    return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
