"""Two builds in other places, at other times, under other settings have the same bytes."""

import shutil

import pytest
from tiny_project import TinyProject

from analysis.site import verify

CELLS = [
    "import os, time\nimport numpy as np\nimport pandas as pd\nfrom analysis.paths import *",
    "names = {'b', 'a', 'ă', 'đ'}\nlist(names), hash('x'), time.localtime(0).tm_hour",
    "big = np.arange(90000.0).reshape(300, 300) / 7\nrepr((big @ big.T).sum()), f'{1234.5:n}'",
    "write_table(pd.DataFrame({'a': list(names)}), PROCESSED / 'numbers.csv').name",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
]


@pytest.fixture
def two_builds(tmp_path):
    roots = []
    for setting in verify.SETTINGS:
        project = TinyProject(tmp_path / setting.folder)
        project.write(
            "notebooks/pipeline.yml",
            "notebooks:\n  01_numbers: {raw: all, produces: [numbers.csv]}\n",
        )
        project.notebook("01_numbers", CELLS)
        result = project.run(
            "report", "--workers", str(setting.workers), settings=setting.environment
        )
        assert result.returncode == 0, result.stdout + result.stderr
        roots.append(project.root)
    return roots


def test_the_settings_of_machine_and_user_change_no_byte(two_builds):
    one, two = two_builds
    assert verify.differing(one, two) == []
    assert len(verify._digests(one)) == 6
    # The comparison itself must be able to find a difference.
    shutil.copytree(one, one.parent / "tampered")
    page = one.parent / "tampered/reports/en/01_numbers.txt"
    page.write_text(page.read_text().replace("# Title", "# Titel"))
    (one.parent / "tampered/data/processed/extra.csv").touch()
    assert verify.differing(one, one.parent / "tampered") == [
        "data/processed/extra.csv",
        "reports/en/01_numbers.txt",
    ]
