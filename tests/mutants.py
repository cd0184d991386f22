"""Would the tests notice if a line of a module meant something else? (`make mutate`)

A mutant is the module with one small change: a sign, a number, a comparison, an argument left
out. The operators are those of mutmut, and a few that swap words of tables (the first for the
last, the greatest for the least). Mutmut itself changes no constants and no cached properties, and
begins with a run of the whole suite, which takes an hour; here the tests that know the module are
collected once, and for each mutant a forked process runs only those that execute the changed line,
the fastest first, until one fails.

`mutants.yml` names the tests of each module, and the mutants that no test can tell from the
original, each with its reason. An example:

    .venv/bin/python tests/mutants.py readings.targets forecast.known

The exit status is 1 when one in ten or more of the mutants of a module is left, apart from those
explained.
"""

from __future__ import annotations
import __future__

import argparse
import ast
import contextlib
import importlib
import os
import pickle
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import libcst as cst
import pytest
import yaml
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_assignment, operator_string

TESTS = Path(__file__).parent
LEFT = 0.1
#: A mutant that takes so many times as long as its tests do otherwise never ends.
PATIENCE, GRACE = 5, 20
#: Tests that take longer (seconds) do not try mutants; a quick one should notice too.
SLOW = 5.0
#: Words that mean the opposite where tables are grouped, sorted and asked.
OPPOSITES = {
    "min": "max", "first": "last", "any": "all", "head": "tail", "cummax": "cummin",
    "fmin": "fmax", "minimum": "maximum", "backward": "forward", "left": "right",
    "left_only": "right_only", "isna": "notna", "idxmin": "idxmax", "ffill": "bfill",
    "floor": "ceil", "sum": "mean", "start": "end", "nlargest": "nsmallest",
}  # fmt: skip
OPPOSITES |= {word: own for own, word in OPPOSITES.items()}


@dataclass(frozen=True)
class Mutant:
    """One change. statement: the changed statement of the module; begin: where that stands.

    old, new: the changed lines; first, last: where they stand.
    """

    statement: str
    begin: int
    old: str
    new: str
    first: int
    last: int

    @property
    def text(self) -> str:
        """How mutants.yml names it, wherever the line stands."""
        return f"{self.old} -> {self.new}"


# --------------------------------------------------------------------------------------------------
# Make mutants of a module's source.
# --------------------------------------------------------------------------------------------------


def _opposite(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Attribute) and node.attr.value in OPPOSITES:
        yield node.with_changes(attr=cst.Name(OPPOSITES[node.attr.value]))
    called = node.func if isinstance(node, cst.Call) else None
    if isinstance(called, cst.Name) and called.value in ("min", "max", "any", "all"):
        yield node.with_changes(func=cst.Name(OPPOSITES[called.value]))
    if isinstance(node, cst.SimpleString) and node.raw_value in OPPOSITES:
        yield node.with_changes(value=f'"{OPPOSITES[node.raw_value]}"')


#: A change there means nothing to a test: types, decorators, imports, words of errors.
_SILENT = (cst.Annotation, cst.Decorator, cst.Raise, cst.Import, cst.ImportFrom)


def _nodes(node: cst.CSTNode, compared: bool = False) -> Iterator[tuple[cst.CSTNode, bool]]:
    """The nodes that may be changed, and whether each is compared with something."""
    words = isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString)
    if words or isinstance(node, _SILENT):
        return
    yield node, compared
    for child in node.children:
        yield from _nodes(child, isinstance(node, cst.Comparison | cst.ComparisonTarget))


def _changes(node: cst.CSTNode, compared: bool) -> Iterator[list[cst.CSTNode]]:
    """What each operator can make of a node, without changes that end in an error at once.

    Most words are names of columns, and nothing goes on with a table that is None: any test would
    notice, and the share of mutants left would look smaller than it is.
    """
    for kind, operator in [*mutation_operators, (cst.CSTNode, _opposite)]:
        if operator is operator_assignment or (operator is operator_string and not compared):
            continue
        options = list(operator(node)) if isinstance(node, kind) else []
        if options:
            yield options


