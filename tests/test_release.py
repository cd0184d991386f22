"""A release holds the whole report with its digests, is the same bytes each time, and is honest."""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile

import pytest
import yaml

from analysis import cli, paths
from analysis.report.describe import schemas
from analysis.runs import manifest
from analysis.site import release, verify

LOCK = """\
numpy==2.2.0 ; python_full_version < '3.14' \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
typst==0.13.2 \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)
CITATION = """\
cff-version: 1.2.0
title: "Synthetic: a title"
version: 0.1.0
date-released: "2026-11-22"
abstract: >-
  A report
  of nothing.
authors:
  - name: The authors
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A synthetic project with a report: one raw table, one processed, two pages."""
    root = tmp_path / "dự án"
    columns = list(schemas()["units"]["fields"])
    contents = {
        "data/raw/provinces.csv": "code,name\n01,Hà Nội\n",
        "data/processed/units.csv": ",".join(columns) + "\n",
        "reports/index.html": "<p>first page</p>",
        "reports/en/05_forecast.html": "<p>chapter</p>",
        "rounds/2026/forecast.csv": "code,q50\n01,95.1\n",
        "notebooks/05_forecast.ipynb": "{}",
        "requirements.lock": LOCK,
        "CITATION.cff": CITATION,
        "pyproject.toml": "",
    }
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("ANALYSIS_ROOT", str(root))
    for name in ("RAW", "PROCESSED", "REPORTS", "NOTEBOOKS"):
        monkeypatch.delenv(f"ANALYSIS_{name}", raising=False)
    note(root)
    return root


def note(root):
    """Write the manifest of the report as it lies there."""
    maker = {"notebook": "05_forecast", "parameters": {"language": "en"}}
    files = manifest.listed(root / "reports", "reports/", {"en/05": maker})
    files += manifest.listed(root / "data" / "processed", "data/processed/", {"units": maker})
    settings = {"only": [], "parameters": {}}
    text = manifest.text(manifest.inputs(), settings, [maker], files)
    (root / "reports" / manifest.NAME).write_text(text, encoding="utf-8")


def members(archive):
    with zipfile.ZipFile(archive) as opened:
        return {
            one.filename.partition("/")[2]: opened.read(one.filename) for one in opened.infolist()
        }


def test_a_release_holds_report_data_and_rounds_and_every_digest_fits(project, tmp_path):
    archive, digests = release.release()
    files = members(archive)
    made = {"reports/index.html", "reports/en/05_forecast.html", "data/processed/units.csv"}
    assert made | {"data/raw/provinces.csv", "rounds/2026/forecast.csv"} < set(files)
    listed = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert set(listed) == set(files) - {"SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest
    published = release.read_digests(digests)
    assert made | {"notebooks/05_forecast.ipynb", "requirements.lock"} < set(published)
    if shutil.which("sha256sum"):
        shutil.unpack_archive(archive, tmp_path / "out")
        folder = tmp_path / "out" / "analysis-0.1.0"
        subprocess.run(
            ["sha256sum", "--check", "--strict", "SHA256SUMS"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip


def test_a_release_is_the_same_bytes_each_time(project):
    first = [path.read_bytes() for path in release.release()]
    shutil.rmtree(project / "release")
    for path in sorted(project.rglob("*"), reverse=True):
        path.touch()
    assert [path.read_bytes() for path in release.release()] == first
    with zipfile.ZipFile(project / "release" / "analysis-0.1.0.zip") as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {one.date_time[0] for one in archive.infolist()} == {1980}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "reports" / "manifest.json").unlink(), "there is no report"),
        (lambda root: (root / "reports" / "index.html").write_text("x"), "reports/index.html is"),
        (lambda root: (root / "reports" / "more.html").write_text("x"), "reports/more.html is"),
        (lambda root: (root / "data/raw/provinces.csv").write_text("x"), "provinces.csv changed"),
    ],
    ids=["no report", "another page", "a page too many", "other data"],
)
def test_a_report_that_is_not_whole_or_not_of_these_data_is_not_released(project, change, said):
    change(project)
    with pytest.raises(release.NotReady, match=said):
        release.release()
    assert not (project / "release").exists()


def test_the_command_says_what_is_wrong_in_one_line(project, capsys):
    (project / "reports" / "index.html").unlink()
    assert cli.main(["release"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_bill_of_materials_fits_its_schema_and_has_every_locked_package():
    validation = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.schema import SchemaVersion

    written = release.sbom(LOCK, "0.1.0")
    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    assert written == release.sbom(LOCK, "0.1.0")
    found = {one["name"]: one for one in json.loads(written)["components"]}
    assert {name: one["version"] for name, one in found.items()} == {
        "numpy": "2.2.0",
        "typst": "0.13.2",
    }
    assert found["numpy"]["purl"] == "pkg:pypi/numpy@2.2.0"
    hashes = found["numpy"]["externalReferences"][0]["hashes"]
    assert [one["content"] for one in hashes] == ["a" * 64, "b" * 64]


def test_the_bill_of_materials_of_the_project_has_as_many_packages_as_its_lock():
    pytest.importorskip("cyclonedx")
    lock = (paths.ROOT / "requirements.lock").read_text("utf-8")
    pins = re.findall(r"^[a-z0-9][^ ]*==", lock, re.MULTILINE)
    assert len(json.loads(release.sbom(lock, "0.1.0"))["components"]) == len(pins) > 100


def test_the_descriptions_name_the_files_that_are_there_with_their_digests(project):
    files = members(release.release()[0])
    package = json.loads(files["datapackage.json"])
    assert {one["path"] for one in package["resources"]} == {
        "data/processed/units.csv",
        "data/raw/provinces.csv",
    }
    for one in package["resources"]:
        assert one["hash"] == f"sha256:{hashlib.sha256(files[one['path']]).hexdigest()}"
        assert one["bytes"] == len(files[one["path"]])
    names = [one["name"] for one in package["resources"]]
    assert len(set(names)) == len(names)
    croissant = json.loads(files["croissant.json"])
    assert [one["contentUrl"] for one in croissant["distribution"]] == ["data/processed/units.csv"]
    known = {field["@id"] for one in croissant["recordSet"] for field in one["field"]}
    assert all(key["@id"] in known for one in croissant["recordSet"] for key in one["key"])
    check = yaml.safe_load(files["codecheck.yml"])
    listed = {one["file"]: one["comment"] for one in check["manifest"]}
    assert set(listed) == {"data/processed/units.csv", "reports/en/05_forecast.html"}
    digest = hashlib.sha256(files["reports/en/05_forecast.html"]).hexdigest()
    assert digest in listed["reports/en/05_forecast.html"]


def test_every_reference_of_the_ro_crate_leads_to_an_entity_of_it(project):
    files = members(release.release()[0])
    graph = json.loads(files["ro-crate-metadata.json"])["@graph"]
    entities = {one["@id"]: one for one in graph}
    assert len(entities) == len(graph)
    for one in graph:
        for value in one.values():
            for target in value if isinstance(value, list) else [value]:
                if isinstance(target, dict) and not target["@id"].startswith("https://w3id.org/"):
                    assert target["@id"] in entities
    parts = {one["@id"] for one in entities["./"]["hasPart"]}
    assert parts == {
        name for name in files if name.startswith(("reports/", "data/", "rounds/"))
    } | {
        "CITATION.cff",
        "requirements.lock",
    }
    made = entities["#05_forecast"]["result"]
    assert {"@id": "reports/en/05_forecast.html"} in made


def test_a_build_is_compared_with_published_digests(project, monkeypatch):
    def build(root, setting, only):
        (root / "reports" / "en").mkdir(parents=True)
        (root / "data" / "processed").mkdir(parents=True)
        for name in ("reports/en/05_forecast.html", "data/processed/units.csv"):
            shutil.copy(project / name, root / name)
        (root / "reports" / "index.html").write_text(page, encoding="utf-8")

    monkeypatch.setattr(verify, "_build", build)
    digests = release.release()[1]
    page = "<p>first page</p>"
    assert verify.verify_against(digests, []) == ([], [])
    page = "<p>another page</p>"
    assert verify.verify_against(digests, []) == (["reports/index.html"], [])
    (project / "data" / "raw" / "provinces.csv").write_text("code,name\n")
    assert verify.verify_against(digests, [])[1] == ["data/raw/provinces.csv"]


def test_a_list_of_digests_that_cannot_be_read_names_the_line(tmp_path, capsys):
    wrong = tmp_path / "DIGESTS"
    wrong.write_text(f"{'a' * 64}  reports/index.html\nMD5 x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"DIGESTS:2: a line is a SHA-256"):
        release.read_digests(wrong)
    assert cli.main(["verify", "--against", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err


def test_digests_of_nothing_that_a_report_makes_are_refused(tmp_path):
    other = tmp_path / "DIGESTS"
    other.write_text(f"{'a' * 64}  readme.txt\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lists no file of reports"):
        verify.verify_against(other, [])
