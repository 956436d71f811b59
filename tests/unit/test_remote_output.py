"""What a server says: taken out of its frame, whatever stands around it, and made readable."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.framing import LINE_BYTES, LineReader, framed, take_apart
from ci.decisions.remote_text import readable

NONCE = "0123456789abcdef0123456789abcdef"
UNREADABLE = {
    "colour": (b"\x1b[31mred\x1b[0m", "red"),
    "title": (b"\x1b]0;title\x07text", "text"),
    "title ended otherwise": (b"\x1b]0;title\x1b\\text", "text"),
    "cursor": (b"a\x1b[2J\x1b[Hb", "ab"),
    "charset": (b"\x1b(Btext", "text"),
    "carriage return": (b"good\rbad", "goodbad"),
    "backspace": (b"a\x08b", "ab"),
    "NUL": (b"a\0b", "ab"),
    "invalid UTF-8": (b"a\xff\xfeb", "a\ufffd\ufffdb"),
    "C1 control": ("a\x9b31mb".encode(), "a31mb"),
    "right to left": ("a\u202eb".encode(), "ab"),
    "kept": ("tab\tnewline\nümlaut".encode(), "tab\tnewline\nümlaut"),
}


def frame(body: bytes, status: int = 0, noise: bytes = b"") -> bytes:
    return noise + f"{NONCE} begin\n".encode() + body + f"\n{NONCE} end {status}\n".encode()


@pytest.mark.parametrize(("raw", "text"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_mislead_a_terminal_is_left_out(raw, text):
    assert readable(raw) == text


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 255))
def test_output_is_the_same_to_the_byte_whatever_stands_before(noise, body, status):
    parts = take_apart(frame(body, status, noise), NONCE)
    assert (parts.noise, parts.body, parts.status) == (noise, body, status)


@given(st.binary(max_size=300))
def test_output_without_its_first_line_is_none(raw):
    parts = take_apart(raw, NONCE)
    assert (parts.has_begun, parts.noise, parts.status) == (False, raw, None)


def test_a_frame_that_another_run_would_know_does_not_count():
    parts = take_apart(frame(b"ok\n" + NONCE.replace("0", "1").encode() + b" end 7\n"), NONCE)
    assert parts.status == 0


@given(
    st.lists(st.sampled_from([b"", b"a", b"line", b"\xff", b"0 end 0"]), max_size=12),
    st.booleans(),
    st.integers(1, 7),
)
def test_lines_are_the_same_however_they_are_cut(lines, ends, size):
    body = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    raw = frame(body, noise=b"Welcome\nwithout an end")
    reader = LineReader(NONCE)
    found = [line for at in range(0, len(raw), size) for line in reader.feed(raw[at : at + size])]
    assert found == (body[:-1] if body.endswith(b"\n") else body).split(b"\n") * bool(body)
    assert reader.has_ended


def test_an_endless_line_is_cut_and_the_next_one_is_whole():
    reader = LineReader(NONCE)
    reader.feed(f"{NONCE} begin\n".encode())
    found = [line for _ in range(40) for line in reader.feed(b"x" * 10_000)]
    found += reader.feed(b"rest\nnext\n")
    assert [len(line) for line in found] == [LINE_BYTES, 4]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    "command",
    ["printf 'no newline'", 'echo "it\'s" \'a "test"\'', "exit 255", "cat", "exec sh -c 'exit 3'"],
)
def test_a_framed_command_gives_what_it_gives_alone(shell, command):
    alone = subprocess.run(
        ["sh", "-c", command], input=b"stdin\n", capture_output=True, check=False
    )
    done = subprocess.run(
        [shell, "-c", framed(command, NONCE)], input=b"stdin\n", capture_output=True, check=False
    )
    parts = take_apart(done.stdout, NONCE)
    assert (parts.body, parts.status) == (alone.stdout, alone.returncode)
    assert done.returncode == 0
