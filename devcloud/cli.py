"""The commands of `python -m devcloud`: what they print, their exit codes. The work is done in `cloud.py`."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devcloud import tools
from devcloud.bootstrap import compile_requirements
from devcloud.cloud import EVERYTHING, Cloud, Part, Row
from devcloud.environment import Environment, clean_environment
from devcloud.failures import TAIL_LINES, DevCloudError, tail
from devcloud.paths import state_directory
from devcloud.progress import say

NOT_ALL_RUNNING = 3
MEGABYTE = 1024 * 1024


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; the exit code."""
    chosen = _parser().parse_args(arguments)
    cloud = Cloud(state_directory(), say)
    match chosen.command:
        case "up":
            return _up(cloud, frozenset(map(Part, chosen.only)) or EVERYTHING)
        case "down":
            cloud.down()
            say("nothing of the development cloud runs; its data stays")
        case "reset":
            return _reset(cloud)
        case "status":
            return _status(cloud.status())
        case "logs":
            return _logs(chosen.name, chosen.lines, follow=chosen.follow)
        case "tools":
            return _tools(chosen.names)
        case "env":
            return _environment()
        case "requirements":
            compile_requirements(say)
        case "run":
            return _run(cloud, frozenset(map(Part, chosen.only)) or EVERYTHING, chosen.program)
        case "demo":
            return _demo(chosen.directory, keep=chosen.keep)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devcloud", description="The development cloud on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="install, build and start whatever is not there yet")
    _add_only(up)
    commands.add_parser("down", help="end what up started; the data stays")
    commands.add_parser("reset", help="fresh databases and controller state; started again if it ran")
    commands.add_parser("status", help=f"what runs, where; exit code {NOT_ALL_RUNNING} when not all of it does")
    logs = commands.add_parser("logs", help="the end of every log, or of one")
    logs.add_argument("name", nargs="?", default="", help="a log's name or a part of it, such as controller")
    logs.add_argument("-n", "--lines", type=int, default=TAIL_LINES)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as the logs grow")
    built = commands.add_parser("tools", help="build the Go programs and print their paths")
    built.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(tool.name for tool in tools.ALL)}")
    commands.add_parser("requirements", help="resolve requirements/*.in anew and pin every hash")
    commands.add_parser("env", help="the variables of a shell that works on this cloud; eval the output")
    beside = commands.add_parser("run", help="start a fresh cloud, run a program against it, stop it again")
    _add_only(beside)
    beside.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM …")
    demo = commands.add_parser("demo", help="a cloud service's whole life, step by step, each step verified")
    demo.add_argument("--keep", action="store_true", help="leave everything running afterwards, to look around")
    demo.add_argument("--directory", type=Path, help="state directory (default: beside that of `make up`)")
    return parser


def _add_only(parser: argparse.ArgumentParser) -> None:
    known = ", ".join(Part)
    parser.add_argument("--only", action="append", default=[], choices=list(Part), help=f"a part: {known}; repeatable")


def _up(cloud: Cloud, parts: frozenset[Part]) -> int:
    environment = cloud.up(parts)
    say(f"the development cloud is up; its files are in {environment.directory}")
    say(f"administrator:  export KUBECONFIG={environment.kubeconfig}   (others: {environment.kubeconfig}-<persona>)")
    if Part.OPENSTACK in parts:
        say(f"OpenStack:      export OS_CLIENT_CONFIG_FILE={environment.clouds_file}")
    return 0


def _reset(cloud: Cloud) -> int:
    ran = frozenset(row.part for row in cloud.status() if row.is_running)
    cloud.reset()
    return _up(cloud, ran) if ran else 0


def _status(rows: Sequence[Row]) -> int:
    table = Table("name", "state", "pid", "url", "memory", "uptime", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.name, row.state, str(row.pid or ""), row.url, _memory(row), _uptime(row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0 if all(row.is_running for row in rows) else NOT_ALL_RUNNING


def _memory(row: Row) -> str:
    return "" if row.memory_bytes is None else f"{row.memory_bytes / MEGABYTE:.0f} MB"


def _uptime(row: Row) -> str:
    if row.uptime_seconds is None:
        return ""
    minutes, seconds = divmod(int(row.uptime_seconds), 60)
    return f"{minutes // 60}h{minutes % 60:02}m{seconds:02}s"


def _logs(name: str, lines: int, *, follow: bool) -> int:
    environment = Environment.load(state_directory())
    logs = sorted(environment.directory.rglob("*.log"))
    found = [log for log in logs if name == log.stem] or [log for log in logs if name in log.stem]
    if not found:
        raise DevCloudError(f"there is no log whose name contains {name!r} in {environment.directory}")
    if follow:
        return subprocess.run(["tail", "-n", str(lines), "-F", *map(str, found)], check=False).returncode
    for log in found:
        sys.stdout.write(f"==> {log.relative_to(environment.directory)} <==\n{tail(log, lines)}\n\n")
    return 0


def _tools(names: Sequence[str]) -> int:
    known = {tool.name: tool for tool in tools.ALL}
    if unknown := [name for name in names if name not in known]:
        raise DevCloudError(f"no tool is called {', '.join(unknown)}; there are {', '.join(known)}")
    built = tools.build([known[name] for name in names or known], say)
    for program, path in built.items():
        sys.stdout.write(f"{program}\t{path}\n")
    return 0


def _environment() -> int:
    for name, value in Environment.load(state_directory()).variables().items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def _run(cloud: Cloud, parts: frozenset[Part], program: Sequence[str]) -> int:
    command = [part for part in program if part != "--"]
    if not command:
        raise DevCloudError("say which program to run:  python -m devcloud run -- PROGRAM …")
    cloud.reset()
    try:
        environment = cloud.up(parts)
        return subprocess.run(command, env=clean_environment() | environment.variables(), check=False).returncode
    finally:
        cloud.down()


def _demo(directory: Path | None, *, keep: bool) -> int:
    from devcloud import demo  # here, because no other command needs the whole controller imported

    return demo.main(directory, keep=keep)
