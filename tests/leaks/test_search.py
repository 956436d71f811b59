"""The search finds what is planted; otherwise it would prove nothing."""

import gzip
import subprocess
import sys
import time

import pytest

from tests.leaks.forms import forms_of
from tests.leaks.places import CHUNK_BYTES, Processes, Search

SECRET = "gh\"p_/Ün>>>??? +canary&v'alue==\nsecond line, which is the longer one"
FORMS = forms_of(SECRET, "somebody")


def search():
    return Search({"planted": FORMS})


def test_there_are_fourteen_forms_and_no_two_are_the_same():
    assert len(FORMS) == len(set(FORMS.values())) == 14


@pytest.mark.parametrize("form", FORMS)
def test_every_planted_form_is_found(form, tmp_path):
    (tmp_path / "file").write_bytes(b"before" + FORMS[form] + b"after")
    looking = search()
    looking.look_through("here", tmp_path)
    assert any(form in line for line in looking.found)


def test_what_lies_across_two_pieces_or_in_a_layer_is_found(tmp_path):
    (tmp_path / "long").write_bytes(b"." * (CHUNK_BYTES - 10) + SECRET.encode() + b"." * 100)
    with gzip.open(tmp_path / "layer", "wb") as file:
        file.write(b"x" + SECRET.encode())
    looking = search()
    looking.look_through("here", tmp_path)
    assert {line.partition(": ")[0] for line in looking.found} == {"here, long", "here, layer"}


@pytest.mark.parametrize("place", ["cmdline", "environ"])
def test_a_process_that_holds_it_is_found(place):
    text = "canary-of-a-process-0123456789"
    looking = Search({"planted": forms_of(text, "somebody")})
    sampling = Processes(looking)
    sampling.start()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    extra = {"arguments": [*command, text]} if place == "cmdline" else {"arguments": command}
    with subprocess.Popen(extra["arguments"], env={"T": text} if place == "environ" else {}) as it:
        try:
            deadline = time.monotonic() + 30
            while not looking.found and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            it.kill()
            sampling.stop()
    assert any(f"processes' {place}" in line for line in looking.found)
