"""Names of provinces as the statistics office writes them, in English or Vietnamese, to codes."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

import pandas as pd

from analysis.country.geography import REGIONS
from analysis.country.names import codes_by_key, is_city_within, key
from analysis.facts import Fault
from analysis.intake.sheet import IntakeError

#: Rows for larger areas are no provinces and are left out.
_LARGER = re.compile(
    r"(the)?(whole|ca|toan|national|nationwide|grand|total|tong|tongcong|cong|vietnam|urban|rural"
    r"|thanhthi|nongthon)(country|nuoc|quoc|so|total|cong)?"
    r"|(northern|north|south|southern)?(midland|midlands|central|east|eastern|west|western)"
    r"(and)?(mountain|mountains|coastal|central|coast|area|areas|delta|and|highlands)*"
    r"|northern(midlandsand)?mountain(ous|s)?(areas?)?"
    r"|(red|mekong)riverdelta|centralhighlands?|dongbangsong(hong|cuulong)|taynguyen"
    r"|(dong|tay)(nambo|bac|bacbo)"
    r"|(vung)?(trungdu(va)?)?miennuiphiabac|(bac|nam)?trungbo(va(duyenhai)?mientrung)?"
    r"|bactrungbova(duyenhai)n?mientrung|duyenhai(mientrung|namtrungbo(vataynguyen)?)"
    r"|(6|six|sau)?(regions?|vung)"
)
#: A code before or behind a name: "01 ", "01. ", "VN-HN ", " [01]".
_CODE = re.compile(r"^(VN-[A-Z0-9]{2,3}|[A-Z]?\d{1,5})\s*[.:)_–-]?\s*(?=\D)|\s*\[\w+\]$")
#: A mark of a footnote behind a name, which may mean another area.
NAME_MARK = re.compile(r"\s*(\(\d{1,2}\)|\d{1,2}\)|(?<=\D)\d{1,2}|\(?\*+\)?|[¹²³⁴-⁹]+|[†‡])$")
LARGER = "larger"


def place(label: str, known: dict[str, str]) -> str:
    """Return the code of the province that a label names, `LARGER` for an area, or "".

    The label may hold a code ("01 Hà Nội") or both languages ("Hà Nội - Ha Noi"); it has to be
    the name as a whole otherwise, so that "Nam" is not "Quảng Nam".

    Args:
        label: what stands in the table. known: see `codes_by_key`.
    """
    mark = NAME_MARK.search(label.strip())
    if mark:
        return LARGER if place(label.strip()[: mark.start()], known) == LARGER else ""
    bare = _CODE.sub("", label.strip())
    for one in (label, bare):
        if key(one) in known:
            code = known[key(one)]
            return "" if is_city_within(one, code, known.values()) else code
        if key(one) and is_larger(one):
            return LARGER
    for sign in ("\n", "/", " - ", " – ", "|", ";"):
        parts = [part for part in bare.split(sign) if key(part)]
        half = len(parts) // 2
        if len(parts) > 2 and not len(parts) % 2:
            parts = [sign.join(parts[:half]), sign.join(parts[half:])]
        if len(parts) > 1:
            found = {place(part, known) for part in parts}
            return found.pop() if len(found) == 1 else ""
    return ""


def marked(label: str, known: dict[str, str]) -> str:
    """Return the mark of a footnote behind a name that would be a province without it, or ""."""
    found = NAME_MARK.search(label.strip())
    bare = label.strip()[: found.start()] if found else ""
    return found[0].strip() if found and place(bare, known) not in ("", LARGER) else ""


@lru_cache(maxsize=20_000)
def is_larger(name: str) -> bool:
    """Tell whether a name is that of the country or a region."""
    regions = {key(one) for names in REGIONS.values() for one in names}
    return key(name) in regions or bool(_LARGER.fullmatch(key(name)))


def refuse_merged(
    found: dict[str, str],
    provinces: pd.DataFrame,
    years: dict[int, set[str]],
    areas: str,
    file: str,
) -> None:
    """Refuse a table of the 34 units after the merger, whose names are those of provinces.

    Offices compute figures of the 34 units back to earlier years, so that the years prove
    nothing. What proves the 63 is a province that the merger dissolved; where none is in the
    table, a unit whose area has changed leaves both readings open. A table may go over from one
    to the other, so that a year is judged by the units that have a figure for it.

    Args:
        found: label in the table -> province code, before anything was chosen or left out.
        years: year -> labels that have a figure for it.
        areas: "63" where the caller vouches for it.

    Raises:
        IntakeError: the table is one of the 34 units, or leaves open whether it is.
    """
    # Units are matched by name: their codes are new, and some are those of other provinces.
    known = codes_by_key(provinces)
    sizes = Counter(known.get(key(name), "") for name in provinces["merged_name_en"])
    old, new = (
        {key(name) for side in ("en", "vi") for name in provinces[f"{kind}_{side}"]}
        for kind in ("name", "merged_name")
    )
    before = any(
        code not in sizes or {key(label), key(_CODE.sub("", label))} & (old - new)
        for label, code in found.items()
    )
    changed = sorted({code for code in found.values() if sizes[code] > 1})
    if not changed or areas == "63":
        return
    if before:
        for year, labels in sorted(years.items()):
            units = {found[label] for label in labels if label in found}
            # Before the merger a few provinces may be the only ones with a figure.
            nearly_all = year >= 2025 or len(units) >= 0.85 * len(sizes)
            if nearly_all and units <= set(sizes) and units & set(changed):
                message = (
                    f"gives for {year} only units that exist since the merger of July 2025 "
                    f"({len(units)} of them): their names are those of provinces, their areas are "
                    f"not. Leave that year out with --ignore {year}, or say --areas 63 where "
                    "these are the provinces as they were before"
                )
                raise IntakeError([Fault(file, 0, "", str(year), message)])
        return
    if len(set(found.values())) >= 0.85 * len(sizes) or max(years, default=0) >= 2025:
        message = (
            "lists only units that exist since the merger of July 2025 "
            f"({len(set(found.values()))} of them): their names are those of provinces, their "
            "areas are not, for earlier years as well. Choose a table by the 63 provinces"
        )
    else:
        first = next(label for label, code in found.items() if code == changed[0])
        message = (
            f"leaves open which areas are meant: {first} is larger since "
            "the merger of July 2025, and no province that it dissolved is in the table. Say "
            "--areas 63 where these are the provinces as they were before"
        )
    raise IntakeError([Fault(file, 0, "", "", message)])
