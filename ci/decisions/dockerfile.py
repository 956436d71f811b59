"""What a Dockerfile says about the image that its target stands on.

Only FROM and the ARGs before it are read, and which settings there are that no engine tells of;
everything else is the builder's business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ci.errors import ContextInvalid
from ci.oci.text import shown

_CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
_FROM = re.compile(
    r"FROM[ \t]+(?:--\S+[ \t]+)*(?P<base>\S+)(?:[ \t]+AS[ \t]+(?P<name>\S+))?[ \t]*",
    re.IGNORECASE,
)
_ARG = re.compile(r"ARG[ \t]+(?P<name>[A-Za-z_]\w*)(?:=(?P<value>\S*))?[ \t]*", re.IGNORECASE)
_UNTOLD = re.compile(r"^[ \t]*(STOPSIGNAL|VOLUME|ONBUILD)\b", re.IGNORECASE | re.MULTILINE)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})")


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM: its own name, and the image or stage under it."""

    name: str
    base: str


def parse_stages(text: str, args: Mapping[str, str]) -> tuple[Stage, ...]:
    """List a Dockerfile's stages, with the global ARGs filled in."""
    known: dict[str, str] = {}
    stages: list[Stage] = []
    for line in map(str.strip, _CONTINUED.sub(" ", text.replace("\r\n", "\n")).split("\n")):
        if found := _FROM.fullmatch(line):
            name = (found["name"] or str(len(stages))).lower()
            stages.append(Stage(name, _fill(found["base"], known)))
        elif not stages and (found := _ARG.fullmatch(line)):
            default = (found["value"] or "").strip("\"'")
            known[found["name"]] = args.get(found["name"], _fill(default, known))
    return tuple(stages)


def base_of(stages: tuple[Stage, ...], target: str) -> str:
    """Name the image that `target` (the last stage when empty) stands on; "" for scratch.

    Raises:
        ContextInvalid: no FROM at all, or no such target.
    """
    names = [stage.name for stage in stages]
    if not stages or (target and target.lower() not in names):
        raise ContextInvalid(
            f"the Dockerfile has no stage {shown(target)}; it has {', '.join(names) or 'none'}",
            remedy="name one of its stages in ci.toml, [build] target",
        )
    at = names.index(target.lower()) if target else len(stages) - 1
    while True:
        base = stages[at].base
        earlier = names[:at]
        if base.lower() not in earlier:
            return "" if base == "scratch" else base
        at = earlier.index(base.lower())


def untold_settings(text: str) -> tuple[str, ...]:
    """Name the instructions whose settings cannot be read of an image through Dagger's API."""
    return tuple(sorted({found.upper() for found in _UNTOLD.findall(text)}))


def _fill(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[2]) or found[3] or "", text)
