"""The catalogue of phrases: one YAML file a topic in each language, read once.

A phrase has the key ``topic.phrase``. Its text carries typed placeholders (see
:mod:`analysis.wording.formats`) or, as ``{verdict:phrase}``, the key of another phrase.

A phrase that depends on a count is a mapping with ``plural`` (the placeholder that counts) and
the plural forms of the language (``one`` and ``other`` in English, ``other`` in Vietnamese).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from babel import Locale

from analysis.wording.formats import write

LANGUAGES = ("en", "vi")
_HOME = Path(__file__).parent

Phrase = str | Mapping[str, str]


class WordingError(ValueError):
    """A phrase is missing, malformed, or was given the wrong values."""


@cache
def catalogue(language: str) -> dict[str, Phrase]:
    """Return every phrase of a language by its key.

    Raises:
        WordingError: the language is unknown, or a file does not hold a mapping of phrases.
    """
    if language not in LANGUAGES:
        raise WordingError(f"no wording in {language!r}; languages are {', '.join(LANGUAGES)}")
    phrases: dict[str, Phrase] = {}
    for path in sorted((_HOME / language).glob("*.yml")):
        for name, phrase in _read(path).items():
            phrases[f"{path.stem}.{name}"] = phrase
    return phrases


def _read(path: Path) -> dict[str, Phrase]:
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys) or {}
    if not isinstance(content, dict):
        raise WordingError(f"{path.parent.name}/{path.name}: expected 'phrase: text' lines")
    for name, phrase in content.items():
        if not isinstance(name, str) or not isinstance(phrase, str | dict):
            raise WordingError(f"{path.parent.name}/{path.name}: {name!r} is not a phrase")
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
