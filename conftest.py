"""What all tests share: repeatable property tests, slow tests on demand, notebooks in order."""

import os

import notebook_order
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fuzz", settings.get_profile("repeatable"), max_examples=2000)
settings.load_profile("fuzz" if os.environ.get("ANALYSIS_FUZZ") else "repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, and only them")


def pytest_configure(config: pytest.Config) -> None:
    # A plugin: its hooks lie beside the tests, and this file beside the notebooks that they check.
    config.pluginmanager.register(notebook_order, "notebook_order")
    notebook_order.make_folder_for_tables(config)
    notebook_order.ignore_what_editors_write(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    notebook_order.remove_folder_for_tables(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--slow")
    other = [item for item in items if bool(item.get_closest_marker("slow")) != wanted]
    if other:
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in set(other)]
    notebook_order.arrange(items)
