"""A build's name in the cache changes with everything that could change what is built, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from devcloud import tools
from devcloud.toolchain import is_new_enough
from devcloud.tools import GoTool


class ToolIn(GoTool):
    """A tool whose module lies in the folder that its name gives, so that a test can write one."""

    @property
    def module(self) -> Path:
        return Path(self.name)


@pytest.fixture
def tool(tmp_path: Path) -> GoTool:
    (tmp_path / "go.mod").write_text("module example.org/tool\n")
    (tmp_path / "go.sum").write_text("example.org/part v1.0.0 h1:abc=\n")
    return ToolIn(str(tmp_path), {"tool": "example.org/tool/cmd/tool"}, {"main.version": "v1"})


def test_the_key_is_the_same_for_the_same_inputs(tool: GoTool) -> None:
    assert tool.key("go1.26.8") == tool.key("go1.26.8")


def test_the_key_changes_with_the_go_version(tool: GoTool) -> None:
    assert tool.key("go1.26.8") != tool.key("go1.26.9")


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_the_key_changes_with_the_modules(tool: GoTool, name: str) -> None:
    before = tool.key("go1.26.8")
    (tool.module / name).write_text("something else\n")
    assert tool.key("go1.26.8") != before


def test_the_key_changes_with_the_version_that_is_linked_in(tool: GoTool) -> None:
    assert replace(tool, variables={"main.version": "v2"}).key("go1.26.8") != tool.key("go1.26.8")


def test_the_key_changes_with_the_programs(tool: GoTool) -> None:
    assert replace(tool, programs={"tool": "example.org/tool/cmd/other"}).key("go1.26.8") != tool.key("go1.26.8")


@pytest.mark.parametrize("tool", tools.ALL, ids=lambda tool: tool.name)
def test_every_tool_pins_a_module_with_checksums(tool: GoTool) -> None:
    pinned = (tool.module / "go.mod").read_text()
    assert all(any(line.strip("\t ").startswith("tool ") or package in line for line in pinned.splitlines())
               for package in tool.programs.values())  # fmt: skip
    assert " h1:" in (tool.module / "go.sum").read_text()


@pytest.mark.parametrize(
    ("version", "enough"),
    [("go1.26", True), ("go1.26.8", True), ("go1.27rc1", True), ("go2.0", True), ("go1.19.8", False), ("", False)],
)
def test_a_go_older_than_kubernetes_accepts_is_not_used(version: str, enough: bool) -> None:
    assert is_new_enough(version) is enough
