"""`make release`: one archive of report, data and rounds, which anybody can check and reuse.

The archive is made from a report that is whole and up to date, and from nothing else. Beside the
files stand SHA256SUMS and six descriptions of the same content, each for another kind of reader:
``codecheck.yml`` for someone who runs the code again, ``ro-crate-metadata.json`` and
``croissant.json`` for catalogues, ``datapackage.json`` for programs that read tables, ``sdmx/`` for
statistics offices, and ``sbom.cdx.json`` for audits of the packages. Nothing holds the time of
making, so the same report gives the same bytes. Nothing is published: the archive lies in
``release/`` until somebody does.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import mimetypes
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis import paths
from analysis.report import describe
from analysis.runs import manifest
from analysis.site import sdmx

_FOLDER, SUMS, DIGESTS = "release", "SHA256SUMS", "DIGESTS"
#: Folders of the archive; rounds (forecasts that were registered) only where there are any.
_PARTS = ("reports", "data", "rounds")
_BESIDE = ("README.md", "LICENSE", "LICENSE-DATA", "CITATION.cff", "requirements.lock")
#: The first day that a zip file can hold.
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
_CODECHECK = "https://codecheck.org.uk/spec/config/1.0/"
_PACKAGE = "https://datapackage.org/profiles/2.0/datapackage.json"
_CC_BY = "https://creativecommons.org/licenses/by/4.0/"
_KINDS = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".js": "text/javascript",
}
_KINDS |= {".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
_KINDS |= {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
#: Outputs that a check of the code compares first: all tables, the chapters and the reports.
_CHECKED = re.compile(
    r"data/processed/.*\.csv|reports/\w+/(\d\d_.*\.html|viet_nam\..*|tables\.xlsx)"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class NotReady(ValueError):
    """There is no report that could be released; the message says what to do."""


def release() -> list[Path]:
    """Write ``release/<name>-<version>.zip`` and ``release/DIGESTS``; return their paths.

    DIGESTS has the SHA-256 of everything made and of everything it was made from, as
    ``make verify AGAINST=DIGESTS`` reads it.

    Raises:
        NotReady: there is no report, or it is not whole, or not made from what lies here now.
    """
    said = _checked_manifest()
    cited = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
    files = _files(said)
    sizes = {name: (len(content), _sha256(content)) for name, content in files.items()}
    lock = (paths.ROOT / "requirements.lock").read_text("utf-8")
    tables = {
        Path(name).stem: content
        for name, content in files.items()
        if re.fullmatch(r"data/processed/[^/]+\.csv", name)
    }
    files |= sdmx.files(tables, str(cited["date-released"]))
    files["codecheck.yml"] = _yaml(codecheck(said, cited))
    files["datapackage.json"] = _json(data_package(files, cited))
    files["croissant.json"] = _json(croissant(files, cited))
    files["sbom.cdx.json"] = sbom(lock, str(cited["version"])).encode("utf-8")
    files["ro-crate-metadata.json"] = _json(ro_crate(sizes, said, cited))
    files[SUMS] = _lines({name: _sha256(content) for name, content in files.items()})
    name = f"analysis-{cited['version']}"
    folder = paths.ROOT / _FOLDER
    made = {entry["file"]: entry["sha256"] for entry in said["files"]}
    return [
        paths.write_atomic(folder / f"{name}.zip", _zip(files, name)),
        paths.write_atomic(folder / DIGESTS, _lines({**said["inputs"], **made})),
    ]


def _checked_manifest() -> dict[str, Any]:
    said = manifest.read(Path(paths.REPORTS))
    again = "run `make report`, then `make release` again"
    if not said:
        raise NotReady(f"there is no report to release: {again}")
    if failed := [run["notebook"] for run in said["notebooks"] if "failed" in run]:
        names = ", ".join(sorted(set(failed)))
        raise NotReady(f"the report lacks pages, since {names} failed: mend it, and {again}")
    if said["settings"].get("only") or said["settings"].get("parameters"):
        raise NotReady(
            f"the report was made with options of its own and is not the usual one: {again}"
        )
    now = manifest.inputs()
    changed = [
        name
        for name in sorted({*now, *said["inputs"]})
        if now.get(name) != said["inputs"].get(name)
    ]
    if changed:
        raise NotReady(f"{_some(changed)} changed after the report was made: {again}")
    folders = {"reports/": Path(paths.REPORTS), "data/processed/": Path(paths.PROCESSED)}
    if wrong := manifest.differences(said, folders):
        raise NotReady(f"{_some(wrong)} is not as the report made it: {again}")
    return said


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _files(said: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what was made and what it was made from, by its name in the archive."""
    made = [entry["file"] for entry in said["files"]] + [f"reports/{manifest.NAME}"]
    data = [name for name in said["inputs"] if name.startswith("data/")]
    rounds = paths.ROOT / "rounds"
    kept = [
        f"rounds/{one.relative_to(rounds).as_posix()}" for one in rounds.rglob("*") if one.is_file()
    ]
    beside = [name for name in _BESIDE if (paths.ROOT / name).is_file()]
    return {name: _place(name).read_bytes() for name in sorted({*made, *data, *kept, *beside})}


