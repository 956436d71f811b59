"""How long is waited: as long as was promised, whatever the clock does, and not where nothing has
to be waited for.
"""

import pytest

from tests.server.machine import with_program
from tests.server.observer import running

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# Each call of it is an hour after the one before, as if somebody set the clock all the time.
HURRIED = """\
#!/bin/sh
case $* in +%s) ;; *) exec /usr/bin/date "$@" ;; esac
echo hour >>"$0.calls"
echo $(($(/usr/bin/date +%s) + 3600 * $(wc -l <"$0.calls")))
"""
# Notes what the journal says whenever the run sleeps; who follows its output does so too.
NOTED = """\
#!/bin/sh
tr '\\0' ' ' </proc/$PPID/cmdline | grep -q ' run ' &&
    sed -n 's/^state //p' {journal} >>{notes}
exec /usr/bin/sleep "$@"
"""


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_a_clock_that_is_set_forward_shortens_no_window(stack, image):
    done = stack.deploy(image("good"))
    assert done.exit_code == 0, done.text
    path = with_program(stack, "date", HURRIED)
    # It is well for four seconds, then it dies.
    done = stack.deploy_with_path(path, image("lives-4"), window=10)
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    assert running(stack) == (image("good").reference, image("good").config)


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_a_dependency_that_has_run_all_the_while_is_not_waited_for(stack, image):
    assert stack.deploy(image("good")).exit_code == 0
    notes = f"{stack.directory}/slept"
    slept = NOTED.format(journal=f"{stack.directory}/.ci/journal", notes=notes)
    done = stack.deploy_with_path(with_program(stack, "sleep", slept), image("second"))
    assert done.exit_code == 0, done.text
    seen = stack.remote.allowed(f"cat {notes}").split()
    assert "candidate" in seen
    assert "dependencies" not in seen
