"""Every phrase exists in both languages, is used, takes the same values, and is written rightly."""

import ast
import datetime as dt
import itertools
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import analysis
from analysis import paths
from analysis.figures.tiles import probability_steps
from analysis.report import wording
from analysis.report.wording import WordingError, say, write
from analysis.site.pdf import verdict_steps
from analysis.verdicts import SCALE, VERDICT_NAMES, coarse, percent, verdict

PACKAGE = Path(analysis.__file__).parent
KEYS = sorted({*wording.keys("en"), *wording.keys("vi")})


@cache
def code() -> str:
    """Everything that may use a phrase: code, templates, notebooks and scenarios."""
    places = [
        *PACKAGE.rglob("*.py"),
        *PACKAGE.rglob("*.j2"),
        *PACKAGE.rglob("*.typ"),
        *Path(paths.NOTEBOOKS).glob("*.ipynb"),
        *Path(paths.ROOT).glob("scenarios/*.yml"),
    ]
    return "\n".join(place.read_text("utf-8") for place in sorted(places))


@cache
def raw() -> str:
    """The raw tables, whose names can be words."""
    return "\n".join(path.read_text("utf-8") for path in sorted(Path(paths.RAW).glob("*.csv")))


_GAPS = ("(.+?)", "(.+)")


@cache
def patterns() -> tuple[re.Pattern[str], ...]:
    """What code puts together, such as f"brief.heading_{name}", as patterns of keys and names."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                constants = [v.value for v in node.values if isinstance(v, ast.Constant)]
                if re.fullmatch(r"[\w .]{2,}", "".join(constants)):
                    found |= {"".join(_piece(v, gap) for v in node.values) for gap in _GAPS}
    return tuple(re.compile(pattern) for pattern in sorted(found))


def _piece(value: ast.expr, gap: str) -> str:
    return re.escape(value.value) if isinstance(value, ast.Constant) else gap


@cache
def names() -> frozenset[str]:
    """All words of code and raw tables, with and without dots."""
    text = code() + raw()
    return frozenset(re.findall(r"\w+", text)) | frozenset(re.findall(r"\w[\w.]*\w", text))


@cache
def quoted() -> frozenset[str]:
    """All short texts in quotation marks in code."""
    return frozenset(re.findall(r"""["']([^"'\n]{1,60})["']""", code()))


def is_put_together(text: str) -> bool:
    """Whether code can put a text together from names that occur in code or raw tables."""
    matches = [match for pattern in patterns() if (match := pattern.fullmatch(text))]
    return any(
        all(
            is_named(part) or (len(match.groups()) > 1 and is_joined(part))
            for part in match.groups()
        )
        for match in matches
    )


def is_joined(text: str) -> bool:
    """Whether every word of a text joined by underscores occurs in code."""
    return all(word in pieces() for word in text.split("_"))


@cache
def pieces() -> frozenset[str]:
    """The words between the underscores of all names."""
    return frozenset(piece for name in names() for piece in name.split("_"))


def is_named(text: str) -> bool:
    return text in names() or text in quoted() or (" " in text and text in raw())


def is_used(key: str) -> bool:
    topic, name = key.split(".", 1)
    if key in names() or is_put_together(key):
        return True
    if topic != "columns" and topic not in quoted():
        return False
    bare = name.removeprefix("column_").removeprefix("join_")
    return is_named(bare) or is_put_together(bare)


def fields(phrase) -> set[tuple[str, str]]:
    texts = [phrase] if isinstance(phrase, str) else [v for k, v in phrase.items() if k != "plural"]
    return {(f[1], f[2] or "") for text in texts for f in Formatter().parse(text) if f[1]}


@pytest.mark.parametrize("key", KEYS)
def test_a_phrase_exists_in_both_languages_and_takes_the_same_values(key):
    assert wording.has(key, "en"), f"{key} is missing in English"
    assert wording.has(key, "vi"), f"{key} is missing in Vietnamese"
    english, vietnamese = (fields(wording.catalogue(one)[key]) for one in ("en", "vi"))
    assert {name for name, _ in english} == {name for name, _ in vietnamese}


def test_no_phrase_is_unused():
    assert [key for key in KEYS if not is_used(key)] == []


def test_an_unused_phrase_would_be_found():
    assert not is_used("brief.heading_zebra_quagga")


@pytest.mark.parametrize(
    ("value", "spec", "english", "vietnamese"),
    [
        (92.345, "percent1", "92.3%", "92,3%"),
        (95.15, "printed", "95.15%", "95,15%"),
        (95.0, "printed", "95.0%", "95,0%"),
        (0.876, "share0", "88%", "88%"),
        (1234567, "integer", "1,234,567", "1.234.567"),
        (-0.04, "number1", "0.0", "0,0"),
        (-3.25, "signed1", "−3.2", "−3,2"),
        (3.26, "signed1", "+3.3", "+3,3"),
        (0.004, "probability", "below 1%", "dưới 1%"),
        (0.996, "probability", "above 99%", "trên 99%"),
        (0.5, "probability", "50%", "50%"),
        (0.71, "chance", "70%", "70%"),
        (0.725, "chance", "75%", "75%"),
        (0.049, "chance", "5%", "5%"),
        (0.02, "chance", "below 5%", "dưới 5%"),
        (0.98, "chance", "above 95%", "trên 95%"),
        (95.0, "goal", "95%", "95%"),
        (95.5, "goal", "95.5%", "95,5%"),
        (95.15, "goal", "95.15%", "95,15%"),
        ("province_63/89", "unit_label", "An Giang (former)", "An Giang (cũ)"),
        ("province_34/91", "unit_label", "An Giang", "An Giang"),
        ("province_63/14", "unit_label", "Son La", "Sơn La"),
        ("province_63/46", "unit_label", "Hue", "Huế"),
        ("province_63/46", "unit", "Hue", "Huế"),
        (16549.0, "rounded", "17,000", "17.000"),
        (0.0004, "p_value", "below 0.001", "dưới 0,001"),
        (dt.date(2025, 12, 31), "date", "31 December 2025", "31/12/2025"),
        ("2025-12-31", "short_date", "31 Dec 2025", "31/12/2025"),
        (dt.date(2025, 7, 1), "month", "July 2025", "tháng 7/2025"),
        (2025.0, "year", "2025", "2025"),
        (["a", "b", "c"], "list", "a, b, and c", "a, b và c"),
        ("province_63/83", "unit", "Ben Tre", "Bến Tre"),
        (float("nan"), "percent1", "–", "–"),
        (None, "date", "–", "–"),
    ],
)
def test_values_are_written_as_the_language_writes_them(value, spec, english, vietnamese):
    assert write(value, spec, "en") == english
    assert write(value, spec, "vi") == vietnamese


def test_a_wrong_use_of_a_phrase_says_what_is_wrong():
    with pytest.raises(WordingError, match=r"no phrase 'brief\.nothing'"):
        say("brief.nothing", "en")
    with pytest.raises(WordingError, match="no value for 'n'"):
        say("brief.sources", "en", readings=3)
    with pytest.raises(WordingError, match="is not a probability"):
        say("overview.country_indicator", "en", indicator="hi_coverage", q50=1, q10=1,
            q90=1, target=1, verdict="verdict.likely", p_meets_reported=7)  # fmt: skip
    with pytest.raises(WordingError, match="no wording in 'fr'"):
        say("brief.sources", "fr")
    with pytest.raises(ValueError, match="unknown type"):
        write(3, "percents", "en")


def test_verdicts_cover_every_percentage_once():
    assert (SCALE[0].lowest, SCALE[-1].highest) == (0, 100)
    assert all(a.highest + 1 == b.lowest for a, b in itertools.pairwise(SCALE))
    assert verdict(None) == verdict(float("nan")) == "not_enough_evidence"
    with pytest.raises(ValueError, match="not a probability"):
        verdict(1.2)
    assert all(
        wording.has(f"verdict.{name}", one) for name in VERDICT_NAMES for one in ("en", "vi")
    )


@pytest.mark.parametrize(
    ("probability", "word"),
    [(0, "very_unlikely"), (0.0949, "very_unlikely"), (0.0951, "unlikely"), (0.1, "unlikely"),
     (0.3249, "unlikely"), (0.3251, "about_even"), (0.5, "about_even"), (0.6649, "about_even"),
     (0.6651, "likely"), (2 / 3, "likely"), (0.67, "likely"), (0.8949, "likely"),
     (0.8951, "very_likely"), (1, "very_likely")],
)  # fmt: skip
def test_a_verdict_goes_by_the_percentage_that_is_printed(probability, word):
    assert verdict(probability) == word


@pytest.mark.parametrize("language", ["en", "vi"])
def test_one_percentage_has_one_word_and_one_colour_at_every_edge(language):
    steps = {step.name: step for step in SCALE}
    colours = probability_steps(language)
    words = {}
    for part in range(20_001):
        probability = part / 20_000
        name = verdict(probability)
        printed = int(re.search(r"\d+", write(probability, "probability", language))[0])
        assert steps[name].lowest <= printed <= steps[name].highest, probability
        colour = next(c for c in colours if c.lowest <= percent(probability) < c.highest)
        assert colour.label.startswith(say(f"verdict.{name}", language) + " ("), probability
        words.setdefault(printed, set()).add(name)
    assert all(len(found) == 1 for found in words.values())
    assert {name for found in words.values() for name in found} == set(steps)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_one_chance_of_a_province_has_one_word(language):
    words = {}
    for part in range(10_001):
        probability = part / 10_000
        printed = write(probability, "chance", language)
        assert printed == write(coarse(probability), "chance", language)
        assert abs(probability - coarse(probability)) < 0.05
        words.setdefault(printed, set()).add(verdict(probability))
    assert len(words) == 21 and all(len(found) == 1 for found in words.values())


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_scale_is_explained_with_its_own_edges(language):
    told = [say(key, language, **values) for key, values in verdict_steps()]
    for line, step in zip(told, reversed(SCALE), strict=True):
        assert f"“{say(f'verdict.{step.name}', language)}”" in line
        assert [int(n) for n in re.findall(r"\d+", line)] == [step.lowest, step.highest]
