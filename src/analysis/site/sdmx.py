"""Readings, targets, outcomes and forecasts as SDMX, which statistics offices exchange data by.

A release holds ``sdmx/structure.xml`` (SDMX-ML 2.1: dimensions, attributes and codes) and a file a
table in SDMX-CSV 2.0.0. Dimensions are the columns by which the described table is keyed, its date
as TIME_PERIOD; the figure is OBS_VALUE; every other column is an attribute. The structure is made
from the descriptions of the tables (``report/tables``), so the two cannot differ. Nothing here is
registered anywhere: the agency ANALYSIS is this project.
"""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as Xml
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.country.indicators import INDICATORS
from analysis.report import describe

_FOLDER, AGENCY, VERSION = "sdmx", "ANALYSIS", "1.0.0"
#: What stands in a dimension that does not apply: the usual basis of a figure.
NOT_APPLICABLE = "_Z"
_SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
_NAMES = {"mes": "message", "str": "structure", "com": "common"}
_TYPES = {"string": "String", "integer": "Integer", "number": "Double", "boolean": "Boolean"}
_TYPES |= {"date": "GregorianDay"}
#: What an identifier of a code may consist of.
_CODE = re.compile(r"[A-Za-z0-9_@$-]+")


@dataclass(frozen=True)
class Flow:
    """A table as a data flow: which column is its date, and which its figure.

    `key`: the columns that tell its rows apart, where they are not the key of the description. A
    figure that is part of the key (two targets of one day) is a dimension besides.
    """

    table: str
    time: str
    value: str
    key: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """READINGS, TARGETS and so on."""
        return self.table.upper()

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The described columns."""
        return describe.schemas()[self.table]["fields"]

    @property
    def dimensions(self) -> list[str]:
        """The columns of the key, the date last."""
        key = self.key or tuple(describe.schemas()[self.table]["primary_key"])
        return [*(name for name in key if name != self.time), self.time]

    @property
    def attributes(self) -> list[str]:
        """All other columns but the figure."""
        return [name for name in self.fields if name not in {*self.dimensions, self.value}]

    def name_of(self, column: str) -> str:
        """What a column is called in SDMX."""
        own = {self.time: "TIME_PERIOD", self.value: "OBS_VALUE"}
        return own.get(column, column.upper())

    def name_of_dimension(self, column: str) -> str:
        """The same for a dimension: OBS_VALUE is kept for the figure itself."""
        return column.upper() if column == self.value else self.name_of(column)


FLOWS = (
    Flow("readings", "as_of", "value", ("geo_level", "province_code", "indicator", "basis")),
    Flow("targets", "due", "value"),
    Flow("outcomes", "due", "reading"),
    Flow("forecasts", "date", "q50"),
)  # fmt: skip


def files(tables: Mapping[str, bytes], prepared: str) -> dict[str, bytes]:
    """Return the SDMX files of a release, by their names; none where none of the tables is there.

    Args:
        tables: the content of data/processed, by the name of the table.
        prepared: the day of the release, as 2026-11-22.

    Raises:
        ValueError: two rows of a table have the same key, or a code is not in its list.
    """
    there = [flow for flow in FLOWS if flow.table in tables]
    made = {f"{_FOLDER}/{flow.table}.csv": data(flow, tables[flow.table]) for flow in there}
    if made:
        made[f"{_FOLDER}/structure.xml"] = structure(there, prepared)
    return made


def data(flow: Flow, table: bytes) -> bytes:
    """Return a table as SDMX-CSV 2.0.0. Raises ValueError as `files`."""
    columns = [*flow.dimensions, flow.value, *flow.attributes]
    lists = {name: _codes(flow, name) for name in columns}
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    head = [flow.name_of(name) for name in columns]
    head[: len(flow.dimensions)] = map(flow.name_of_dimension, flow.dimensions)
    rows.writerow(["STRUCTURE", "STRUCTURE_ID", "ACTION", *head])
    seen: dict[tuple[str, ...], int] = {}
    reader = csv.DictReader(io.StringIO(table.decode("utf-8-sig")))
    for number, row in enumerate(reader, 2):
        where = f"{flow.table}.csv, row {number}"
        cells = [_cell(flow, name, row[name], lists[name], where) for name in columns]
        key = tuple(cells[: len(flow.dimensions)])
        if key in seen:
            raise ValueError(f"{where}: the same key as row {seen[key]}: {', '.join(key)}")
        seen[key] = number
        rows.writerow(["dataflow", f"{AGENCY}:{flow.id}({VERSION})", "I", *cells])
    return written.getvalue().encode("utf-8")


def _cell(flow: Flow, name: str, value: str, allowed: Mapping[str, Any], where: str) -> str:
    if not value:
        return NOT_APPLICABLE if name in flow.dimensions else ""
    if flow.fields[name]["type"] == "boolean":
        return value.lower()
    if allowed and _code(value) not in allowed:
        raise ValueError(f"{where}: {name}: {value!r} is in no list of codes")
    return _code(value) if allowed else " ".join(value.split())


def _code(word: str) -> str:
    """An identifier that SDMX admits: billion VND is billion_VND."""
    return word.replace(" ", "_")


def _codes(flow: Flow, column: str) -> dict[str, dict[str, str]]:
    """The codes of a column with their names by language; empty where any text may stand."""
    if column == "indicator":
        return {
            name: {"en": one.label("en"), "vi": one.label("vi")}
            for name, one in sorted(INDICATORS.items())
        }
    words = flow.fields[column].get("enum", [])
    found = {_code(word): {"en": word.replace("_", " ")} for word in words}
    assert all(_CODE.fullmatch(code) for code in found), found
    return found


def structure(flows: list[Flow], prepared: str) -> bytes:
    """Return the structure message (SDMX-ML 2.1) of the flows."""
    for prefix, name in _NAMES.items():
        Xml.register_namespace(prefix, f"{_SCHEMAS}/{name}")
    message = Xml.Element(_tag("mes:Structure"))
    header = _add(message, "mes:Header")
    _add(header, "mes:ID").text = f"{AGENCY}_STRUCTURE"
    _add(header, "mes:Test").text = "false"
    _add(header, "mes:Prepared").text = f"{prepared}T00:00:00"
    _add(header, "mes:Sender", id=AGENCY)
    parts = _add(message, "mes:Structures")
    names = ("Dataflows", "Codelists", "Concepts", "DataStructures")
    inside = {name: _add(parts, f"str:{name}") for name in names}
    for flow in flows:
        _add_flow(inside["Dataflows"], flow)
        _add_concepts(inside["Concepts"], flow)
        _add_definition(inside["DataStructures"], flow)
    for name, words in _lists(flows).items():
        made = _named(inside["Codelists"], "Codelist", name, {"en": name.removeprefix("CL_")})
        for code, labels in words.items():
            one = _add(made, "str:Code", id=code)
            _labels(one, labels)
    Xml.indent(message)
    return Xml.tostring(message, encoding="utf-8", xml_declaration=True) + b"\n"


def _lists(flows: list[Flow]) -> dict[str, dict[str, dict[str, str]]]:
    found = {
        _list_of(flow, column): _codes(flow, column) for flow in flows for column in flow.fields
    }
    return {name: found[name] for name in sorted(found) if found[name]}


def _list_of(flow: Flow, column: str) -> str:
    """One list of all indicators; other lists belong to a table."""
    return "CL_INDICATOR" if column == "indicator" else f"CL_{flow.id}_{column.upper()}"


def _add_flow(inside: Xml.Element, flow: Flow) -> None:
    described = describe.schemas()[flow.table]
    made = _named(inside, "Dataflow", flow.id, {"en": described["title"]},
                  " ".join(described["description"].split()))  # fmt: skip
    place = _add(made, "str:Structure")
    _refer(place, flow.id, "datastructure", "DataStructure")


def _add_concepts(inside: Xml.Element, flow: Flow) -> None:
    scheme = _named(inside, "ConceptScheme", f"{flow.id}_COLUMNS",
                    {"en": f"Columns of {flow.table}.csv"})  # fmt: skip
    for column, what in flow.fields.items():
        one = _add(scheme, "str:Concept", id=flow.name_of(column))
        unit = f" Unit: {what['unit']}." if what.get("unit") else ""
        _labels(one, {"en": column}, " ".join(what["description"].split()) + unit)


def _add_definition(inside: Xml.Element, flow: Flow) -> None:
    made = _named(inside, "DataStructure", flow.id, {"en": f"Structure of {flow.table}.csv"})
    parts = _add(made, "str:DataStructureComponents")
    dimensions = _add(parts, "str:DimensionList", id="DimensionDescriptor")
    for position, column in enumerate(flow.dimensions, 1):
        kind = "TimeDimension" if column == flow.time else "Dimension"
        name = flow.name_of_dimension(column)
        _component(dimensions, kind, flow, column, id=name, position=str(position))
    attributes = _add(parts, "str:AttributeList", id="AttributeDescriptor")
    for column in flow.attributes:
        status = "Mandatory" if flow.fields[column].get("required") else "Conditional"
        one = _component(attributes, "Attribute", flow, column, assignmentStatus=status)
        of = _add(_add(one, "str:AttributeRelationship"), "str:PrimaryMeasure")
        Xml.SubElement(of, "Ref", id="OBS_VALUE")
    measures = _add(parts, "str:MeasureList", id="MeasureDescriptor")
    _component(measures, "PrimaryMeasure", flow, flow.value)


def _component(inside: Xml.Element, kind: str, flow: Flow, column: str, **more: str) -> Xml.Element:
    made = _add(inside, f"str:{kind}", **{"id": flow.name_of(column), **more})
    concept = _add(made, "str:ConceptIdentity")
    scheme = {"maintainableParentID": f"{flow.id}_COLUMNS", "maintainableParentVersion": VERSION}
    of = {"agencyID": AGENCY, "package": "conceptscheme", "class": "Concept"}
    Xml.SubElement(concept, "Ref", {"id": flow.name_of(column), **scheme, **of})
    local = _add(made, "str:LocalRepresentation")
    if _codes(flow, column):
        _refer(_add(local, "str:Enumeration"), _list_of(flow, column), "codelist", "Codelist")
    else:
        _add(local, "str:TextFormat", textType=_TYPES[flow.fields[column]["type"]])
    return made


def _named(
    inside: Xml.Element, kind: str, name: str, labels: Mapping[str, str], description: str = ""
) -> Xml.Element:
    """Add something that others refer to by its name and version."""
    made = _add(inside, f"str:{kind}", id=name, agencyID=AGENCY, version=VERSION, isFinal="true")
    _labels(made, labels, description)
    return made


def _labels(inside: Xml.Element, labels: Mapping[str, str], description: str = "") -> None:
    for language, text in labels.items():
        _add(inside, "com:Name", **{"xml:lang": language}).text = text
    if description:
        _add(inside, "com:Description", **{"xml:lang": "en"}).text = description


def _refer(inside: Xml.Element, name: str, package: str, kind: str) -> None:
    of = {"agencyID": AGENCY, "package": package, "class": kind}
    Xml.SubElement(inside, "Ref", {"id": name, "version": VERSION, **of})


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_SCHEMAS}/{_NAMES[prefix]}}}{local}"


def _add(inside: Xml.Element, name: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(inside, _tag(name), attributes)


def references(message: bytes) -> Iterator[tuple[str, str]]:
    """Every reference of a structure message: the kind and the name of what it leads to."""
    for one in Xml.fromstring(message).iter("Ref"):
        yield one.get("class", "PrimaryMeasure"), one.get("id", "")
