"""`analysis report` with nothing changed: how long a user waits for "nothing to do"."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from measure import finish, row, seconds

COMMAND = [sys.executable, "-m", "analysis", "report"]


def run() -> str:
    """What the command says."""
    return subprocess.run(COMMAND, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Brings the report up to date first, if it is not."""
    run()
    time.sleep(4)  # a report that was made just now is not sealed yet
    assert "Nothing has changed" in run(), "files changed while the report was made; try again"
    times = [seconds(run) for _ in range(5)]
    finish([row("nothing changed, median of 5", statistics.median(times), "s", below=0.4)])


if __name__ == "__main__":
    main()
