"""The transaction's script, made of its parts."""

from importlib.resources import files

_ROOM = files("ci") / "server"


def read_script() -> bytes:
    """Join the parts in the order that PARTS names."""
    names = (_ROOM / "PARTS").read_text().split()
    return b"".join((_ROOM / name).read_bytes() for name in names)
