"""A notebook's cells in this very process (进程内执行): IPython's kernel shell without a kernel around it.

The shell, its display hook and its publisher are ipykernel's own; only the socket behind them is replaced by a list. So the outputs are those of a plain
kernel, figures of pyplot included. Meant for a process that has just been copied for this one notebook and ends with it: nothing is put back.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["language_info", "run_cells"]

#: What a kernel that nobody types to says of itself when a cell asks for input.
_NO_INPUT = "raw_input was called, but this frontend does not support input requests."

Tell = Callable[[dict[str, Any]], None]


def run_cells(cells: Sequence[tuple[int, str, tuple[str, ...]]], tell: Tell) -> None:
    """Run code cells one after the other until one fails (逐个运行单元).

    ``cells``: number of the cell in the notebook, its source, its tags. ``tell`` is told ``{"started": number}`` before each cell and
    ``{"number", "outputs", "execution_count", "changed", "error"}`` after it; ``changed`` has outputs of earlier cells that the cell altered. A cell that is
    tagged ``raises-exception`` may fail without ending the notebook, as nbclient has it.
    """
    page = _Page()
    shell = _make_shell(page)
    for number, source, tags in cells:
        tell({"started": number})
        outputs = page.begin(number)
        if not source.strip():  # nbclient passes over a cell without code
            tell({"number": number, "outputs": [], "execution_count": None, "changed": {}, "error": False})
            continue
        count = shell.execution_count
        result = shell.run_cell(source, store_history=True, silent=False)
        page.flush()
        failed = not result.success and "raises-exception" not in tags
        tell({"number": number, "outputs": outputs, "execution_count": count, "changed": page.changed(), "error": failed})
        if failed:
            return


def language_info() -> dict[str, Any]:
    """What a Python kernel writes into a notebook about its language (语言信息)."""
    from ipykernel.ipkernel import IPythonKernel

    return dict(IPythonKernel.language_info)


class _Page:
    """The outputs of all cells, as messages of a kernel would have left them."""

    def __init__(self) -> None:
        self.outputs: dict[int, list[dict[str, Any]]] = {}
        self._named: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self._now = 0
        self._clear = False
        self._touched: set[int] = set()

    def begin(self, number: int) -> list[dict[str, Any]]:
        self._now, self._clear, self._touched = number, False, set()
        self.outputs[number] = []
        return self.outputs[number]

    def flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()

    def changed(self) -> dict[int, list[dict[str, Any]]]:
        return {number: self.outputs[number] for number in self._touched - {self._now}}

    def stream(self, name: str, text: str) -> None:
        """Text printed; what follows on the same stream continues it."""
        outputs = self._ready()
        if outputs and outputs[-1]["output_type"] == "stream" and outputs[-1]["name"] == name:
            outputs[-1]["text"] += text
        else:
            outputs.append({"output_type": "stream", "name": name, "text": text})

    def message(self, kind: str, content: dict[str, Any]) -> None:
        """One message of the shell, as nbclient would have understood it."""
        if kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._ready()
            return
        display_id = (content.get("transient") or {}).get("display_id")
        if kind == "update_display_data":
            for number, output in self._named.get(display_id, []):
                output["data"], output["metadata"] = content["data"], content["metadata"]
                self._touched.add(number)
            return
        output = {"output_type": kind} | {key: value for key, value in content.items() if key != "transient"}
        if kind == "error":
            output["traceback"] = list(content["traceback"])
        self._ready().append(output)
        if display_id:
            self._named.setdefault(display_id, []).append((self._now, output))

    def _ready(self) -> list[dict[str, Any]]:
        outputs = self.outputs[self._now]
        if self._clear:
            outputs.clear()
            self._clear = False
        return outputs


class _Session:
    """Stands where the shell expects its messages to be sent to a socket."""

    def __init__(self, page: _Page) -> None:
        self._page = page

    def msg(self, kind: str, content: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        return {"header": {"msg_type": kind}, "msg_type": kind, "content": content or {}, "parent_header": {}, "metadata": {}}

    def send(self, stream: Any, message: Any, content: dict[str, Any] | None = None, *rest: Any, **more: Any) -> None:
        kind, content = (message["msg_type"], message["content"]) if isinstance(message, dict) else (message, content or {})
        self._page.message(kind, dict(content))


class _Stream(io.TextIOBase):
    """Standard output or error of the notebook."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, page: _Page, name: str) -> None:
        super().__init__()
        self._page, self.name = page, f"<{name}>"
        self._kind = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if text:
            self._page.stream(self._kind, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


def _make_shell(page: _Page) -> Any:
    from ipykernel.zmqshell import ZMQInteractiveShell
    from traitlets import Any as AnyTrait
    from traitlets import Type
    from traitlets.config import Config

    class Hook(_base(ZMQInteractiveShell, "displayhook_class")):  # type: ignore[misc]
        session = AnyTrait()

    class Publisher(_base(ZMQInteractiveShell, "display_pub_class")):  # type: ignore[misc]
        session = AnyTrait()

    class Shell(ZMQInteractiveShell):
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)

        def enable_gui(self, gui: Any = None) -> None:
            """There is no event loop to join."""

    config = Config()
    config.HistoryManager.enabled = False
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    sys.stdout, sys.stderr = _Stream(page, "stdout"), _Stream(page, "stderr")
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  ends with the process
    shell = Shell.instance(config=config, user_ns={})
    session = _Session(page)
    for part in (shell.displayhook, shell.display_pub):
        part.session, part.pub_socket = session, None
    shell.displayhook.topic = None
    builtins.input = _no_input
    return shell


def _base(shell: Any, name: str) -> Any:
    return shell.class_traits()[name].default_value or getattr(shell, name).klass


def _no_input(*words: Any) -> str:
    from IPython.core.error import StdinNotImplementedError

    raise StdinNotImplementedError(_NO_INPUT)
