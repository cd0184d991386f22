"""Run a command whose notebooks start in warm kernels.

    papermill-warm pandas matplotlib -- sh run_all_notebooks.sh

In the command, `papermill --engine warm in.ipynb out.ipynb` forks the prepared process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from papermill_warm.kernels import warm_kernels

USAGE = "Usage: papermill-warm MODULE ... -- COMMAND ARGUMENT ..."


def main(arguments: Sequence[str]) -> int:
    """Prepare the modules before `--`, run what follows it, and return its exit status."""
    given = list(arguments)
    if "--" not in given or not given[given.index("--") + 1 :]:
        print(USAGE, file=sys.stderr)
        return 2
    at = given.index("--")
    with warm_kernels(given[:at]):
        return subprocess.run(given[at + 1 :], check=False).returncode


def run() -> None:
    """The command `papermill-warm`."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
