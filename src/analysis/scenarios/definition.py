"""A scenario as data: the YAML file, read safely and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from analysis.country import geography
from analysis.forecast.space import FAMILY
from analysis.scenarios import paths
from analysis.scenarios.baseline import Footing
from analysis.scenarios.parameters import (
    Parameter,
    Range,
    ScenarioError,
    did_you_mean,
    read_parameters,
    refuse_unknown,
    scenario_date,
)

# --------------------------------------------------------------------------------------------------
# The kinds of scenario: what parameters each has, and the rule that draws its path.
# --------------------------------------------------------------------------------------------------

Rule = Callable[[Footing, Mapping[str, Any]], np.ndarray]
Supported = Callable[[Footing, Mapping[str, Any]], paths.Support]

_YEARS = Parameter("integer", 1, 20, "years", default=3)
_SHARE = Parameter("range", 0, 1, "(a share from 0 to 1)")
_BEGINS = Parameter("date", optional=True)
_POINTS = Parameter("number", 0, 100, "percentage points")


@dataclass(frozen=True)
class Kind:
    """One kind of scenario.

    Attributes:
        path: from the units under business as usual to their wanted path (S, V, T), percent.
        parameters: by name.
        ahead: names of the dates that lie between the origin and the date.
        provinces_only: the rule needs what is known of provinces only.
        indicators: coverage rates that it can move; empty for all.
        support: what the state pays for, where the kind says so itself.
        orders: pairs of parameters of which the first may not exceed the second.
    """

    path: Rule
    parameters: Mapping[str, Parameter]
    ahead: tuple[str, ...] = ()
    provinces_only: bool = False
    indicators: tuple[str, ...] = ()
    support: Supported | None = None
    orders: tuple[tuple[str, str], ...] = ()

    def check(self, values: Mapping[str, Any], where: str) -> None:
        """Raise ScenarioError when two values cannot stand together."""
        for first, second in self.orders:
            a, b = values.get(first), values.get(second)
            if a is None or b is None:
                continue
            a, b = (getattr(one, "central", one) for one in (a, b))
            if a > b:
                raise ScenarioError(
                    f"{where}.{second}: {_written(b)} lies before {first}, {_written(a)}"
                )


def _written(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value:g}"


_POLICY = {"begins": _BEGINS, "in_full": _BEGINS}
_SUPPORT = {
    "supported_before": Parameter("range", 0, 1, "(a share from 0 to 1)"),
    "supported_after": Parameter("range", 0, 1, "(a share from 0 to 1)"),
}

SCENARIO_KINDS: Mapping[str, Kind] = {
    "business_as_usual": Kind(paths.business_as_usual, {}),
    "hold_last": Kind(paths.hold_last, {}),
    "linear_change": Kind(
        paths.linear_change,
        {"points_per_year": Parameter("number", -100, 100, "percentage points a year")},
    ),
    "percent_of_baseline": Kind(
        paths.percent_of_baseline,
        {"percent": Parameter("number", 1, 1000, "percent of the value at the origin")},
    ),
    "constant_rate": Kind(
        paths.constant_rate,
        {"percent_per_year": Parameter("number", -99, 100, "percent a year")},
    ),
    "reach_target": Kind(
        paths.reach_target,
        {
            "target": Parameter("target", 0, 100, "percent", "assigned", ("assigned",)),
            "by": Parameter("date", optional=True),
            "shape": Parameter("choice", default="straight", choices=tuple(paths.SHAPES)),
        },
        ahead=("by",),
    ),
    "return_to_trajectory": Kind(
        paths.return_to_trajectory,
        {
            "shock": Parameter("date", default=pd.Timestamp(2021, 7, 1)),
            "years": Parameter("integer", 1, 20, "years", default=3),
        },
    ),
    "dip_and_recover": Kind(
        paths.dip_and_recover,
        {"dip": _POINTS, "lowest": _BEGINS, "recovered": _BEGINS},
        ahead=("lowest",),
        orders=(("lowest", "recovered"),),
    ),
    "best_of_region": Kind(paths.best_of_region, {"years": _YEARS}),
    "top_n": Kind(
        paths.top_n,
        {"n": Parameter("integer", 1, 63, "units", default=5), "years": _YEARS},
    ),
    "peer_quantile": Kind(
        paths.peer_quantile,
        {
            "quantile": Parameter("number", 0, 1, "(a share from 0 to 1)", default=0.75),
            "groups": Parameter("integer", 1, 21, "groups", default=5),
            "years": _YEARS,
        },
    ),
    "own_best_years": Kind(
        paths.own_best_years, {"n": Parameter("integer", 1, 10, "years", default=3)}
    ),
    "restored_cards": Kind(
        paths.restored_cards,
        {
            "restored": _SHARE,
            "effect": Parameter("range", 0, 5, "(logit, 0 or above)", optional=True),
            "lost": Parameter("range", -5, 0, "(logit, 0 or below)", optional=True),
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        provinces_only=True,
        indicators=("hi_coverage",),
        support=paths.support_cards,
        orders=(("begins", "in_full"),),
    ),
    "premium_support": Kind(
        paths.premium_support,
        {
            "group": Parameter("choice", choices=paths.GROUPS),
            "share_of_population": _SHARE,
            "share_of_uninsured": _SHARE,
            "enrolled": _SHARE,
            **_SUPPORT,
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        indicators=("hi_coverage",),
        support=paths.support_group,
        orders=(("begins", "in_full"), ("supported_before", "supported_after")),
    ),
    "late_payment_cut": Kind(
        paths.business_as_usual,
        {"rate": Parameter("number", 0, 100, "percent of the receivable")},
        indicators=("late_payment_rate",),
    ),
    "voluntary_support": Kind(
        paths.voluntary_support,
        {
            "increase": Parameter("range", 0, 10, "(0.2 is 20% more)"),
            "monthly_contribution": Parameter("number", 0.01, 10, "million VND a month"),
            **_SUPPORT,
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        provinces_only=True,
        indicators=("si_coverage",),
        support=paths.support_voluntary,
        orders=(("begins", "in_full"), ("supported_before", "supported_after")),
    ),
}


_KEYS = (
    "title",
    "kind",
    "indicator",
    "level",
    "only",
    "origin",
    "date",
    "parameters",
    "supported_share",
)
#: Files longer than this are not scenarios.
_LONGEST = 100_000


@dataclass(frozen=True)
class Scenario:
    """A checked scenario.

    Attributes:
        name: stem of the file, the key of every table.
        title: what it asks, by language.
        kind: a name of `kinds.KINDS`.
        indicator: the coverage rate that it moves.
        level: units to which the rule is applied, each by itself; provinces follow in proportion.
        only: codes of the units that it moves; empty for all.
        origin, date: None where the file leaves them to the chapter.
        parameters: values by name, as the kind declares them.
        supported_share: share of the contribution that the state pays for additional persons.
    """

    name: str
    title: Mapping[str, str]
    kind: str
    indicator: str = "hi_coverage"
    level: str = "province_63"
    only: tuple[str, ...] = ()
    origin: pd.Timestamp | None = None
    date: pd.Timestamp | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    supported_share: Range | None = None
    file: str = ""

    @property
    def rule(self) -> Kind:
        """The kind with its parameters and its path."""
        return SCENARIO_KINDS[self.kind]

    def check_dates(self, origin: pd.Timestamp, date: pd.Timestamp) -> None:
        """Raise ScenarioError when a date of the scenario cannot be, seen from the origin."""
        if date <= origin:
            raise ScenarioError(
                f"{self.file}: date: {date:%Y-%m-%d} is not after the origin {origin:%Y-%m-%d}"
            )
        for name, value in self.parameters.items():
            if isinstance(value, pd.Timestamp) and name in self.rule.ahead and value < origin:
                raise ScenarioError(
                    f"{self.file}: parameters.{name}: {value:%Y-%m-%d} is before the origin "
                    f"{origin:%Y-%m-%d}; the past cannot be changed"
                )
            if isinstance(value, pd.Timestamp) and name in self.rule.ahead and value > date:
                raise ScenarioError(
                    f"{self.file}: parameters.{name}: {value:%Y-%m-%d} is after the date of the "
                    f"scenario, {date:%Y-%m-%d}"
                )


def load(path: Path | str) -> Scenario:
    """Read one scenario from a YAML file.

    Raises:
        ScenarioError: the file or a value in it is not a scenario; names the file and the key.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no scenario file {path}")
    if path.stat().st_size > _LONGEST:
        raise ScenarioError(f"{path.name}: is longer than {_LONGEST} characters")
    return _read_bytes(path.read_bytes(), path.stem, path.name)