def mutants(source: str, most: int, seed: int, line: int | None = None) -> list[Mutant]:
    """At most `most` mutants of a module, drawn at random: one for each place and operator.

    line: only those of this line.
    """
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    places = wrapper.resolve(PositionProvider)
    draw = random.Random(seed)
    found = [
        (statement, node, draw.choice(options))
        for statement in wrapper.module.body
        for node, compared in _nodes(statement)
        for options in _changes(node, compared)
    ]
    if line is not None:
        found = [
            one for one in found if places[one[1]].start.line <= line <= places[one[1]].end.line
        ]
    chosen = draw.sample(found, most) if len(found) > most else found
    made = [_mutant(wrapper.module, places, *one) for one in chosen]
    return sorted((one for one in made if one), key=lambda one: (one.first, one.text))


def unchanged(source: str) -> list[Mutant]:
    """Each definition of a module as it is: what the tests must pass before any is changed."""
    lines = source.splitlines()
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return [
        Mutant("\n".join(lines[begin - 1 : one.end_lineno]), begin, "", "", begin, begin)
        for one in ast.parse(source).body
        if isinstance(one, kinds)
        for begin in [min([one.lineno, *(d.lineno for d in getattr(one, "decorator_list", []))])]
    ]


def _mutant(
    module: cst.Module, places: Any, statement: cst.CSTNode, old: cst.CSTNode, new: cst.CSTNode
) -> Mutant | None:
    def text(node: cst.CSTNode) -> str:
        return module.code_for_node(node.with_changes(leading_lines=()))

    before, after = text(statement), text(statement.deep_replace(old, new))  # type: ignore
    try:
        ast.parse(after)
    except SyntaxError:
        return None
    begin = places[statement].start.line
    if decorators := getattr(statement, "decorators", ()):
        begin = places[decorators[0]].start.line
    first, last = places[old].start.line, places[old].end.line
    was, now = before.splitlines(), after.splitlines()
    end = last - begin + 1 + len(now) - len(was)
    short = [" ".join(" ".join(part).split()) for part in
             (was[first - begin : last - begin + 1], now[first - begin : end])]  # fmt: skip
    return Mutant(after, begin, short[0], short[1], first, last)


# --------------------------------------------------------------------------------------------------
# Put a mutant in the place of the module that everything has imported already.
# --------------------------------------------------------------------------------------------------


def install(module: ModuleType, mutant: Mutant) -> None:
    """Change the statement of the module that holds the mutant, wherever it is used.

    Functions keep their identity and get other code; a constant is exchanged in every module that
    has imported it. What was computed from a constant at import stays as it was.
    """
    tree = ast.increment_lineno(ast.parse(mutant.statement), mutant.begin - 1)
    later = getattr(module, "annotations", None) is __future__.annotations
    flags = __future__.annotations.compiler_flag if later else 0
    code = compile(tree, str(module.__file__), "exec", flags=flags, dont_inherit=True)
    made: dict[str, Any] = {}
    exec(code, module.__dict__, made)
    for name, new in made.items():
        old = module.__dict__[name]
        if _plain(old) is not None:
            _exchange_code(old, new)
        elif isinstance(old, type):
            _exchange_class(old, new)
        else:
            _exchange_value(module, name, old, new)


def _plain(value: Any) -> FunctionType | None:
    """The function behind a method, a property or a cached function."""
    while value is not None and not isinstance(value, FunctionType):
        value = next(
            (getattr(value, name) for name in ("__func__", "fget", "func", "__wrapped__")
             if getattr(value, name, None) is not None), None
        )  # fmt: skip
    return value


def _exchange_code(old: Any, new: Any) -> None:
    if hasattr(old, "cache_clear"):
        old.cache_clear()
    inner, other = _plain(old), _plain(new)
    assert inner is not None and other is not None
    while hasattr(inner, "__wrapped__") and hasattr(other, "__wrapped__"):
        inner, other = inner.__wrapped__, other.__wrapped__
    inner.__code__ = other.__code__
    inner.__defaults__, inner.__kwdefaults__ = other.__defaults__, other.__kwdefaults__


def _exchange_class(old: type, new: type) -> None:
    for name, value in vars(new).items():
        if name in ("__dict__", "__weakref__"):
            continue
        if _plain(value) is not None and name in vars(old):
            try:
                _exchange_code(vars(old)[name], value)
                continue
            except ValueError:  # another number of free variables: made by a decorator
                pass
        with contextlib.suppress(AttributeError, TypeError):
            setattr(old, name, value)


