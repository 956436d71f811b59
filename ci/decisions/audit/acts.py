"""What a step does: publishes an image, reaches a server, looks at the health, or hides it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ci.decisions.audit.shell import Command
from ci.decisions.audit.workflow import Step

_PUSHING_ACTIONS = ("docker/build-push-action", "docker/bake-action")
_ALWAYS_PUSHING = ("redhat-actions/push-to-registry",)
_DAGGER = ("dagger/dagger-for-github",)
_DEPLOYING_ACTIONS = re.compile(r"(ssh|scp|sftp|rsync)[\w-]*(action|deploy)|ssh-deploy", re.ASCII)
_ENGINES = ("docker", "podman", "nerdctl", "buildah")
_COPIERS = {
    "skopeo": ("copy", "sync"),
    "crane": ("push", "copy", "cp", "append"),
    "regctl": ("copy", "put"),
    "oras": ("push", "copy", "cp"),
    "ko": ("build", "publish", "apply", "resolve"),
}
_REACHING = ("ssh", "scp", "rsync", "sftp", "ansible-playbook")
_SETTING = {"kubectl": ("apply", "set", "rollout"), "helm": ("upgrade", "install")}
_HEALTH = re.compile(r"health|wget|curl|/ready|/live|--wait\b", re.IGNORECASE)
_CALLS = ("publish", "deploy", "release", "rollback", "recover")
_UNREADABLE = re.compile(r"publish|push|release|ship|deliver", re.IGNORECASE)
_PART = re.compile(r"[\w$./:{}@%+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a step does, the line it stands on, and its words."""

    line: int
    text: str
    references: tuple[str, ...] = ()


def publishes(step: Step) -> list[Act]:
    """What pushes an image; the references are what it is pushed as, where that can be read."""
    action = step.uses.partition("@")[0]
    found = [
        _act(step, command, _references(command)) for command in step.commands if _pushes(command)
    ]
    if action in _PUSHING_ACTIONS and _is_on(step):
        tags = tuple(_PART.findall(step.inputs.get("tags", "").replace(" ", "")))
        found.append(Act(step.line, f"uses: {step.uses}", tags))
    elif action in _ALWAYS_PUSHING or _is_dagger(step, "publish", "release"):
        found.append(Act(step.line, f"uses: {step.uses}"))
    return found


def deploys(step: Step) -> list[Act]:
    """What changes or reaches a server."""
    action = step.uses.partition("@")[0]
    found = [_act(step, command) for command in step.commands if _reaches(command)]
    if _DEPLOYING_ACTIONS.search(action) or _is_dagger(step, "deploy", "release"):
        found.append(Act(step.line, f"uses: {step.uses}"))
    return found


def uploads(step: Step) -> bool:
    """Whether it brings files to the server."""
    action = step.uses.partition("@")[0]
    if re.search(r"scp|rsync|sftp|ssh-deploy", action) or calls(step, "deploy", "release"):
        return True
    programs = {command.program for command in step.commands}
    return bool(programs & {"scp", "rsync", "sftp"}) or "git pull" in step.run


def looks_at_health(step: Step) -> bool:
    """Whether it asks how the service is."""
    if calls(step, "deploy", "release", "verify", "check"):
        return True
    return any(_HEALTH.search(command.text) for command in step.commands)


def ignored_results(step: Step) -> Iterator[Act]:
    """Each command whose failure a script throws away."""
    commands = step.commands
    for at, command in enumerate(commands[:-1]):
        nothing = commands[at + 1].program in ("true", ":", "echo", "printf", "exit")
        following = commands[at + 1].words[1:2]
        if command.after == "||" and nothing and following not in (("1",), ("2",)):
            yield _act(step, command)
    if re.search(r"^\s*set \+e\b", step.run, re.MULTILINE):
        yield Act(step.line, "set +e")


def calls(step: Step, *functions: str) -> bool:
    """Whether it calls one of these functions of the pipeline."""
    wanted = set(functions)
    is_called = any(wanted & set(_called(command)) for command in step.commands)
    return is_called or _is_dagger(step, *functions)


def is_unreadable(step: Step) -> str:
    """What may publish where nobody can see it; "" for a step that is plain."""
    if step.uses.startswith("./") or ".github/workflows/" in step.uses:
        return f"uses: {step.uses}"
    for command in step.commands:
        is_script = command.program == "make" or command.words[0].startswith((".", "scripts/"))
        if is_script and not _called(command) and _UNREADABLE.search(command.text):
            return command.text
        if command.program.endswith(".sh") and _UNREADABLE.search(command.text):
            return command.text
    return ""


def _act(step: Step, command: Command, references: tuple[str, ...] = ()) -> Act:
    return Act(step.run_line + command.line, command.text, references)


def _called(command: Command) -> tuple[str, ...]:
    """The functions that a Dagger call names."""
    if command.program not in ("dagger", "daggerw") or "call" not in command.words:
        return ()
    after = command.words[command.words.index("call") + 1 :]
    return tuple(word for word in after if word in _CALLS or word in ("verify", "check"))


def _pushes(command: Command) -> bool:
    words = command.words
    if {"publish", "release"} & set(_called(command)):
        return True
    if command.program in _ENGINES:
        return "push" in words[1:3] or "--push" in words or "type=registry" in command.text
    if command.program in _COPIERS:
        is_copy = any(word in _COPIERS[command.program] for word in words[1:3])
        return is_copy and (command.program != "skopeo" or words[-1].startswith("docker://"))
    return False


def _references(command: Command) -> tuple[str, ...]:
    """What a push names; nothing for the pipeline's own call, which is given the tag."""
    if _called(command):
        return ()
    if "--push" not in command.words:
        return (command.words[-1],)
    pairs = zip(command.words, command.words[1:], strict=False)
    return tuple(value for option, value in pairs if option in ("-t", "--tag"))


def _reaches(command: Command) -> bool:
    if {"deploy", "release", "rollback"} & set(_called(command)):
        return True
    if command.program in _SETTING:
        return any(word in _SETTING[command.program] for word in command.words[1:3])
    if command.program in _REACHING:
        return True
    return command.text.startswith(("docker stack deploy", "docker service update"))


def _is_on(step: Step) -> bool:
    """Whether the action is told to push; what only the run knows counts as yes."""
    said = step.inputs.get("push", "")
    is_output = "type=registry" in step.inputs.get("outputs", "")
    return said.lower() == "true" or "${{" in said or is_output


def _is_dagger(step: Step, *functions: str) -> bool:
    """Whether Dagger's own action is told to call one of these functions."""
    said = set(" ".join(step.inputs.values()).split())
    return step.uses.partition("@")[0] in _DAGGER and bool(said & set(functions))
