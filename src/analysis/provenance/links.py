"""Tables of readings from which each source is one click away."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pandas as pd

from analysis import geography
from analysis.facts import Raw
from analysis.provenance.mixed import MixedUnits
from analysis.readings import ReadingTables

_WORDS = {"province_code": "unit", "indicator": "indicator", "basis": "basis", "rule": "rule"}


@dataclass(frozen=True)
class SourcedResult(MixedUnits):
    """A result whose last shown column holds source ids, shown as links to their addresses.

    Attributes:
        sources: address by source id; it may be empty.
    """

    sources: Mapping[str, str] = field(default_factory=dict)

    def html(self, language: str) -> str:
        """Return the table as HTML; every text and address is escaped."""
        written = self.written(language)
        heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in written.columns)
        rows = "\n".join(self._row(row) for row in written.itertuples(index=False))
        return (
            f'<div class="table" tabindex="0" role="region" aria-label="{html.escape(self.name)}">'
            f'<table class="result" id="table-{self.name}">\n<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )

    def _row(self, row: tuple[str, ...]) -> str:
        *cells, ids = row
        shown = "".join(f"<td>{html.escape(text)}</td>" for text in cells)
        links = ", ".join(self._link(name) for name in ids.split(";"))
        return f"<tr>{shown}<td>{links}</td></tr>"

    def _link(self, source_id: str) -> str:
        address, label = self.sources.get(source_id, ""), html.escape(source_id)
        if not web_address(address):
            return label
        return f'<a href="{html.escape(address)}">{label}</a>'


def web_address(address: str) -> str:
    """Return an address of the web, or nothing where it is another one.

    The raw tables refuse others; a page must not trust that they were checked.
    """
    return address if urlsplit(address).scheme in ("http", "https") else ""


def readings_of_unit(tables: ReadingTables, raw: Raw, code: str) -> SourcedResult:
    """Return every reading of one of the 63 provinces or the country ("00") with its sources.

    Raises:
        ValueError: there is no reading of this code.
    """
    readings = tables.readings
    level = "country" if code == geography.COUNTRY else "province_63"
    chosen = readings[(readings["geo_level"] == level) & (readings["province_code"] == code)]
    if chosen.empty and code not in set(raw.provinces["province_code"]):
        raise ValueError(f"{code!r} is neither 00 nor a province code")
    return with_sources(f"readings_of_{code}", chosen, raw, "readings.readings_of_unit")


def with_sources(name: str, chosen: pd.DataFrame, raw: Raw, phrase: str) -> SourcedResult:
    """Return readings with their intervals and sources.

    Args:
        name: name of the result.
        chosen: rows of the table of readings.
        raw: the raw tables, which hold the addresses.
        phrase: key of a sentence of n readings, sources, and unaddressed ones among these.
    """
    table = chosen.sort_values(["geo_level", "province_code", "indicator", "as_of", "basis"])
    table = table.assign(accepted=table["value"], how=table["rule"])
    columns = ["geo_level", "province_code", "indicator", "basis", "as_of", "accepted"]
    columns += ["lower", "upper", "how"]
    used = {ids for cell in table["sources"] for ids in cell.split(";")}
    known = raw.sources[raw.sources["source_id"].isin(used)]
    sources = dict(zip(known["source_id"], known["url"], strict=True))
    values = {
        "n": len(table),
        "sources": len(sources),
        "unaddressed": sum(1 for address in sources.values() if not address),
    }
    return SourcedResult(
        name,
        table[[*columns, "sources"]],
        [(phrase, values)],
        {"as_of": "short_date"},
        {**_WORDS, "how": "rule"},
        "readings",
        hidden=["geo_level"],
        measured=("accepted", "lower", "upper"),
        sources=sources,
    )