def _exchange_value(module: ModuleType, name: str, old: Any, new: Any) -> None:
    for other in list(sys.modules.values()):
        if getattr(other, "__dict__", {}).get(name) is old:
            setattr(other, name, new)
    for function in vars(module).values():
        if isinstance(function, FunctionType) and function.__defaults__:
            given = function.__defaults__
            function.__defaults__ = tuple(new if one is old else one for one in given)


# --------------------------------------------------------------------------------------------------
# Run the tests, in processes that are copies of one in which everything is imported.
# --------------------------------------------------------------------------------------------------


def in_a_copy(work: Callable[[], Any], seconds: float) -> Any:
    """What `work` returns in a forked process; None where it takes longer or dies."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        answer = b""
        with contextlib.suppress(BaseException):
            answer = pickle.dumps(work())
        with os.fdopen(write, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(write)

    def stop(*_: Any) -> None:
        os.kill(child, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with os.fdopen(read, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return pickle.loads(answer) if answer else None


class Lines:
    """Which lines of one file run."""

    def __init__(self, file: str) -> None:
        self.file, self.seen = file, set[int]()
        self.codes: dict[CodeType, bool] = {}

    def __enter__(self) -> Lines:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: Any, event: str, arg: Any) -> Any:
        return self._line if frame.f_code.co_filename == self.file else None

    def _line(self, frame: Any, event: str, arg: Any) -> Any:
        self.seen.add(frame.f_lineno)
        return self._line


@dataclass
class Trial:
    """What became of a test: did it pass, how long it took, which lines of the module it ran."""

    passed: bool
    seconds: float
    lines: set[int]


class Runner:
    """A plugin of pytest: collects once, and then tries the mutants instead of the tests."""

    def __init__(self, module: ModuleType, found: list[Mutant], warm: list[list[str]]) -> None:
        self.module, self.found, self.warm = module, found, warm
        self.survivors: list[Mutant] = []
        self.failed = self.done = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # Read and computed once, before the copies are made; the module has no part in it.
        for file, name, *given in [("example_facts", "real_raw"), *self.warm]:
            getattr(importlib.import_module(file), name)(*given)
        # The cache goes by the files, which no mutant changes: it would answer for the mutants what
        # the module gave unchanged, and keep what they give as if the module had given it.
        os.environ["ANALYSIS_CACHE"] = "off"
        self.items = session.items
        if session.testsfailed or not self.items:
            raise pytest.UsageError("the tests cannot be collected")
        start = time.monotonic()
        self.trials = in_a_copy(self._try_all, 3600)
        if self.trials is None:
            raise pytest.UsageError("the tests did not come to an end without any change")
        left_out = [name for name, trial in self.trials.items() if not trial.passed]
        for name in left_out:
            print(f"  fails without any change, left out: {name}")
        for name, trial in self.trials.items():
            if trial.seconds >= SLOW:
                print(f"  takes {trial.seconds:.0f} s, left out: {name}")
        print(f"  {len(self.items)} tests, {time.monotonic() - start:.0f} s without a change")
        for mutant in self.found:
            verdict = self._verdict(mutant)
            if verdict:
                self.survivors.append(mutant)
                print(f"  line {mutant.first}: {verdict}: {mutant.text}", flush=True)
        self.done = True
        return True

    def _run(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        """Whether a test fails; one that is marked as open counts as passing when it does."""
        self.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self.failed

    def _try_all(self) -> dict[str, Trial]:
        source = Path(str(self.module.__file__)).read_text("utf-8")
        for same in unchanged(source):
            install(self.module, same)
        trials = {}
        for item, following in zip(self.items, [*self.items[1:], None], strict=True):
            start = time.process_time()
            with Lines(str(self.module.__file__)) as lines:
                failed = self._run(item, following)
            trials[item.nodeid] = Trial(not failed, time.process_time() - start, lines.seen)
        return trials

    @cached_property
    def _bodies(self) -> set[int]:
        """Lines inside functions: those that no test runs can be changed as one likes."""
        tree = ast.parse(Path(str(self.module.__file__)).read_text("utf-8"))
        return {
            line
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            for statement in node.body
            for line in range(statement.lineno, (statement.end_lineno or 0) + 1)
        }

    @cached_property
    def _statements(self) -> dict[int, tuple[int, int]]:
        """Line -> first and last line of the innermost statement there."""
        tree = ast.parse(Path(str(self.module.__file__)).read_text("utf-8"))
        spans = [(one.lineno, one.end_lineno or one.lineno) for one in ast.walk(tree)
                 if isinstance(one, ast.stmt)]  # fmt: skip
        found: dict[int, tuple[int, int]] = {}
        for first, last in sorted(spans, key=lambda span: span[0] - span[1]):
            found.update(dict.fromkeys(range(first, last + 1), (first, last)))
        return found

    def _verdict(self, mutant: Mutant) -> str:
        """Empty when a test notices; otherwise why none does."""
        able = [item for item in self.items if self.trials[item.nodeid].passed
                and self.trials[item.nodeid].seconds < SLOW]  # fmt: skip
        if mutant.first in self._bodies:
            first, last = self._statements[mutant.first]
            lines = set(range(first, last + 1))
            able = [item for item in able if lines & self.trials[item.nodeid].lines]
            if not able:
                return "no test runs the line"
        able.sort(key=lambda item: self.trials[item.nodeid].seconds)
        usual = sum(self.trials[item.nodeid].seconds for item in able)

        def survives() -> bool:
            install(self.module, mutant)
            return not any(self._run(item, None) for item in able)

        answer = in_a_copy(survives, GRACE + PATIENCE * usual)
        return f"{len(able)} tests pass" if answer else ""


def main(arguments: Iterable[str] | None = None) -> int:
    """Try the mutants of each module named; see the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given = yaml.safe_load((TESTS / "mutants.yml").read_text("utf-8"))
    parser.add_argument("names", nargs="*", help=f"of {', '.join(given)}")
    parser.add_argument("--most", type=int, default=120, help="mutants drawn from each module")
    parser.add_argument("--seed", type=int, default=1, help="which are drawn")
    parser.add_argument("--line", type=int, help="only those of this line")
    options = parser.parse_args(None if arguments is None else [*arguments])
    if unknown := sorted(set(options.names) - set(given)):
        parser.error(f"mutants.yml names no tests for {', '.join(unknown)}")
    table, names = [], options.names or list(given)
    for name in names:
        # A process for each module: what one imports and keeps is no concern of the next.
        table.append(in_a_process(name, given[name], options))
    print(f"\n{'module':32}{'mutants':>9}{'killed':>9}{'survived':>9}{'explained':>10}{'left':>7}")
    for name, (tried, survived, explained) in zip(names, table, strict=True):
        left = (survived - explained) / max(tried, 1)
        print(f"{name:32}{tried:9}{tried - survived:9}{survived:9}{explained:10}{left:7.1%}")
    return int(any(s - e >= LEFT * max(t, 1) for t, s, e in table))


