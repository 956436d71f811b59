"""Background processes: started once, told apart from strangers, stopped by what they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.errors import ServiceNotStarted
from rehearsal.layout import Layout
from rehearsal.processes import Daemon, pid_file, running, start_time, stop

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
CHECKOUT = Path(__file__).resolve().parents[2]
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN_SCRIPT = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


@pytest.fixture
def layout(tmp_path: Path):
    made = Layout(tmp_path)
    yield made
    stop(made, "one", timeout_s=1)


def daemon(layout: Layout, command=SLEEP, ready=lambda: True, timeout_s=5.0) -> Daemon:
    return Daemon("one", command, layout, ready, timeout_s)


def test_a_daemon_is_started_once_and_stopped(layout):
    assert daemon(layout).ensure()
    pid = running(layout, "one")
    assert not daemon(layout).ensure()
    assert running(layout, "one") == pid
    assert stop(layout, "one")
    assert start_time(pid) is None
    assert not pid_file(layout, "one").exists()


def test_another_command_replaces_the_daemon(layout):
    daemon(layout).ensure()
    before = running(layout, "one")
    assert daemon(layout, (*SLEEP, "argument")).ensure()
    assert running(layout, "one") != before
    assert start_time(before) is None


def test_a_pid_that_is_another_process_s_by_now_is_left_alone(layout):
    stranger = subprocess.Popen(SLEEP)
    try:
        path = pid_file(layout, "one")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"pid": stranger.pid, "started": "1", "command": SLEEP}))
        assert running(layout, "one") is None
        assert not stop(layout, "one")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_torn_pid_file_is_no_daemon(layout):
    pid_file(layout, "one").parent.mkdir(parents=True)
    pid_file(layout, "one").write_text('{"pid": 1')
    assert running(layout, "one") is None


def test_a_daemon_that_ends_at_once_is_reported_with_its_last_words(layout):
    dying = (sys.executable, "-c", "import sys; sys.exit('port in use')")
    with pytest.raises(ServiceNotStarted) as caught:
        daemon(layout, dying, ready=lambda: False).ensure()
    assert "port in use" in caught.value.cause
    assert caught.value.remedy
    assert running(layout, "one") is None


def test_a_daemon_that_never_answers_is_stopped(layout):
    with pytest.raises(ServiceNotStarted):
        daemon(layout, ready=lambda: False, timeout_s=0.2).ensure()
    assert running(layout, "one") is None


def test_a_daemon_that_ignores_the_gentle_signal_is_ended_all_the_same(layout):
    ready = layout.checkout / "ready"
    daemon(layout, (sys.executable, "-c", STUBBORN_SCRIPT, str(ready)), ready.exists).ensure()
    pid = running(layout, "one")
    assert stop(layout, "one", timeout_s=0.3)
    assert start_time(pid) is None


def test_a_daemon_outlives_who_started_it(layout):
    script = (
        "from pathlib import Path; from rehearsal.layout import Layout;"
        "from rehearsal.processes import Daemon;"
        f"Daemon('one', {SLEEP!r}, Layout(Path({str(layout.checkout)!r})), lambda: True).ensure()"
    )
    subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, check=True)
    pid = running(layout, "one")
    assert pid is not None
    assert os.getsid(pid) == pid
