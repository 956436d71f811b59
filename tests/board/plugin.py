"""pytest -p tests.board.plugin --board=FILE: runs the catalogue's tests alone, and writes how each
row's tests ended and what they measured."""

import json
from pathlib import Path

import pytest

from tests.board.catalogue import read_catalogue, rows_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--board", metavar="FILE", help="where the outcome of every row is written")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--board"):
        config.pluginmanager.register(Recorder(Path(config.getoption("--board"))))


class Recorder:
    """Keeps what the catalogue's tests ended in."""

    def __init__(self, file: Path) -> None:
        self._file, self._catalogue = file, read_catalogue()
        self._outcomes: dict[str, str] = {}
        self._measured: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        wanted = [item for item in items if rows_of(item.nodeid, self._catalogue)]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0) + report.duration
        if report.when == "call" or report.outcome != "passed":
            before = self._outcomes.get(report.nodeid)
            self._outcomes[report.nodeid] = report.outcome if before != "failed" else before
        if report.when == "call":
            texts = [str(text) for name, text in report.user_properties if name == "measured"]
            self._measured[report.nodeid] = texts

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            # The one that gave this worker its tests hears of all of them.
            return
        rows: dict[str, dict[str, str]] = {}
        measured: dict[str, list[str]] = {}
        for test, outcome in self._outcomes.items():
            for row in rows_of(test, self._catalogue):
                rows.setdefault(row, {})[test] = outcome
                measured.setdefault(row, []).extend(self._measured.get(test, ()))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        seconds = round(sum(self._seconds.values()))
        whole = {"rows": rows, "measured": measured, "seconds": seconds}
        self._file.write_text(json.dumps(whole, indent=1, sort_keys=True))
