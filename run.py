"""The commands of a fresh clone (一条命令即可运行): set up once, then reports or tests. Python 3.11 or newer is all that must be there.

    python3 run.py report           生成报告: makes the sample county if data/ has no quarter, runs the newest, prints the page to open
    python3 run.py test [...]       运行测试: the whole test suite, two at a time; further words go to pytest instead
    python3 run.py wheelhouse [...] 离线安装包: fills wheelhouse/ for machines without internet; for another kind of machine say which:
                                    --platform win_amd64 --python-version 3.12
    python3 run.py WORDS            其他命令: goes to linwu-stats, e.g. run 2018Q1, sample, explain HOUSEHOLD, rules --on 2018-03-31
    python3 run.py lab              分析: JupyterLab on the notebooks; installs it into .venv the first time (wheelhouse --lab fills it in for offline)
    --offline                       离线: installs from wheelhouse/ alone

On Windows: py run.py report. The environment is made in .venv, with uv where it is installed; package mirrors are taken from pip's settings
(PIP_INDEX_URL, pip.conf). Inside an environment that has the package nothing is installed. Exit code 4: the environment could not be made.
"""

# This file is read by Pythons as old as 3.6, so that they can say what is missing: no newer syntax, no annotations that they cannot evaluate.
import configparser
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "set-up.txt"
UNFINISHED = "unfinished"
WHEELHOUSE = ROOT / "wheelhouse"
# pip runs from its wheel: Debian's Python has neither pip nor ensurepip.
PIP = ROOT / "tools" / "pip-26.3-py3-none-any.whl" / "pip"
NEEDED = (3, 11)
SET_UP_FAILED = 4