@lru_cache(maxsize=256)
def _read_bytes(content: bytes, name: str, file: str) -> Scenario:
    """A file with the same content is the same scenario; reading YAML takes a while."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise ScenarioError(f"{file}: is not UTF-8 text: {wrong}") from None
    return read(text, name, file)


def load_folder(folder: Path) -> list[Scenario]:
    """Read every scenario (*.yml) of a folder, in the order of the kinds, then by name."""
    found = [load(path) for path in sorted(Path(folder).glob("*.yml"))]
    if not found:
        raise FileNotFoundError(f"there is no scenario (*.yml) in {folder}")
    return sorted(found, key=lambda one: (list(SCENARIO_KINDS).index(one.kind), one.name))


def read(text: str, name: str = "scenario", file: str = "") -> Scenario:
    """Read one scenario from YAML text; `file` is named in errors. Raises ScenarioError."""
    file = file or f"{name}.yml"
    content = _content(text, file)
    refuse_unknown(content, _KEYS, f"{file}: ")
    kind = content.get("kind")
    if kind is None:
        raise ScenarioError(f"{file}: kind: is missing; known: {', '.join(SCENARIO_KINDS)}")
    if kind not in SCENARIO_KINDS:
        raise ScenarioError(
            f"{file}: kind: {kind!r} is unknown; {did_you_mean(kind, (*SCENARIO_KINDS,))}"
        )
    rule, level = SCENARIO_KINDS[kind], _level(content, kind, file)
    scenario = Scenario(
        name=name,
        title=_title(content.get("title", name), file),
        kind=kind,
        indicator=_indicator(content, rule, file),
        level=level,
        only=_only(content.get("only"), level, file),
        origin=_day(content, "origin", file),
        date=_day(content, "date", file),
        parameters=read_parameters(
            content.get("parameters"), rule.parameters, f"{file}: parameters"
        ),
        supported_share=_supported(content, file),
        file=file,
    )
    if scenario.origin is not None and scenario.date is not None:
        scenario.check_dates(scenario.origin, scenario.date)
    rule.check(scenario.parameters, f"{file}: parameters")
    return scenario


def _content(text: str, file: str) -> Mapping[str, Any]:
    try:
        content = yaml.load(text, Loader=_OneOfEach)
    except ScenarioError as twice:
        raise ScenarioError(f"{file}: {twice}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScenarioError(f"{file}: is not YAML that can be read: {error}") from None
    if not isinstance(content, Mapping):
        raise ScenarioError(f"{file}: expected 'key: value' lines such as 'kind: hold_last'")
    return content


class _OneOfEach(yaml.SafeLoader):
    """Builds plain values only, and refuses aliases and keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value:
            name, line = self.construct_object(key), key.start_mark.line + 1
            if not isinstance(name, str):
                raise ScenarioError(f"{name!r} is no key, line {line}")
            if name in seen:
                raise ScenarioError(f"{name}: stands twice, line {line}")
            seen.add(name)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ScenarioError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def _title(value: Any, file: str) -> dict[str, str]:
    if isinstance(value, str):
        return {"en": value, "vi": value}
    if not isinstance(value, Mapping) or set(value) != {"en", "vi"}:
        raise ScenarioError(f"{file}: title: give a text, or one under en and one under vi")
    return {language: str(text) for language, text in value.items()}


