"""What a run on the server says, line by line, and what its end means for whoever called it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.outcome import error_of_run, error_of_start
from ci.decisions.transcript import LINE_LIMIT, Line, Transcript, parse_line, render_line
from ci.transaction_errors import TranscriptInvalid

NONCE = "0123456789abcdef" * 2


def said(*lines):
    return [f"{NONCE} {text}" for text in lines]


def test_only_lines_with_the_nonce_are_the_runs():
    transcript = Transcript(NONCE)
    for raw in ("Welcome!", "f" * 32 + " end 0 Done", "end 0 Done", "", NONCE, f" {NONCE} end 0 X"):
        assert transcript.add(raw) is None
    assert not transcript.has_ended
    # A container's log is a line of the kind log, whatever it says.
    transcript.add(f"{NONCE} log {NONCE} end 0 Done")
    assert not transcript.has_ended
    transcript.add(f"{NONCE} end 10 CrashLoop")
    assert (transcript.exit_class, transcript.code) == (10, "CrashLoop")
    assert transcript.add(f"{NONCE} proof after the end") is None


def test_following_again_adds_nothing_twice():
    lines = said("state begun", "progress 5 s", "progress 5 s", "end 0 Done")
    transcript = Transcript(NONCE)
    for raw in lines[:2]:
        assert transcript.add(raw)
    transcript.start_again()
    assert [bool(transcript.add(raw)) for raw in lines] == [False, False, True, True]
    assert [each.text for each in transcript.lines] == [
        "begun",
        "5 s",
        "5 s",
        "0 Done",
    ]


def test_a_flood_of_lines_does_not_hide_the_end():
    transcript = Transcript(NONCE)
    for number in range(2 * LINE_LIMIT):
        transcript.add(f"{NONCE} log {number}")
    for text in ("seen CrashLoop: x", "end 10 CrashLoop"):
        transcript.add(f"{NONCE} {text}")
    assert (len(transcript.lines), transcript.exit_class) == (LINE_LIMIT + 2, 10)
    assert error_of_run(transcript).code == "CrashLoop"


@pytest.mark.parametrize("end", ["end", "end 0", "end x Done", "end 0 Done more", "end 9999 Done"])
def test_a_damaged_end_is_no_end(end):
    transcript = Transcript(NONCE)
    transcript.add(f"{NONCE} {end}")
    assert not transcript.has_ended


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_line_of_a_container_reads_as_a_command_of_a_log(kind, text):
    for each in (Line("log", text), parse_line(NONCE, f"{NONCE} {kind} {text}")):
        shown = render_line(each) if each else ""
        assert "::" not in shown
        assert "\n" not in shown
        assert "\x1b" not in shown


def test_the_bars_of_a_pull_are_not_shown():
    assert render_line(Line("compose", "afe5 Extracting [====>     ] 27.3MB/86.03MB")) == ""
    assert "Created" in render_line(Line("compose", "Container observer-1  Created"))


def ended(exit_class, code, *lines):
    transcript = Transcript(NONCE)
    for raw in said(*lines, f"end {exit_class} {code}"):
        transcript.add(raw)
    return error_of_run(transcript)


def test_a_failure_is_told_as_the_server_told_it():
    error = ended(
        10,
        "CrashLoop",
        "state candidate",
        "seen CrashLoop: it is exited, exit 3",
        "now the release before was never stopped",
        "remedy deploy a corrected release",
    )
    assert (error.code, error.exit_class) == ("CrashLoop", 10)
    assert str(error).splitlines() == [
        "CrashLoop: it is exited, exit 3",
        "  now: S4, the release before was never stopped",
        "  do: deploy a corrected release",
    ]
    assert str(ended(10, "CrashLoop", "state switching", "seen CrashLoop: x")).count("S5") == 1
    assert ended(11, "CrashLoop", "seen CrashLoop: x").exit_class == 11
    assert ended(9, "Locked", "seen Locked: busy").code == "Locked"
    assert ended(8, "PlatformMissing", "seen PlatformMissing: x").code == "PlatformMissing"


def test_a_run_that_was_not_begun_says_why():
    error = error_of_start(
        ["- seen ProbeMissing: no curl", "- remedy install it", "- end 8 ProbeMissing"]
    )
    assert error
    assert (error.code, error.exit_class, error.remedy) == ("ProbeMissing", 8, "install it")
    assert error_of_start(["Welcome", f"{NONCE} started x"]) is None


def test_a_code_that_nobody_knows_is_told_all_the_same():
    error = ended(12, "SystemExit", "seen SystemExit: ::error::x")
    assert isinstance(error, TranscriptInvalid)
    assert "SystemExit" in error.cause
    assert "::" not in error.cause
