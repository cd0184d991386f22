"""The catalogue of phrases: one YAML file a topic in each language, read once.

A phrase has the key ``topic.phrase``. Its text carries typed placeholders (see
:mod:`analysis.report.wording`) or, as ``{verdict:phrase}``, the key of another phrase.

A phrase that depends on a count is a mapping with ``plural`` (the placeholder that counts) and
the plural forms of the language (``one`` and ``other`` in English, ``other`` in Vietnamese).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from analysis.country import geography
from analysis.country.indicators import INDICATORS
from analysis.verdicts import PERCENT_STEP, coarse

# --------------------------------------------------------------------------------------------------
# Numbers, dates and lists as the readers of a language write them.
#
# A placeholder of a phrase names its type: ``{coverage:percent1}``, ``{people:integer}``,
# ``{due:date}``. The same types format the columns of tables, so that a number reads alike in a
# sentence and in a table.
# --------------------------------------------------------------------------------------------------

#: The sign for a value that is missing.
MISSING = "–"

_SPEC = re.compile(r"^([a-z_]+?)(\d?)$")
_PERCENT = {"en": "{}%", "vi": "{}%"}
_BEYOND = {
    "en": {"below": "below {}", "above": "above {}"},
    "vi": {"below": "dưới {}", "above": "trên {}"},
}
_DATES = {"en": "d MMMM y", "vi": "dd/MM/y"}
_SHORT_DATES = {"en": "d MMM y", "vi": "dd/MM/y"}
_SHORT_MONTHS = {"en": "MMM y", "vi": "MM/y"}
_MONTHS = {"en": "MMMM y", "vi": "'tháng' M/y"}
#: How the table of sources marks a title that was read off the address of its page.
_FROM_ADDRESS = ("[slug]", "[title from the address]")
_READ_OFF = {"en": "title from the address", "vi": "tiêu đề lấy từ địa chỉ"}


def write(value: Any, spec: str, language: str) -> str:
    """Write one value as the type ``spec`` asks, in a language.

    Types (a digit is the number of decimals): ``percentN`` takes percent (92.3 is 92.3%),
    ``printed`` percent with its second decimal where it has one (95.15%, for what is compared),
    ``goal`` percent with no more digits than it has (95%, 95.15%), ``shareN`` a share from 0 to 1,
    ``probability`` a share shown as whole percent and never as 0 or 100, ``chance`` the same in
    steps of five (below 5%, above 95%), ``numberN``,
    ``signedN`` (always with its sign), ``integer``, ``rounded`` (two leading digits, for
    quantities known roughly), ``p_value``, ``date``, ``short_date``, ``month``,
    ``year``, ``list``, ``unit`` (a code, or ``level/code``), ``unit_label`` (the same,
    a former province said to be one), ``indicator``, ``indicator_short``,
    ``indicator_inline`` (as within a sentence), ``units`` and ``indicators`` (lists),
    ``source_day`` and ``source_title`` (as the table of sources holds them) and ``text``.
    A missing value is a dash.

    Raises:
        ValueError: the type is unknown, or the value does not fit it.
    """
    match = _SPEC.match(spec)
    if match is None or match[1] not in _WRITERS:
        raise ValueError(f"unknown type {spec!r}; known: {', '.join(sorted(_WRITERS))}")
    if _missing(value):
        return MISSING
    return _WRITERS[match[1]](value, int(match[2] or 0), language)


def _missing(value: Any) -> bool:
    if isinstance(value, str | list | tuple):
        return len(value) == 0
    return value is None or value != value


def _number(value: Any, digits: int, language: str) -> str:
    rounded = round(float(value), digits)
    if math.isinf(rounded):
        raise ValueError("an infinite number cannot be written")
    return _decimal(rounded + 0.0, digits, language)


@lru_cache(maxsize=65536)
def _decimal(value: float, digits: int, language: str) -> str:
    # Kept, because tables repeat their numbers and Babel takes a tenth of a millisecond for each.
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=language).replace("-", "−")


def _signed(value: Any, digits: int, language: str) -> str:
    text = _number(value, digits, language)
    return text if text.startswith("−") else f"+{text}"


def _percent(value: Any, digits: int, language: str) -> str:
    return _PERCENT[language].format(_number(value, digits, language))


def _printed(value: Any, digits: int, language: str) -> str:
    share = float(value)
    whole = abs(share - round(share, 1)) < 0.005
    return _percent(share, 1 if whole else 2, language)


def _goal(value: Any, digits: int, language: str) -> str:
    share = round(float(value), 2)
    needed = next(places for places in (0, 1, 2) if round(share, places) == share)
    return _percent(share, needed, language)


def _share(value: Any, digits: int, language: str) -> str:
    return _percent(100.0 * float(value), digits, language)


def _probability(value: Any, digits: int, language: str) -> str:
    share = float(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share!r} is not a probability")
    if share < 0.01:
        return _BEYOND[language]["below"].format(_percent(1, 0, language))
    if share > 0.99:
        return _BEYOND[language]["above"].format(_percent(99, 0, language))
    return _share(share, 0, language)


def _chance(value: Any, digits: int, language: str) -> str:
    share = coarse(float(value))
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share!r} is not a probability")
    if share < PERCENT_STEP / 100:
        return _BEYOND[language]["below"].format(_percent(PERCENT_STEP, 0, language))
    if share > 1 - PERCENT_STEP / 100:
        return _BEYOND[language]["above"].format(_percent(100 - PERCENT_STEP, 0, language))
    return _share(share, 0, language)


def _p_value(value: Any, digits: int, language: str) -> str:
    if float(value) < 0.001:
        return _BEYOND[language]["below"].format(_number(0.001, 3, language))
    return _number(value, 3, language)


def _rounded(value: Any, digits: int, language: str) -> str:
    number = float(value)
    if number == 0:
        return "0"
    step = 10 ** max(0, math.floor(math.log10(abs(number))) - 1)
    return _number(round(number / step) * step, 0, language)


def _year(value: Any, digits: int, language: str) -> str:
    return str(value.year if isinstance(value, dt.date) else int(value))


def _dated(patterns: Mapping[str, str]) -> Callable[[Any, int, str], str]:
    def written(value: Any, digits: int, language: str) -> str:
        day = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return _day(dt.date(day.year, day.month, day.day), patterns[language], language)

    return written


@lru_cache(maxsize=8192)
def _day(day: dt.date, pattern: str, language: str) -> str:
    return format_date(day, format=pattern, locale=language)


def _unit(value: Any, digits: int, language: str) -> str:
    level, _, code = str(value).rpartition("/")
    return geography.name_today(code, level or "province_63", language)


def _unit_label(value: Any, digits: int, language: str) -> str:
    level, _, code = str(value).rpartition("/")
    return geography.label(code, level or "province_63", language)


def _indicator(value: Any, digits: int, language: str) -> str:
    return INDICATORS[value].label(language)


def _indicator_short(value: Any, digits: int, language: str) -> str:
    return INDICATORS[value].label(language, short=True)


def _indicator_inline(value: Any, digits: int, language: str) -> str:
    return _within(INDICATORS[value].label(language))


def _indicator_short_inline(value: Any, digits: int, language: str) -> str:
    return _within(INDICATORS[value].label(language, short=True))


def _within(label: str) -> str:
    """Return a label as it stands within a sentence; an abbreviation keeps its capitals."""
    return label if label[1:2].isupper() else label[0].lower() + label[1:]


def _source_day(value: Any, digits: int, language: str) -> str:
    """Write the day, the month or the year that a source was published in, as far as known."""
    if len(value) == 10:
        return _dated(_SHORT_DATES)(value, digits, language)
    return _dated(_SHORT_MONTHS)(f"{value}-01", digits, language) if len(value) == 7 else value


def _source_title(value: Any, digits: int, language: str) -> str:
    """Write a title; one that was read off the address says so in the language."""
    bare = value.removeprefix(_FROM_ADDRESS[0]).removesuffix(_FROM_ADDRESS[1]).strip()
    return bare if bare == value else f"{bare} [{_READ_OFF[language]}]"


def _list(value: Iterable[Any], digits: int, language: str) -> str:
    return format_list([str(item) for item in value], locale=Locale.parse(language))


def _listed(one: Callable[[Any, int, str], str]) -> Callable[[Any, int, str], str]:
    def written(value: Iterable[Any], digits: int, language: str) -> str:
        return _list([one(item, digits, language) for item in value], digits, language)

    return written


_WRITERS: dict[str, Callable[[Any, int, str], str]] = {
    "percent": _percent,
    "printed": _printed,
    "goal": _goal,
    "share": _share,
    "probability": _probability,
    "chance": _chance,
    "number": _number,
    "signed": _signed,
    "integer": _number,
    "rounded": _rounded,
    "p_value": _p_value,
    "date": _dated(_DATES),
    "short_date": _dated(_SHORT_DATES),
    "month": _dated(_MONTHS),
    "year": _year,
    "list": _list,
    "units": _listed(_unit),
    "indicators": _listed(_indicator_short_inline),
    "unit": _unit,
    "unit_label": _unit_label,
    "indicator": _indicator,
    "indicator_short": _indicator_short,
    "indicator_inline": _indicator_inline,
    "source_day": _source_day,
    "source_title": _source_title,
    "text": lambda value, digits, language: str(value),
}


LANGUAGES = ("en", "vi")
_HOME = Path(__file__).parent

_Phrase = str | Mapping[str, str]


class WordingError(ValueError):
    """A phrase is missing, malformed, or was given the wrong values."""


@cache
def catalogue(language: str) -> dict[str, _Phrase]:
    """Return every phrase of a language by its key.

    Raises:
        WordingError: the language is unknown, or a file does not hold a mapping of phrases.
    """
    if language not in LANGUAGES:
        raise WordingError(f"no wording in {language!r}; languages are {', '.join(LANGUAGES)}")
    phrases: dict[str, _Phrase] = {}
    for path in sorted((_HOME / language).glob("*.yml")):
        for topic, content in _read(path).items():
            for name, phrase in _topic(path, topic, content).items():
                if (key := f"{topic}.{name}") in phrases:
                    raise WordingError(f"{language}/{path.name}: {key} stands in another file too")
                phrases[key] = phrase
    return phrases


def _read(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys) or {}
    if not isinstance(content, dict):
        raise WordingError(f"{path.parent.name}/{path.name}: expected topics with phrases")
    return content


def _topic(path: Path, topic: Any, content: Any) -> dict[str, _Phrase]:
    where = f"{path.parent.name}/{path.name}: {topic}"
    if not isinstance(topic, str) or not isinstance(content, dict):
        raise WordingError(f"{where}: expected 'phrase: text' lines below a topic")
    for name, phrase in content.items():
        if not isinstance(name, str) or not isinstance(phrase, str | dict):
            raise WordingError(f"{where}: {name!r} is not a phrase")
    return content


class _UniqueKeys(yaml.SafeLoader):
    """Reads YAML safely and refuses a key that stands twice, which YAML would let pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key) for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise WordingError(f"{', '.join(twice)} stands twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def keys(language: str = "en") -> tuple[str, ...]:
    """Return the keys of all phrases of a language, sorted."""
    return tuple(sorted(catalogue(language)))


def has(key: str, language: str = "en") -> bool:
    """Tell whether the catalogue of a language holds a phrase."""
    return key in catalogue(language)


def say(key: str, language: str, **values: Any) -> str:
    """Say one phrase in a language, its values written as the language writes them.

    Raises:
        WordingError: the phrase is unknown, a value is missing, or a value does not fit its type.
    """
    phrase = catalogue(language).get(key)
    if phrase is None:
        raise WordingError(f"no phrase {key!r} in {language!r}")
    template = phrase if isinstance(phrase, str) else _plural(key, phrase, language, values)
    try:
        return _Writer(language).format(template, **values)
    except KeyError as missing:
        raise WordingError(f"{key} ({language}): no value for {missing}") from None
    except (ValueError, TypeError, AttributeError) as wrong:
        raise WordingError(f"{key} ({language}): {wrong}") from wrong


class _Writer(Formatter):
    """A ``str.format`` whose types are those of ``write``, and ``phrase``: the key of a phrase."""

    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "phrase":
            return say(str(value), self.language)
        return write(value, format_spec or "text", self.language)


def _plural(key: str, phrase: Mapping[str, str], language: str, values: Mapping[str, Any]) -> str:
    counted = phrase.get("plural", "n")
    if counted not in values:
        raise WordingError(f"{key} ({language}): no value for the count {counted!r}")
    form = Locale.parse(language).plural_form(values[counted])
    return phrase.get(form, phrase["other"])


def heading(column: str, language: str, topic: str | None = None) -> str:
    """Return the heading of a table's column: the topic's own, else the shared one.

    The topic's own heading is the phrase ``<topic>.column_<column>``, the shared one
    ``columns.<column>``.

    Raises:
        WordingError: neither phrase exists.
    """
    own = f"{topic}.column_{column}"
    return say(own if topic and has(own, language) else f"columns.{column}", language)
