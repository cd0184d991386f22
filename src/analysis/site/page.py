"""The frame that every page of the site shares, and the names of its files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2

from analysis import paths
from analysis.country import geography
from analysis.country.indicators import COVERAGE
from analysis.country.names import is_alone
from analysis.findings import overview
from analysis.findings.brief import Tables, unit_code, unit_of
from analysis.forecast.rounds import named_round
from analysis.report.wording import say

TEMPLATES = Path(__file__).parent / "templates"
OTHER = {"en": "vi", "vi": "en"}


@cache
def environment() -> jinja2.Environment:
    """Return the templates; every value that reaches a page is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def sayer(language: str) -> Callable[..., str]:
    """Return ``say`` bound to one language, for templates."""
    return partial(_say, language)


def _say(language: str, key: str, **values: Any) -> str:
    return say(key, language, **values)


def render(template: str, language: str, **values: Any) -> str:
    """Fill a template with values, in a language."""
    page = environment().get_template(template)
    return page.render(language=language, say=sayer(language), **values)


@dataclass(frozen=True)
class Stamp:
    """When the forecast was made and for which day, as every page carries it.

    text: the line below the bar. due: the day as YYYY-MM-DD, after which a reader's own clock
    brings up the line on the outcome; empty where that stands in the text already.
    """

    text: str = ""
    due: str = ""


NO_STAMP = Stamp()


def stamp(tables: Tables | None, language: str) -> Stamp:
    """Return the stamp of a report; an empty one where nothing was forecast."""
    if tables is None:
        return NO_STAMP
    text = " ".join(say(key, language, **values) for key, values in overview.stamp(tables))
    return Stamp(text, "" if tables.has_outcome else f"{tables.due:%Y-%m-%d}")


def stamp_of_round(name: str, language: str) -> Stamp:
    """Return the stamp of a page that shows a round other than the main one."""
    chosen, readings = named_round(name), paths.read_processed("readings", dates=["as_of"])
    newest = readings.loc[readings["as_of"] <= chosen.origin, "as_of"].max()
    values = {"origin": chosen.origin, "newest": newest, "due": chosen.due[0]}
    rates = readings[readings["indicator"].isin(COVERAGE)]
    past = ["overview.stamp_past"] if (rates["as_of"] >= chosen.due[0]).any() else []
    text = " ".join(say(key, language, **values) for key in ("overview.stamp", *past))
    return Stamp(text, "" if past else f"{chosen.due[0]:%Y-%m-%d}")


def page(
    language: str,
    file: str,
    title: str,
    body: str,
    kind: str,
    description: str,
    script: str = "",
    stamp: Stamp = NO_STAMP,
) -> str:
    """Return a whole page: the shared frame around a body that is already HTML."""
    return render(
        "page.html.j2",
        language,
        other=OTHER[language],
        root="../",
        file=file,
        title=title,
        body=body,
        kind=kind,
        description=description,
        script=script,
        stamp=stamp,
    )


def slug(text: str) -> str:
    """Return a text as a file name that cannot leave its folder: a-z, 0-9 and underscores.

    Raises:
        ValueError: nothing of the text is left.
    """
    bare = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    name = re.sub(r"[^a-z0-9]+", "_", bare.encode("ascii", "ignore").decode()).strip("_")
    if not name:
        raise ValueError(f"{text!r} cannot name a file")
    return name[:80]


def unit_slug(level: str, code: str) -> str:
    """Return the part of a file name that stands for a unit, such as ``83_ben_tre``."""
    mark = "merged_" if level == "province_34" else ""
    return f"{mark}{slug(code)}_{slug(geography.name(code, level, 'en'))}"


def readings_file(level: str, code: str) -> str:
    """Return the name of the page that lists the readings of a unit."""
    return f"readings_{unit_slug(level, code)}.html"


def brief_file(code: str, ending: str = "html") -> str:
    """Return the name of the brief of a unit (see :func:`analysis.findings.brief.unit_of`)."""
    return f"brief_{unit_slug(*unit_of(code))}.{ending}"


def brief_of(level: str, code: str) -> str:
    """Return the name of the brief of a unit; an unchanged province has one under both levels."""
    level = "province_63" if level == "province_34" and is_alone(code) else level
    return brief_file(unit_code(level, code))


def unit_label(level: str, code: str, language: str) -> str:
    """Return the name of a unit; one that became part of another says that it is a former one."""
    return geography.label(code, level, language)


def evidence_link(mark: str) -> str:
    """Return the address of the readings behind a number, from a mark ``level/code#anchor``."""
    unit, _, anchor = mark.partition("#")
    level, _, code = unit.partition("/")
    return f"{readings_file(level, code)}#{anchor}" if anchor else readings_file(level, code)


def safe_address(address: str) -> str:
    """Return a web address, or nothing where it is not http or https."""
    parts = urlsplit(address)
    return address if parts.scheme in {"http", "https"} and parts.hostname else ""
