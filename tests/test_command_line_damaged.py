"""Damaged files given to a command end in clear lines and status 1 or 2, never in a traceback.

Each command gets a good file that was damaged at random. What comes after the file has been read
is replaced, so that a file that can still be read ends there. Nothing is ever written.
"""

import io
import json
import os
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from raw_folder import make
from test_intake_add import NEW
from test_intake_statistics import ACROSS

from analysis import cli
from analysis.intake.sheet import NAMES, SHEET

CASES = 600 if os.environ.get("ANALYSIS_FUZZ") else 40
READ = "the file could be read"

PIECES = [
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\r", b"\n\n", b":",
    b"- ", b"&a [*a]", b"*a", b"!!python/object/apply:os.system ['true']", b"{", b"}", b"[[", b"#",
    b"%", b"=1+1", b"NaN", b"inf", b"-1", b"1e999", b"9" * 60, b"x" * 10_000, b"31/12/2025",
    b"2025-02-30", b"1,234.5", b"1.234,5", b"99", b"null", b"true", b"\xc3\x28", b"\xe1\xba",
    "Đồng".encode("utf-16"), "ế".encode(), b"../../etc/passwd", b"<script>alert(1)</script>",
    b"province_63", b"?", b"|", b">", b"2020-01-01T00:00:00Z", b"\x1b[31m", b"- - - -\n",
]  # fmt: skip


def broken(content, piece, at, length, way):
    """Put a piece in the place of some bytes, or of a line, or damage the whole."""
    at %= len(content) + 1
    match way:
        case "replaced":
            return content[:at] + piece + content[at + length :]
        case "cut off":
            return content[:at]
        case "a line":
            lines = content.split(b"\n")
            lines[at % len(lines)] = piece
            return b"\n".join(lines)
        case "a cell":
            cells = content.split(b",")
            cells[at % len(cells)] = piece
            return b",".join(cells)
        case "twice":
            return content + content
        case "repeated line":
            lines = content.split(b"\n")
            return b"\n".join([*lines[: at % len(lines) + 1], *lines[at % len(lines) :]])
        case "UTF-16":
            return content.decode("utf-8", "replace").encode("utf-16")
        case "decomposed":
            return unicodedata.normalize("NFD", content.decode("utf-8", "replace")).encode()
    return piece * (1 + length)


WAYS = ["replaced", "cut off", "a line", "a cell", "twice", "repeated line", "UTF-16",
        "decomposed", "only the piece"]  # fmt: skip
DAMAGE = {
    "piece": st.sampled_from(PIECES),
    "at": st.integers(0, 5000),
    "length": st.integers(0, 12),
    "way": st.sampled_from(WAYS),
}

QUERIES = b"""geo_level,province_code,indicator,as_of
country,00,hi_coverage,2025-12-31
province_63,83,si_coverage,2025-12-31
province_34,86,ui_coverage,2026-06-30
"""
SCENARIO = """title:
  en: A loss, half made good
  vi: Giảm rồi phục hồi một nửa
kind: dip_and_recover
indicator: hi_coverage
only: ['83', '14']
origin: 2025-06-30
date: 2026-12-31
supported_share: {low: 0.2, central: 0.4, high: 0.6}
parameters:
  dip: 3
  lowest: 2025-09-30
  recovered: 2026-03-31
""".encode()
JSON_STAT = json.dumps({
    "version": "2.0", "class": "dataset", "label": "Labour force",
    "id": ["province", "year"], "size": [2, 2],
    "dimension": {
        "province": {"category": {"index": ["a", "b"], "label": {"a": "Ha Noi", "b": "Son La"}}},
        "year": {"category": {"index": ["1", "2"], "label": {"1": "2018", "2": "2019"}}},
    },
    "value": [3852.1, 3861.5, 700, 710.5],
}, indent=1).encode()  # fmt: skip
FIGURES = (",".join(NAMES) + "\n" + ",".join(NEW.get(n, "") for n in NAMES) + "\n").encode()


def workbook():
    book = Workbook()
    sheet = book.active
    sheet.title = SHEET
    sheet.append(list(NAMES))
    sheet.append([NEW.get(name, "") for name in NAMES])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


IMPORT = ["--covariate", "households", "--unit", "persons", "--scale", "1000",
          "--source-id", "NSO-X", "--address", "https://example.org/px"]  # fmt: skip
#: Command and kind of file -> a good file, its name, and the arguments around it.
COMMANDS = {
    "predict": (QUERIES, "q.csv", ["predict", "--origin", "2024-12-31", "--queries", "{file}"]),
    "scenario": (SCENARIO, "s.yml", ["scenario", "{file}"]),
    "add a CSV file": (FIGURES, "f.csv", ["add", "{file}", "--yes", "--raw", "{raw}"]),
    "add a workbook": (workbook(), "f.xlsx", ["add", "{file}", "--yes", "--raw", "{raw}"]),
    "import a CSV file": (ACROSS.encode(), "px.csv", ["import-px", "{file}", *IMPORT]),
    "import JSON-stat": (JSON_STAT, "px.json", ["import-px", "{file}", *IMPORT]),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with raw tables and an older answer; what follows the reading of a file ends it."""

    def end(*_, **__):
        raise ValueError(READ)

    raw = make(tmp_path / "raw")
    monkeypatch.setenv("ANALYSIS_RAW", str(raw))
    monkeypatch.setattr("analysis.runs.environment.run_pinned", lambda: None)
    monkeypatch.setattr("analysis.readings.build_readings", end)
    monkeypatch.setattr("analysis.scenarios.run_all.usual_at", end)
    monkeypatch.setattr("analysis.scenarios.run_all.run_late", end)
    monkeypatch.setattr("analysis.intake.preview.preview", end)
    monkeypatch.setattr("analysis.commands.import_px._effect", end)
    (tmp_path / "out.csv").write_text("older answer\n")
    return tmp_path


def arguments(command, place):
    _, name, given = COMMANDS[command]
    filled = [word.format(file=place / name, raw=place / "raw") for word in given]
    if command.startswith("import"):
        filled += ["--raw", str(place / "raw"), "--yes"]
    if command in ("predict", "scenario"):
        filled += ["--out", str(place / "out.csv")]
    return filled


def contents(place):
    return {file.name: file.read_bytes() for file in [*place.glob("raw/*"), place / "out.csv"]}


def told(command, place, content, capsys):
    """Run the command on a file; status, and what it said."""
    (place / COMMANDS[command][1]).write_bytes(content)
    status = cli.main(arguments(command, place))
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_good_file_can_be_read(command, place, capsys):
    status, said = told(command, place, COMMANDS[command][0], capsys)
    assert status == 2 and READ in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_damaged_file_is_refused_in_clear_lines_or_read(command, place, capsys):
    good, name, _ = COMMANDS[command]
    before = contents(place)

    @settings(max_examples=CASES)
    @given(**DAMAGE)
    def case(**damage):
        status, said = told(command, place, broken(good, **damage), capsys)
        assert status in (1, 2), said
        assert "Traceback" not in said and said.strip()
        assert READ in said or name in said, f"the file is not named: {said[:300]}"
        assert max(map(len, said.splitlines())) < 1000, "a line that nobody reads to its end"
        assert contents(place) == before, "something was written"

    case()