def in_a_process(name: str, given: dict[str, Any], options: argparse.Namespace) -> tuple:
    """Mutants tried, those that survived, and those of them that are explained."""
    print(f"\n{name}", flush=True)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pickle.dumps(_one_module(name, given, options)))
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise SystemExit(f"{name}: the run broke off")
    return pickle.loads(answer)


def _one_module(name: str, given: dict[str, Any], options: argparse.Namespace) -> tuple:
    sys.path.insert(0, str(TESTS))
    module = importlib.import_module(f"analysis.{name}")
    source = Path(str(module.__file__)).read_text("utf-8")
    most = 10**6 if options.line else options.most
    found = mutants(source, most, options.seed, options.line)
    runner = Runner(module, found, given.get("warm") or [])
    named = [test.partition("::") for test in given["tests"]]
    files = [str(TESTS / f"test_{file}.py{mark}{test}") for file, mark, test in named]
    quiet = ["-p", "no:randomly", "-p", "no:terminal", "-p", "no:cacheprovider", "--timeout=0"]
    pytest.main([*files, *quiet], plugins=[runner])
    if not runner.done:
        raise SystemExit(f"{name}: no mutant was tried; run its tests with pytest to see why")
    reasons = {f"{one['was']} -> {one['now']}": one["why"] for one in given.get("explained") or []}
    explained = [one for one in runner.survivors if one.text in reasons]
    return len(found), len(runner.survivors), len(explained)


if __name__ == "__main__":
    sys.exit(main())
