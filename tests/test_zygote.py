"""The process that is copied for each page, without any page: what it must stand (预热进程)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from linwu_stats.publish import zygote

#: A nursery whose system tells of the end of children before it tells of their last words, and tells of both at once.
_SCRIPT = """
import os, selectors, time
from linwu_stats.publish import zygote

class EndFirst(selectors.DefaultSelector):
    def select(self, timeout=None):
        super().select(timeout)
        time.sleep(0.2)
        return sorted(super().select(0), key=lambda event: -1 if event[0].data is None else event[0].fd)

zygote.selectors.DefaultSelector = EndFirst
zygote._Nursery(zygote._Lines(0), os.dup(1)).serve()
"""


@pytest.mark.skipif(not zygote.can_fork(), reason="this system does not copy processes")
def test_children_that_end_while_they_are_heard_do_not_end_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    said: list[dict[str, object]] = []
    for first in (0, 2):  # the second pair gets the numbers of the pipes of the first
        for job in (first, first + 1):
            process.stdin.write(json.dumps({"job": job, "kind": "no such kind"}) + "\n")
        process.stdin.flush()
        while sum("ended" in one for one in said) < first + 2:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said.append(json.loads(line))
    process.stdin.close()
    assert process.wait(10) == 0
    assert sorted(one["job"] for one in said if "ended" in one) == [0, 1, 2, 3]
    assert sorted(one["job"] for one in said if "KeyError" in str(one.get("error"))) == [0, 1, 2, 3]