def _place(name: str) -> Path:
    """Where a file of the archive lies here; settings may have moved three of the folders."""
    moved = {"reports": paths.REPORTS, "data/processed": paths.PROCESSED, "data/raw": paths.RAW}
    for prefix, folder in moved.items():
        if name.startswith(f"{prefix}/"):
            return Path(folder) / name.removeprefix(f"{prefix}/")
    return Path(paths.ROOT) / name


def codecheck(said: Mapping[str, Any], cited: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a CODECHECK: the outputs that a second person makes again.

    Certificate, checker and time of the check are for that person to add.
    """
    listed = [
        {"file": entry["file"], "comment": f"{_made_by(entry)}, SHA-256 {entry['sha256']}"}
        for entry in said["files"]
        if _CHECKED.fullmatch(entry["file"])
    ]
    return {
        "version": _CODECHECK,
        "paper": {
            "title": cited["title"],
            "authors": [{"name": _name(one)} for one in cited["authors"]],
        },
        "manifest": listed,
    }


def _made_by(entry: Mapping[str, Any]) -> str:
    if "notebook" not in entry:
        return "made from the tables of all chapters"
    values = ", ".join(f"{key}={value}" for key, value in sorted(entry["parameters"].items()))
    return f"made by notebooks/{entry['notebook']}.ipynb ({values})"


def _name(author: Mapping[str, str]) -> str:
    parts = [author.get("given-names", ""), author.get("family-names", "")]
    return author.get("name") or " ".join(part for part in parts if part)


def data_package(files: Mapping[str, bytes], cited: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw and processed tables as a Data Package (version 2.0) with sizes and digests.

    Processed tables have their full description; of raw ones, data/raw/README.md says what the
    columns mean, and the resource lists their names.
    """
    described = {f"data/processed/{one['path']}": one for one in describe.package()["resources"]}
    resources = []
    for name in sorted(files):
        if not re.fullmatch(r"data/(raw|processed)/[^/]+\.csv", name):
            continue
        known = {
            k: v for k, v in described.get(name, {}).items() if k not in {"profile", "sources"}
        }
        sources = described.get(name, {}).get("sources") or None
        stem = Path(name).stem.replace("_", "-")
        resources.append(
            {
                **known,
                "name": stem if name in described else f"{Path(name).parent.name}-{stem}",
                "path": name,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(files[name]),
                "hash": f"sha256:{_sha256(files[name])}",
                "schema": known.get("schema") or _columns(files[name]),
                **({"sources": sources} if sources else {}),
            }
        )
    return {
        "$schema": _PACKAGE,
        "name": describe.package()["name"],
        "title": cited["title"],
        "version": str(cited["version"]),
        "licenses": [
            {"name": "CC-BY-4.0", "path": _CC_BY, "title": "Creative Commons Attribution 4.0"}
        ],
        "contributors": [{"title": _name(one), "roles": ["author"]} for one in cited["authors"]],
        "resources": resources,
    }


def _columns(content: bytes) -> dict[str, Any]:
    """Return a schema that only names the columns: a code such as 01 must not become a number."""
    heads = next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    return {"fields": [{"name": head, "type": "string"} for head in heads], "missingValues": [""]}


#: Types of Table Schema as those of schema.org.
_TYPES = {"string": "sc:Text", "integer": "sc:Integer", "number": "sc:Float"}
_TYPES |= {"boolean": "sc:Boolean", "date": "sc:Date"}
#: The context that version 1.0 of Croissant prescribes.
_CROISSANT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(files: Mapping[str, bytes], cited: Mapping[str, Any]) -> dict[str, Any]:
    """Return the processed tables as Croissant 1.0 describes them: a view of the data package."""
    objects, records = [], []
    for one in describe.package()["resources"]:
        path = f"data/processed/{one['path']}"
        if path not in files:
            continue
        stem = Path(path).stem
        objects.append(
            {
                "@type": "cr:FileObject",
                "@id": f"{stem}.csv",
                "name": f"{stem}.csv",
                "contentUrl": path,
                "encodingFormat": "text/csv",
                "contentSize": f"{len(files[path])} B",
                "sha256": _sha256(files[path]),
            }
        )
        fields = [
            {
                "@type": "cr:Field", "@id": f"{stem}/{field['name']}", "name": field["name"],
                "description": field["description"], "dataType": _TYPES[field["type"]],
                "source": {
                    "fileObject": {"@id": f"{stem}.csv"}, "extract": {"column": field["name"]}
                },
            }
            for field in one["schema"]["fields"]
        ]  # fmt: skip
        records.append(
            {
                "@type": "cr:RecordSet",
                "@id": stem,
                "name": stem,
                "description": one["description"],
                "field": fields,
                "key": [{"@id": f"{stem}/{name}"} for name in one["schema"]["primaryKey"]],
            }
        )
    return {
        "@context": _CROISSANT,
        "@type": "sc:Dataset",
        "name": describe.package()["name"],
        "description": " ".join(cited["abstract"].split()),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": _CC_BY,
        "citeAs": f"{', '.join(_name(one) for one in cited['authors'])}: {cited['title']}",
        "version": str(cited["version"]),
        "datePublished": str(cited["date-released"]),
        "creator": [{"@type": "sc:Organization", "name": _name(one)} for one in cited["authors"]],
        "distribution": objects,
        "recordSet": records,
    }


def ro_crate(
    sizes: Mapping[str, tuple[int, str]], said: Mapping[str, Any], cited: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the metadata of an RO-Crate (1.1): every file, and the notebook that made it."""
    makers = {entry["file"]: entry["notebook"] for entry in said["files"] if "notebook" in entry}
    entities: list[dict[str, Any]] = [
        {
            "@id": name, "@type": "File", "name": name, "contentSize": str(size),
            "encodingFormat": _kind(name), "sha256": digest,
        }
        for name, (size, digest) in sorted(sizes.items())
    ]  # fmt: skip
    for notebook in sorted(set(makers.values())):
        place = f"#{notebook}"
        entities.append(
            {
                "@id": place,
                "@type": "CreateAction",
                "name": f"run of notebooks/{notebook}.ipynb",
                "instrument": {"@id": f"#program-{notebook}"},
                "result": [{"@id": name} for name in sorted(makers) if makers[name] == notebook],
            }
        )
        program = {"@id": f"#program-{notebook}", "@type": "SoftwareSourceCode"}
        code = said["inputs"].get(f"notebooks/{notebook}.ipynb", "")
        entities.append({**program, "name": f"notebooks/{notebook}.ipynb", "sha256": code})
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": cited["title"],
        "description": " ".join(cited["abstract"].split()),
        "datePublished": str(cited["date-released"]),
        "version": str(cited["version"]),
        "license": {"@id": _CC_BY},
        "hasPart": [{"@id": name} for name in sorted(sizes)],
        "author": [{"@id": f"#author-{at}"} for at, _ in enumerate(cited["authors"], 1)],
    }
    about = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    licence = {"@id": _CC_BY, "@type": "CreativeWork", "name": "CC BY 4.0; the code: MIT"}
    authors = [
        {"@id": f"#author-{at}", "@type": "Organization", "name": _name(one)}
        for at, one in enumerate(cited["authors"], 1)
    ]
    context = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}]
    return {"@context": context, "@graph": [about, root, licence, *authors, *entities]}


def _kind(name: str) -> str:
    guessed = _KINDS.get(Path(name).suffix) or mimetypes.types_map.get(Path(name).suffix)
    return guessed or "application/octet-stream"


def sbom(lock: str, version: str) -> str:
    """Return the packages of a lock as a CycloneDX bill of materials (JSON, version 1.6).

    Args:
        lock: the text of requirements.lock: pinned packages with markers and hashes.
        version: of the project.

    Raises:
        NotReady: the library that writes it is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError:
        raise NotReady(
            "the bill of materials needs cyclonedx-python-lib: use `make release`"
        ) from None
    import uuid

    from packageurl import PackageURL
    from packaging.requirements import Requirement

    bom = Bom()
    bom.metadata.component = Component(
        name="analysis", version=version, type=ComponentType.APPLICATION, bom_ref="analysis"
    )
    for line in _joined(lock):
        pinned = Requirement(line.split(" --hash=")[0].strip())
        number = next(iter(pinned.specifier)).version
        found = _component(pinned.name, number, _HASH.findall(line), str(pinned.marker or ""))
        found.purl = PackageURL("pypi", None, pinned.name, number)
        bom.components.add(found)
    bom.register_dependency(bom.metadata.component, list(bom.components))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{version}\n{lock}")
    written = json.loads(JsonV1Dot6(bom).output_as_string())
    written["metadata"].pop("timestamp", None)  # would differ with every making
    return json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _component(name: str, version: str, hashes: Iterable[str], marker: str) -> Any:
    """A package; its digests are those of the files that the lock accepts, a reference each."""
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        Property,
        XsUri,
    )
    from cyclonedx.model.component import Component, ComponentType

    references = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(f"https://pypi.org/project/{name}/{version}/#files"),
            hashes=[
                HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in sorted(hashes)
            ],
        )
    ]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}=={version}" + (f"; {marker}" if marker else ""),
        external_references=references,
        properties=[Property(name="analysis:marker", value=marker)] if marker else [],
    )


def _joined(lock: str) -> list[str]:
    """Return one line a package."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]


def read_digests(path: Path) -> dict[str, str]:
    """Return the digests of a file in the form of ``sha256sum``.

    Raises:
        ValueError: a line has another form; the message names file and line.
    """
    found = {}
    for at, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        parts = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if not parts:
            raise ValueError(
                f"{path.name}:{at}: a line is a SHA-256, two blanks and the name of a file, "
                f"not {line[:80]!r}"
            )
        found[parts[2]] = parts[1]
    return found


def _lines(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def _zip(files: Mapping[str, bytes], folder: str) -> bytes:
    """Return an archive whose members are sorted, of one day and of plain permissions."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(f"{folder}/{name}", _ZIP_DAY)
            member.create_system, member.external_attr = 3, 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[name])
    return memory.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _yaml(content: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=1000).encode()
