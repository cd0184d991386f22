"""Names of provinces as the statistics office writes them, in English or Vietnamese, to codes."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

from analysis.facts import Fault
from analysis.geography import REGIONS
from analysis.intake.sheet import IntakeError

#: Spellings that differ by more than accents, hyphens and words for "province" and "city".
_ALSO = {
    **dict.fromkeys(("hcmcity", "hcm", "hcmc", "saigon"), "79"),
    **dict.fromkeys(("daknong", "dacnong"), "67"),
    **dict.fromkeys(("brvt", "vungtau"), "77"),
    "daclac": "66",
    "hue": "46",
}
_WORDS = re.compile(r"\b(province|city|provincial|tinh|thanh pho|tp|t p)\b")
#: Rows for larger areas are no provinces and are left out.
_LARGER = re.compile(
    r"(whole|ca|toan|national|nationwide|total|tong|vietnam|urban|rural|thanhthi|nongthon)"
    r"(country|nuoc|quoc|so)?"
    r"|(northern|north|south|southern)?(midland|midlands|central|east|eastern)"
    r"(and)?(mountain|mountains|coastal|central|coast|area|areas|delta|and|highlands)*"
    r"|(red|mekong)riverdelta|centralhighlands?|dongbangsong(hong|cuulong)|taynguyen|dongnambo"
    r"|trungduvamiennuiphiabac|(bac|nam)trungbo(vaduyenhaimientrung)?"
    r"|bactrungbovaduyenhainmientrung|duyenhai(mientrung|namtrungbo(vataynguyen)?)"
)


def key(name: str) -> str:
    """Return a name without accents, signs and the words for province and city."""
    bare = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    bare = re.sub(r"[^a-z0-9]+", " ", bare)
    return _WORDS.sub(" ", bare).replace(" ", "")


def codes(provinces: pd.DataFrame) -> dict[str, str]:
    """Return key -> province code for every spelling known."""
    table = provinces[["province_code", "name_en", "name_vi"]].itertuples(index=False, name=None)
    own = {key(name): code for code, *names in table for name in names}
    known = set(provinces["province_code"])
    return {**{name: code for name, code in _ALSO.items() if code in known}, **own}


def is_larger(name: str) -> bool:
    """Tell whether a name is that of the country or a region."""
    regions = {key(one) for names in REGIONS.values() for one in names}
    return key(name) in regions or bool(_LARGER.fullmatch(key(name)))


def refuse_merged(found: set[str], provinces: pd.DataFrame, years: set[int], file: str) -> None:
    """Refuse a table of the 34 units after the merger, whose names are those of provinces.

    Raises:
        IntakeError: no province that the merger dissolved is in the table, and it reaches 2024.
    """
    known = codes(provinces)
    dissolved = set(provinces["province_code"])
    dissolved -= {known.get(key(name), "") for name in provinces["merged_name_en"]}
    if dissolved and not found & dissolved and len(found) > 1 and max(years) >= 2024:
        message = (
            f"lists only units that exist since the merger of July 2025 ({len(found)} of them): "
            "their names are those of provinces, their areas are not. Choose a table by the 63 "
            "provinces"
        )
        raise IntakeError([Fault(file, 0, "", "", message)])
