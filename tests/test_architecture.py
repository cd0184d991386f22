"""Rooms of the package use each other in one direction, as ARCHITECTURE.md says."""

import ast
import re
from pathlib import Path

import pytest

import analysis
from analysis import paths

PACKAGE = Path(analysis.__file__).parent
PACKAGES = paths.ROOT / "packages"
TABLE = (paths.ROOT / "ARCHITECTURE.md").read_text("utf-8")


def floors() -> dict[str, int]:
    """The floor of every room that the table names."""
    found = {}
    for number, rooms in re.findall(r"^\| (\d+) \| (`[^|]*) \|", TABLE, re.M):
        found |= dict.fromkeys(re.findall(r"`(\w+)`", rooms), int(number))
    return found


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    return inside[0]


def used_rooms(source: str) -> set[str]:
    """The rooms that a module imports from, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "analysis":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("analysis."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("analysis.")}
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if room_of(path) not in ("__init__",))


def test_the_table_names_every_room_and_no_other():
    rooms = {room_of(path) for path in MODULES} - {"__main__"}
    assert set(floors()) == rooms


@pytest.mark.parametrize("room", sorted(floors()))
def test_a_room_uses_only_rooms_of_lower_floors(room):
    level = floors()
    own = [path for path in MODULES if room_of(path) == room]
    up = {
        f"{path.relative_to(PACKAGE)} -> {other}"
        for path in own
        for other in used_rooms(path.read_text("utf-8"))
        if other != room and other in level and level[other] > level[room]
    }
    assert not up


def imported(path: Path) -> set[str]:
    """The names of all modules that a file imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_panels_stand_on_the_model_and_the_package_knows_nothing_of_them():
    assert not [path for path in MODULES if "panels" in " ".join(imported(path))]
    own = sorted((PACKAGES / "analysis-panels/src/analysis_panels").glob("*.py"))
    used = {room for path in own for room in used_rooms(path.read_text("utf-8"))}
    assert used == {"country", "forecast", "seeds"}


def test_the_kernels_know_nothing_of_the_project_and_only_the_engine_uses_them():
    for path in (PACKAGES / "papermill-warm/src/papermill_warm").glob("*.py"):
        assert not [name for name in imported(path) if name.startswith("analysis")], path
    users = {room_of(path) for path in MODULES if "papermill_warm" in " ".join(imported(path))}
    assert users == {"runs"}


def test_every_package_has_what_a_package_needs_and_its_place_in_the_table():
    folders = sorted(path for path in PACKAGES.iterdir() if path.is_dir())
    assert [f"packages/{path.name}" for path in folders] == re.findall(
        r"^\| `(packages/[\w-]+)` \|", TABLE, re.M
    )
    for folder in folders:
        for part in ("README.md", "pyproject.toml", "src", "tests", "bench"):
            assert (folder / part).exists(), f"{folder.name} lacks {part}"


def test_only_rooms_above_the_engine_use_it():
    for path in MODULES:
        room, used = room_of(path), used_rooms(path.read_text("utf-8"))
        if "runs" in used:
            assert room in ("runs", "site", "commands", "intake", "validation", "explore", "api"), (
                path
            )


def test_a_chapter_has_its_five_shelves():
    for stem in ("readings", "coverage", "drivers", "late_payment", "forecast", "validation"):
        for shelf in (f"findings/{stem}.py", f"figures/{stem}.py"):
            assert (PACKAGE / shelf).is_file(), shelf
        for language in ("en", "vi"):
            assert (PACKAGE / f"report/{language}/{stem}.yml").is_file(), (stem, language)


def test_every_place_that_the_architecture_names_is_there():
    for place in re.findall(r"`([\w/]+(?:\.py|\.yml|/))`", TABLE):
        roots = (PACKAGE, paths.ROOT, PACKAGE / "report")
        assert any((root / place).exists() for root in roots), place


def test_the_package_does_not_fall_into_crumbs_again():
    lines = sorted(len(path.read_text("utf-8").splitlines()) for path in MODULES
                   if path.name != "__init__.py")  # fmt: skip
    assert len(lines) <= 175, "merge what belongs together before a new module is opened"
    assert lines[len(lines) // 2] >= 150, "modules of this package are read as one story"


def public_names(source: str) -> set[str]:
    """The public names that a module defines at its top level; imported ones are not its own."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {n.id for one in targets for n in ast.walk(one) if isinstance(n, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def defined_twice() -> dict[str, list[str]]:
    """Public names defined in two modules, but for two conventions that a reader knows.

    A command is `configure`, `run` and `EXAMPLE`; a figure has the name of the result it draws.
    """
    places: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for name in public_names(path.read_text("utf-8")):
            if room_of(path) != "commands" or name not in ("configure", "run", "EXAMPLE"):
                places.setdefault(name, []).append(str(path.relative_to(PACKAGE)))
    twice = {name: sorted(files) for name, files in places.items() if len(files) > 1}
    drawn = ["figures", "findings"]
    return {n: f for n, f in twice.items() if [one.split("/")[0] for one in f] != drawn}


def test_a_public_name_is_defined_once_but_for_a_number_that_only_falls():
    twice = defined_twice()
    assert len(twice) <= 78, "give the new name its own meaning, or import the old one"
    assert public_names("A, B = 1, 2\n_c = 3\ndef d(): ...") == {"A", "B", "d"}


def compared_with_a_target(source: str) -> list[str]:
    """Comparisons of order with something called a target, a goal, a ceiling or the gap to one."""
    words = {"target", "targets", "goal", "goals", "ceiling", "ceilings", "value_target"}
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        ordered = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)
        if ordered and any(last_name(side) in words for side in sides):
            found.append(ast.unparse(node))
    return found


def last_name(node: ast.expr) -> str:
    """What an expression calls its value: a name, the column taken, the first of a sum's sides."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Subscript | ast.Attribute):
        own = node.attr if isinstance(node, ast.Attribute) else ""
        return own if own and own != "value" else last_name(node.value)
    if isinstance(node, ast.BinOp):
        return last_name(node.left)
    return node.id if isinstance(node, ast.Name) else ""


#: What is asked of a target itself, and not whether a figure meets it.
ABOUT_THE_TARGET = {
    "kept['target'] >= usual + 1",
    "0 < target < 100",
    "pairs['target'] < targets_room.EVERYONE",
    "target >= targets_room.EVERYONE",
}


def test_whether_a_target_is_met_is_asked_in_one_place():
    assert compared_with_a_target("x >= row['target'] - 1e-6; a < one.value") == [
        "x >= row['target'] - 1e-06"
    ]
    assert compared_with_a_target("ok = target.value <= figure; goal == 3") == [
        "target.value <= figure"
    ]
    found = [one for path in MODULES for one in compared_with_a_target(path.read_text("utf-8"))]
    assert set(found) == ABOUT_THE_TARGET, "ask `readings.targets.meets`, which has the one slack"
