"""The one command that repeats a stage on another machine, without any secret in it."""

import re
import shlex
from dataclasses import dataclass

from ci.oci.reference import is_loopback

# Where the report's folder is expected, beside what it was made from; the workflow's artifact is
# called so as well.
FOLDER = "audit"
KNOWN = "known_hosts"
STAGES = {
    "check": (),
    "build": (),
    "publish": ("tag",),
    "verify": ("tag",),
    "deploy": ("tag", "host"),
    "rollback": ("back", "host"),
    "recover": ("host",),
    "status": ("host",),
    "release": ("tag", "host"),
}
# The stages that make a release.
NEW = ("publish", "release")
_REFERENCE = re.compile(r"(env|file)://(.+)", re.DOTALL)
_TOKEN = "env:GITHUB_TOKEN"  # noqa: S105 - where a token is, not one
_NEW_TAG = '"$(./daggerw call tag)"'


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the pipeline; "" is what was not given.

    `token` and `key` are where the secrets were taken from, as the engine names that. `known` says
    whether a file of host keys was given: the report's folder has it then.
    """

    stage: str
    tag: str
    image: str = ""
    user: str = ""
    token: str = ""
    via: str = ""
    host: str = ""
    key: str = ""
    known: bool = False
    link: str = ""


def repeat_command(call: Call) -> str:
    """Write the command; "" where no known stage is named."""
    if call.stage not in STAGES:
        return ""
    words = ["./daggerw", "call"]
    words += _option("image", call.image)
    if is_loopback(call.via):
        words += ["--via", f"tcp://{call.via}"]
    if "host" in STAGES[call.stage] and is_loopback(call.link):
        words += ["--link", f"tcp://{call.link}"]
    words += _option("user", call.user)
    if call.stage not in ("check", "build"):
        words += ["--token", _place(call.token, _TOKEN)]
    words.append(call.stage)
    if "tag" in STAGES[call.stage]:
        words += ["--tag", shlex.quote(call.tag) if call.tag else _NEW_TAG]
    if "back" in STAGES[call.stage]:
        words += _option("tag", call.tag)
    if "host" in STAGES[call.stage]:
        words += _option("host", call.host)
        words += ["--key", _place(call.key, "env:DEPLOY_KEY")]
        words += _option("known", f"{FOLDER}/{KNOWN}" if call.known else "")
    return " ".join(words)


def _option(name: str, value: str) -> list[str]:
    return [f"--{name}", shlex.quote(value)] if value else []


def _place(uri: str, otherwise: str) -> str:
    """A secret's place as the command line writes it, but no command: that may hold one."""
    found = _REFERENCE.fullmatch(uri)
    return shlex.quote(f"{found[1]}:{found[2]}") if found else otherwise
