"""The cells of a notebook, run in this very process (进程内运行单元).

The shell is ipykernel's own, so that a cell says what it says in JupyterLab; only its messages go to a list instead of a socket. It is for a process that
runs one notebook and ends: :mod:`linwu_stats.publish.zygote` forks one for each page. Nothing of papermill is imported here.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import platform
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from jupyter_client.session import Session
from nbformat.v4 import output_from_msg
from traitlets import Any as AnyTrait

__all__ = ["LANGUAGE", "CellRunner", "make_shell"]

#: What a kernel says of itself, as nbclient writes it into the notebook.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python", "name": "python",
    "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": platform.python_version(),
}

_SKIPPED, _MAY_RAISE = "skip-execution", "raises-exception"


class _Messages(Session):
    """A session that hands each message to ``listener(kind, content)`` instead of sending it."""

    listener = AnyTrait(None, allow_none=True)

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Take a message as ipykernel's shell sends it."""
        if isinstance(msg_or_type, Mapping):
            kind, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
        else:
            kind = msg_or_type
        if self.listener is not None:
            self.listener(kind, content)
        return None


class _Shell(ZMQInteractiveShell):
    def ask_exit(self) -> None:
        """``exit`` in a cell ends nothing: there is no kernel to end, and the next cells run as they do under papermill."""


class _Stream(io.TextIOBase):
    """Standard output or error of a notebook, as text and, for programs that it starts, as a file."""

    encoding = "UTF-8"  # type: ignore[assignment]

    def __init__(self, name: str, number: int, listener: Any):
        self._name, self._number, self._listener = name, number, listener
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        self._seen = 0
        os.dup2(self._file.fileno(), number)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if text:
            self._listener("stream", {"name": self._name, "text": text})
        return len(text)

    def flush(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size > self._seen:
            text = os.pread(self._file.fileno(), size - self._seen, self._seen).decode("utf-8", errors="replace")
            self._seen = size
            self._listener("stream", {"name": self._name, "text": text})

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


def make_shell() -> Any:
    """The shell of one notebook (交互环境), nothing run in it yet; of the user's profile and history nothing is read or written."""
    from traitlets.config import Config

    if _Shell.initialized():
        return _Shell.instance()
    config = Config()
    config.HistoryManager.enabled = False
    session = _Messages(key=b"")
    shell = _Shell.instance(config=config, compiler_class=XCachingCompiler, user_ns={}, profile_dir=None)
    for publisher in (shell.displayhook, shell.display_pub):
        publisher.session, publisher.pub_socket = session, None
    shell.linwu_session = session
    return shell


class CellRunner:
    """Runs the cells of one notebook and keeps what they show (逐单元运行), as nbclient would write it.

    ``cells``: the notebook's own cells, changed in place: outputs and execution count.
    """

    def __init__(self, cells: list[Any], shell: Any = None):
        self._cells, self._shell = cells, shell if shell is not None else make_shell()
        self._outputs: list[Any] = []
        self._clear_first = False
        self._shown: dict[str, list[tuple[list[Any], Any]]] = {}
        self._error: dict[str, Any] | None = None
        self._rewrote = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Put the shell in the place of the terminal while cells run."""
        random.seed()
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()
        self._shell.linwu_session.listener = self._take
        sys.stdout, sys.stderr = (_Stream(name, number, self._take) for name, number in (("stdout", 1), ("stderr", 2)))
        builtins.input = _no_input  # type: ignore[assignment]
        sys.argv = ["ipykernel_launcher.py"]
        if "" not in sys.path and not sys.flags.safe_path:
            sys.path.insert(0, "")
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()

    def run(self, index: int) -> dict[str, Any] | None:
        """Run one cell; gives ename, evalue and traceback where it failed and may not, else None."""
        cell = self._cells[index]
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or _SKIPPED in tags:
            return None
        self._outputs, self._clear_first, self._error, self._rewrote = [], False, None, False
        cell.outputs, cell.execution_count = self._outputs, self._shell.execution_count
        result = self._shell.run_cell(cell.source, store_history=True, cell_id=cell.get("id"))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if result.success or _MAY_RAISE in tags:
            return None
        failed = result.error_before_exec or result.error_in_exec
        return self._error or {"ename": type(failed).__name__, "evalue": str(failed), "traceback": []}

    def rewrote_earlier(self) -> bool:
        """Whether the last cell changed what an earlier one shows (更新了前面的输出)."""
        return self._rewrote

    def _take(self, kind: str, content: Any) -> None:
        """One message of the shell, as nbclient's ``process_message`` takes it."""
        if kind == "clear_output":
            self._clear_first = bool(content.get("wait"))
            if not self._clear_first:
                del self._outputs[:]
            return
        name = (content.get("transient") or {}).get("display_id")
        if name is not None and kind in ("execute_result", "display_data", "update_display_data"):
            for outputs, output in self._shown.get(name, []):
                if any(one is output for one in outputs):
                    self._rewrote |= outputs is not self._outputs
                    output.data, output.metadata = _node(content["data"]), _node(content["metadata"])
        if kind not in ("stream", "display_data", "execute_result", "error"):
            return
        if self._clear_first:
            del self._outputs[:]
            self._clear_first = False
        if kind == "stream" and self._outputs and self._outputs[-1].output_type == "stream" and self._outputs[-1].name == content["name"]:
            self._outputs[-1].text += content["text"]
            return
        output = output_from_msg({"header": {"msg_type": kind}, "msg_type": kind, "content": content})
        self._outputs.append(output)
        if kind == "error":
            self._error = dict(content)
        if name is not None:
            self._shown.setdefault(name, []).append((self._outputs, output))


def _node(value: Any) -> Any:
    from nbformat import from_dict

    return from_dict(value)


def _no_input(prompt: str = "") -> str:
    from IPython.core.error import StdinNotImplementedError

    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")
