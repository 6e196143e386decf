"""The analyst's room (分析): JupyterLab on the notebooks, with the newest quarter."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

import linwu_stats
from linwu_stats.cli.shell import newest_quarter, plain_errors

__all__ = ["lab"]


@click.command()
@click.argument("quarter", required=False)
@click.option("--no-browser", is_flag=True, help="Do not open a browser; the address is printed (不打开浏览器).")
@click.option("--port", type=click.IntRange(1024, 65535), default=None, help="Port of this machine (端口).")
@click.pass_obj
@plain_errors
def lab(home: Path | None, quarter: str | None, no_browser: bool, port: int | None) -> None:
    """Open JupyterLab on the notebooks with a QUARTER, by default the newest (打开 JupyterLab 分析).

    In a notebook or console: q = linwu_stats.open_quarter("2018Q1"), then q. and the Tab key. What is changed in a notebook is in the next run.
    """
    from linwu_stats.publish.plan import notebooks_folder
    from linwu_stats.quarter import find_home, make_quarter

    if importlib.util.find_spec("jupyterlab") is None:
        raise click.ClickException(_install_advice())
    root = find_home(home)
    q = make_quarter(quarter or newest_quarter(root), root, progress=lambda text: click.echo(text, err=True))
    folder = notebooks_folder(root)
    click.echo(f"笔记本：{folder}")
    click.echo(f'先写 import linwu_stats; q = linwu_stats.open_quarter("{q.quarter}")，再输入 q. 按 Tab 键看数据表；q.show("household_income") 看中文表头。')
    county = q.rules.value("area.county")["code"]
    click.echo(f'参数单元的 quarter = None 即 {q.quarter}；地区代码自己填，如 area = "{county}"。结束请按 Ctrl+C。')
    with tempfile.TemporaryDirectory(prefix="linwu-lab-") as kernels:
        environment = lab_environment(Path(kernels), root, q.quarter)
        sys.exit(subprocess.call(lab_command(folder, no_browser=no_browser, port=port), env=environment))


def lab_command(folder: Path, *, no_browser: bool = False, port: int | None = None) -> list[str]:
    """The call of JupyterLab (启动命令) by this very Python, on ``folder``, for this machine alone."""
    first = "county.ipynb" if (folder / "county.ipynb").is_file() else ""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1", f"--LabApp.default_url=/lab/tree/{first}"]
    if getattr(os, "geteuid", lambda: 1)() == 0:  # in a container; the server listens on this machine alone and asks for its token
        command.append("--ServerApp.allow_root=True")
    return command + (["--no-browser"] if no_browser else []) + ([f"--ServerApp.port={port}"] if port else [])


def lab_environment(kernels: Path, root: Path, quarter: str) -> dict[str, str]:
    """Environment of JupyterLab (环境变量): a kernel python3 that is this Python, whatever others the user has, and the workspace and quarter to open."""
    folder = kernels / "kernels" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": f"linwu_stats {quarter}", "language": "python",
        "metadata": {"debugger": True},
    }
    (folder / "kernel.json").write_text(json.dumps(spec, ensure_ascii=False, indent=1), encoding="utf-8")
    path = os.pathsep.join(part for part in (str(kernels), os.environ.get("JUPYTER_PATH", "")) if part)
    return dict(os.environ, JUPYTER_PATH=path, LINWU_HOME=str(root), LINWU_QUARTER=quarter, PYTHONUTF8="1")


def _install_advice() -> str:
    checkout = Path(linwu_stats.__file__).resolve().parents[1]
    if (checkout / "run.py").is_file():
        return (
            "没有安装 JupyterLab：在程序文件夹中运行 python3 run.py lab (Windows: py run.py lab) 会自动安装；或用 pip install \"linwu_stats[lab]\"。"
            "不能上网时，在联网的机器上运行 run.py wheelhouse --lab，拷来 wheelhouse 后运行 run.py lab --offline。 (JupyterLab is not installed)"
        )
    return '没有安装 JupyterLab：请运行 pip install "linwu_stats[lab]"；不能上网时加 --no-index --find-links wheelhouse。 (JupyterLab is not installed)'
