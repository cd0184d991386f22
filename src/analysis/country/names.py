"""One rule for names of units as people write them, for lookups, questions, intake and search.

Accents, capitals, hyphens, dots and the words for province and city do not matter; `SPELLINGS`
holds what differs by more. A word that stands for several units stands for none: callers ask.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache

import pandas as pd

from analysis.country import geography

#: Spellings of provinces that differ by more than the rule forgives, as `key` writes them.
SPELLINGS = {
    **dict.fromkeys(("hcmcity", "hcm", "hcmc", "tphcm", "saigon", "hoachiminh"), "79"),
    **dict.fromkeys(("daknong", "dacnong", "dacknong"), "67"),
    **dict.fromkeys(("daclac", "dacklac", "daklac", "dacklak", "darlac"), "66"),
    **dict.fromkeys(("brvt", "vungtau", "bariavt", "baria"), "77"),
    **dict.fromkeys(("hue", "thuathien", "tthue", "thuathienhue"), "46"),
    "baccan": "06",
    "laokai": "10",
    "hn": "01",
}
#: Words for the country and for regions beside their names, as `key` writes them.
_LARGER = {
    **dict.fromkeys(("vietnam", "canuoc", "toanquoc", "quocgia", "country", "thewholecountry",
                     "wholecountry", "national", "nationwide"), ("country", geography.COUNTRY)),
    **dict.fromkeys(("mekongdelta", "mekong", "dbscl"), ("region", "R6")),
    **dict.fromkeys(("dbsh",), ("region", "R1")),
}  # fmt: skip
#: Words for province and city around a name; a site's search takes them over as they are.
BEFORE = r"^((tinh|thanh pho|tp|t p|thu do|(province|city) of) )+(?=\S)"
AFTER = r"( (province|city|provincial|municipality|thanh pho|tp|t p))+$"
OLD = r"\b(truoc sap nhap|cu|old|former)\b"
NEW = r"\b(sau sap nhap|sap nhap|moi|new)\b"
#: The cities that are provinces; any other city lies in the province of its name.
_CITIES = frozenset({"01", "31", "46", "48", "79", "92"})
_CITY = re.compile(r"^((thanh pho|tp|t p|city of) )+\S|\S ?(city|thanh pho|tp|t p)$")


@lru_cache(maxsize=20_000)
def key(name: str) -> str:
    """Return a name without accents, signs and the words for province and city around it."""
    return re.sub(AFTER, "", re.sub(BEFORE, "", letters(name))).replace(" ", "")


def letters(name: str) -> str:
    """Return a name in small letters and digits, without accents, one blank between words."""
    bare = unicodedata.normalize("NFD", name.lower().replace("đ", "d").replace("ð", "d"))
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", " ", bare).strip()


def without_age(name: str) -> tuple[str, str]:
    """Return a name without "cũ", "former", "mới" and the like, and the level that these mean.

    The level is "province_63" (before July 2025), "province_34" (since) or "".
    """
    plain = letters(name)
    old = " ".join(re.sub(OLD, " ", plain).split())
    rest = " ".join(re.sub(NEW, " ", old).split())
    return rest, "province_63" if old != plain else "province_34" if rest != old else ""


def codes_by_key(units: pd.DataFrame) -> dict[str, str]:
    """Return key -> code for every spelling known of the units of one level.

    Args:
        units: province_code, name_en, name_vi; spellings of units that are not in it are left out.
    """
    table = units[["province_code", "name_en", "name_vi"]].itertuples(index=False, name=None)
    own = {key(name): code for code, *names in table for name in names}
    known = set(units["province_code"])
    return {**{name: code for name, code in SPELLINGS.items() if code in known}, **own}


def is_country(name: str) -> bool:
    """Tell whether a word stands for the whole country."""
    return _LARGER.get(key(name), ("", ""))[0] == "country"


def is_city_within(name: str, code: str, known: Collection[str]) -> bool:
    """Tell whether a name is that of a city in a province, such as "TP. Bến Tre" in Bến Tre.

    Args:
        code: of the province that bears the name.
        known: all codes; districts are units of their own, and some are cities.
    """
    return code not in _CITIES and bool(_CITY.search(letters(name))) and set(known) >= _CITIES


@cache
def is_alone(code: str) -> bool:
    """Whether a province of the 63 stayed as it was in July 2025."""
    return code in geography.merged().index and geography.members(code) == [code]


def _under_63(level: str, code: str) -> bool:
    """Whether a unit is a province that did not merge; it stands under province_63."""
    return level.startswith("province") and is_alone(code)


def named(word: str, level: str = "") -> list[tuple[str, str]]:
    """Return (level, code) of all units that a name or code stands for, of one level if given.

    A city that lies in the province of its name ("TP. Bến Tre") stands for none.
    """
    plain, age = without_age(word)
    found = by_key().get(key(plain), ())
    wanted = level or age
    chosen = [pair for pair in found if wanted in ("", pair[0])]
    if not chosen and wanted == "province_34":
        chosen = [pair for pair in found if _under_63(*pair)]
    known = geography.codes("province_63")
    return [pair for pair in chosen if not is_city_within(plain, pair[1], known)]


@cache
def by_key() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return every key of the project's own units -> (level, code) of the units that it names."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for word, pair in _LARGER.items():
        found.setdefault(word, {})[pair] = None
    for level in geography.LEVELS:
        for code in geography.codes(level):
            # One that did not merge is one unit, even where it was renamed (Hue).
            pair = ("province_63" if _under_63(level, code) else level, code)
            for word in (code, *_spelled(level, code)):
                found.setdefault(key(word), {})[pair] = None
    return {word: tuple(pairs) for word, pairs in found.items()}


def spellings(level: str, code: str) -> list[str]:
    """Return the keys under which a unit is found by name, sorted."""
    larger = [word for word, pair in _LARGER.items() if pair == (level, code)]
    return sorted({key(name) for name in _spelled(level, code)} | set(larger))


def _spelled(level: str, code: str) -> list[str]:
    own = [geography.name(code, level, language) for language in ("en", "vi")]
    if level.startswith("province"):
        own += [word for word, meant in SPELLINGS.items() if meant == code]
    return own


def similar(word: str) -> list[str]:
    """Return up to three names of units that a word that names none may have meant."""
    wanted = key(without_age(word)[0])
    known = {
        key(geography.name(code, level, language)): geography.name(code, level, language)
        for level in ("region", "province_34", "province_63")
        for code in geography.codes(level)
        for language in ("en", "vi")
    }
    begun = [one for one in known if wanted and len(wanted) > 2 and one.startswith(wanted)]
    close = difflib.get_close_matches(wanted, known, 3, 0.7)
    return [known[one] for one in dict.fromkeys([*close, *sorted(begun)])]