def main(words: list) -> int:
    """Carry out one command (执行一条命令): the words after run.py in, the exit code out (on POSIX it is the command's own process)."""
    if sys.version_info < NEEDED:
        return start_again_with_newer_python()
    offline = "--offline" in words
    words = [word for word in words if word != "--offline"]
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.reconfigure(errors="replace")
        print(__doc__)
        return 0
    if words[0] == "wheelhouse":
        return fill_wheelhouse(words[1:])
    test = words[0] == "test"
    if has_package(test):
        python = sys.executable
    elif is_set_up() or set_up(offline):
        python = str(PYTHON)
    else:
        return SET_UP_FAILED
    if words[0] == "lab" and python == str(PYTHON) and subprocess.call([python, "-c", "import jupyterlab"], stderr=subprocess.DEVNULL):
        say("正在安装 JupyterLab（只需一次）……", "Installing JupyterLab (once) ...")
        if not install(offline, "lab"):
            return SET_UP_FAILED
    settings = {"MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "MPLCONFIGDIR": str(ROOT / ".cache" / "matplotlib")}
    environment = dict(settings, **dict(os.environ, PYTHONUTF8="1"))
    tests = words[1:] or ["-n", "2"]
    return become([python, "-m", *(["pytest", *tests] if test else ["linwu_stats.cli", *words])], environment)


def say(chinese: str, english: str) -> None:
    """Tell the person at the terminal, in both languages (双语提示); stderr shows what its encoding lacks as escapes."""
    print(f"{chinese}\n{english}", file=sys.stderr, flush=True)


def start_again_with_newer_python() -> int:
    """Hand over to a newer Python that is installed beside this one (换用新版 Python), or say in one sentence that there is none."""
    names = ["py", *(f"python3.{minor}" for minor in range(19, NEEDED[1] - 1, -1)), "python3", "python"]
    probe = f"import sys; sys.exit(sys.version_info < {NEEDED})"
    for command in ([shutil.which(name)] + ["-3"] * (name == "py") for name in names if shutil.which(name)):
        if subprocess.call([*command, "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
            return become([*command, str(ROOT / "run.py"), *sys.argv[1:]], dict(os.environ))
    has = ".".join(map(str, sys.version_info[:3]))
    needs = ".".join(map(str, NEEDED))
    say(
        f"需要 Python {needs} 或更新版本，本机只有 {has}：请先安装新版 Python，再运行同一条命令。",
        f"Python {needs} or newer is needed and only {has} is here: install a newer Python, then run the same command again.",
    )
    return SET_UP_FAILED


def become(command: list, environment: dict) -> int:
    """Run the command in this process's place (转入目标程序), in the checkout's folder; on Windows as a child whose exit code is passed on."""
    sys.stdout.flush()
    os.chdir(str(ROOT))
    if os.name != "nt":
        os.execve(command[0], command, environment)
    try:
        return subprocess.call(command, env=environment)
    except KeyboardInterrupt:
        return 130


def has_package(test: bool) -> bool:
    """Whether this very Python has the package and all that it needs (当前环境已可用), ``test`` extra included where tests are to run.

    A .venv that this file made goes by its stamp instead.
    """
    if Path(sys.prefix) == VENV and STAMP.is_file():
        return False
    places = [Path(place) for place in sys.path if place and Path(place) != ROOT]
    if not any(list(place.glob("linwu_stats-*.dist-info")) for place in places):
        return False
    from importlib.metadata import PackageNotFoundError, version  # 30 ms, seldom needed

    declared = configparser.ConfigParser(interpolation=None)
    declared.read(str(ROOT / "setup.cfg"), encoding="utf-8")
    needs = declared["options"]["install_requires"] + (declared["options.extras_require"]["test"] if test else "")
    for name, least in re.findall(r"^\s*([\w.-]+) *>= *([\d.]+)", needs, re.MULTILINE):
        try:
            has = [int(part) for part in re.findall(r"\d+", version(name))]
        except PackageNotFoundError:
            return False
        if has < [int(part) for part in least.split(".")]:
            return False
    return True


def fingerprint() -> str:
    """Hash of all that decides what .venv must hold (环境指纹): the declared and pinned dependencies, its Python, the folder's place."""
    files = [ROOT / "setup.cfg", ROOT / "pyproject.toml", ROOT / "constraints.txt", VENV / "pyvenv.cfg"]
    parts = [file.read_bytes() for file in files] + [os.fsencode(str(PYTHON.resolve())), os.fsencode(str(ROOT))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_set_up() -> bool:
    """Whether .venv is whole and up to date (环境完好且最新)."""
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == fingerprint()


def set_up(offline: bool) -> bool:
    """Make .venv, or bring it up to date (建立或更新环境); what was left unfinished or does not start is made anew. The stamp comes last."""
    if offline and not any(WHEELHOUSE.glob("*.whl")):
        say(
            "离线安装需要 wheelhouse 文件夹：请在联网的机器上运行 run.py wheelhouse，再把该文件夹复制到 run.py 旁边。",
            "--offline needs the folder wheelhouse: run 'run.py wheelhouse' on a connected machine and copy the folder beside run.py.",
        )
        return False
    say("正在准备运行环境 .venv（只需一次）……", "Setting up the environment .venv (once) ...")
    try:
        if VENV.exists() and ((STAMP.is_file() and STAMP.read_text(encoding="utf-8") == UNFINISHED) or not starts(PYTHON)):
            shutil.rmtree(str(VENV))
        VENV.mkdir(exist_ok=True)
        STAMP.write_text(UNFINISHED, encoding="utf-8")
    except OSError as error:
        say(f"无法写入环境文件夹（{error}）：请关闭正在使用它的程序，并检查权限。", f"Cannot write to .venv ({error}): close what uses it, check your rights.")
        return False
    # Without pip: venv's own way to bring it fails where ensurepip is missing.
    if not starts(PYTHON) and subprocess.call([getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--without-pip", str(VENV)]):
        say("无法建立虚拟环境：请安装 Python 的 venv 模块。", "The virtual environment cannot be made: install Python's venv module.")
        return False
    if not install(offline):
        return False
    STAMP.write_text(fingerprint(), encoding="utf-8")
    return True


def starts(python: Path) -> bool:
    """Whether this is a Python that starts and is new enough (解释器可用)."""
    try:
        return subprocess.call([str(python), "-c", f"import sys; sys.exit(sys.version_info < {NEEDED})"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(offline: bool, extra: str = "test") -> bool:
    """Install the package, editable, with its pinned dependencies and those of ``extra`` into .venv (安装依赖), by uv or else by pip."""
    uv = shutil.which("uv")
    command = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), str(PIP), "install"]
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", PYTHONUTF8="1")
    if offline:
        command += ["--no-index", "--find-links", WHEELHOUSE.name]
        environment.update(PIP_CONFIG_FILE=os.devnull, UV_NO_CONFIG="1", UV_OFFLINE="1")
        environment = {name: value for name, value in environment.items() if not re.match("(PIP|UV)_(FIND_LINKS|.*INDEX)", name)}
    else:
        for name, setting in (("UV_DEFAULT_INDEX", "index-url"), ("SSL_CERT_FILE", "cert")):
            if pip_setting(setting):
                environment.setdefault(name, pip_setting(setting))
    if subprocess.call([*command, "-c", "constraints.txt", "-e", f".[{extra}]"], cwd=str(ROOT), env=environment) == 0:
        return True
    if offline:
        have = {tuple(re.split("[-_.]+", file.name.lower())) for file in WHEELHOUSE.glob("*.whl")}
        lacking = [pin for pin, marker in pins() if not marker and not any(file[: len(pin_parts(pin))] == pin_parts(pin) for file in have)]
        what = ", ".join(lacking) or f"wheels for Python {sys.version_info[0]}.{sys.version_info[1]} on {sys.platform}"
        say(
            f"wheelhouse 不完整，缺少：{what}；请在联网的机器上用 run.py wheelhouse 重新下载。",
            f"The wheelhouse is incomplete, it lacks {what}: fill it again with 'run.py wheelhouse' on a connected machine.",
        )
    else:
        say(
            "安装依赖失败（原因见上）：请检查网络，或用 PIP_INDEX_URL 指定镜像，或用 --offline 离线安装。",
            "The dependencies could not be installed (see above): check the network, name a mirror in PIP_INDEX_URL, or use --offline.",
        )
    return False


def pip_setting(name: str) -> str:
    """One of pip's settings (pip 的镜像等设置), from the environment or its files, for uv, which does not read them; '' if there is none."""
    home = Path.home()
    places = [Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf", home / "Library/Application Support/pip/pip.conf"]
    places += [Path(os.environ[folder]) / "pip/pip.ini" for folder in ("PROGRAMDATA", "APPDATA") if folder in os.environ]
    files = configparser.ConfigParser(interpolation=None, strict=False)
    files.read([str(place) for place in [*places, os.environ.get("PIP_CONFIG_FILE", os.devnull)]], encoding="utf-8")
    return os.environ.get("PIP_" + name.upper().replace("-", "_")) or files.get("global", name, fallback="")


def pins() -> list:
    """The lines of constraints.txt (锁定的版本) as pairs: 'name==version', its environment marker or ''."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(part.strip() for part in (line + ";").split(";")[:2]) for line in lines if line and not line.startswith("#")]


def pin_parts(pin: str) -> tuple:
    """'name==version' in pieces (名称与版本的各段), as they stand at the beginning of a wheel's file name."""
    return tuple(re.split("[-_.=]+", pin.lower()))


def fill_wheelhouse(options: list) -> int:
    """Download a wheel of every pin (下载离线安装包), whatever its marker, so that one folder serves; ``--lab`` adds JupyterLab's, others go to pip."""
    lab = "--lab" in options
    options = ["--only-binary=:all:", "--dest", WHEELHOUSE.name, *(option for option in options if option != "--lab")]
    command = [sys.executable, str(PIP), "download", *options]
    wanted = [["--no-deps", *(pin for pin, _ in pins())], *([["-c", "constraints.txt", "jupyterlab>=4"]] if lab else [])]
    if any(subprocess.call([*command, *words], cwd=str(ROOT)) for words in wanted):
        say("下载未完成（原因见上）：请检查网络后重试。", "The wheelhouse could not be filled (see above): check the network and try again.")
        return SET_UP_FAILED
    wheels = list(WHEELHOUSE.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels) // 10**6
    say(f"wheelhouse 已就绪：{len(wheels)} 个安装包，{size} MB。", f"The wheelhouse is ready: {len(wheels)} wheels, {size} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
