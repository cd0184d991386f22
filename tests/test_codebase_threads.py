"""Sources are parsed by several threads at once, and by forks of a process that is parsing."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from analysis import disk_cache

SOURCE = "\n".join(f"x{i} = [(({i} + 1) * 2), 'a']" for i in range(300))


def test_threads_that_parse_at_once_all_get_their_tree():
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(disk_cache.parse, [SOURCE] * 40))
    assert {len(tree.body) for tree in trees} == {300}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_does_not_wait_for_a_thread_of_its_parent():
    with disk_cache.parse.lock:
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            os._exit(0 if disk_cache.parse("x = 1").body else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_fault_in_a_source_is_a_syntax_error():
    with pytest.raises(SyntaxError):
        disk_cache.parse("def (")