def _indicator(content: Mapping[str, Any], rule: Kind, file: str) -> str:
    value = content.get("indicator", rule.indicators[0] if rule.indicators else "hi_coverage")
    allowed = rule.indicators or tuple(FAMILY)
    if value not in allowed:
        raise ScenarioError(f"{file}: indicator: {value!r}: {did_you_mean(value, allowed)}")
    return str(value)


def _level(content: Mapping[str, Any], kind: str, file: str) -> str:
    value, rule = content.get("level", "province_63"), SCENARIO_KINDS[kind]
    if value not in geography.LEVELS:
        raise ScenarioError(f"{file}: level: {value!r}: {did_you_mean(value, geography.LEVELS)}")
    if rule.provinces_only and value != "province_63":
        raise ScenarioError(f"{file}: level: {kind} works on provinces (province_63) only")
    return str(value)


def _only(value: Any, level: str, file: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ScenarioError(f"{file}: only: expected a list of codes such as ['83', '14']")
    for code in value:
        if not isinstance(code, str):
            raise ScenarioError(f"{file}: only: {code!r} is not text; put codes in quotes")
        if code not in geography.codes(level):
            raise ScenarioError(f"{file}: only: {code!r} is no unit of the level {level}")
    return tuple(value)


def _day(content: Mapping[str, Any], key: str, file: str) -> pd.Timestamp | None:
    return scenario_date(content[key], f"{file}: {key}") if key in content else None


def _supported(content: Mapping[str, Any], file: str) -> Range | None:
    if "supported_share" not in content:
        return None
    value: Range = _SHARE.read(content["supported_share"], f"{file}: supported_share")
    return value
