"""Names as Dagger spells them: API names are camel case, command-line names are kebab case."""

from __future__ import annotations

_SEPARATORS = "_-. "


def to_kebab(name: str) -> str:
    """``dockerBuild`` -> ``docker-build``; digits are words of their own, as in Dagger's CLI."""
    return _delimited(name, "-")


def to_snake(name: str) -> str:
    """``dockerBuild`` -> ``docker_build``."""
    return _delimited(name, "_")


def to_screaming_snake(name: str) -> str:
    """``linuxAmd`` -> ``LINUX_AMD``."""
    return _delimited(name, "_").upper()


def to_camel(name: str) -> str:
    """``docker_build`` -> ``DockerBuild``: the name of a type."""
    return _camel(name, capital=True)


def to_lower_camel(name: str) -> str:
    """``docker_build`` -> ``dockerBuild``: the name of a function or argument."""
    return _camel(name, capital=False)


def namespaced(name: str, module: str) -> str:
    """The API's name of a module's own type: ``Report`` of module ``ci`` is ``CiReport``.

    Source: Dagger v0.21.8, core/gqlformat.go, ``namespaceObject``.
    """
    name, prefix = to_camel(name), to_camel(module)
    if name.startswith(prefix):
        rest = name[len(prefix) :]
        if not rest or rest[0].isupper():
            return to_camel(module + rest)
    return to_camel(f"{module}_{name}")


def _camel(name: str, *, capital: bool) -> str:
    out: list[str] = []
    name = name.strip()
    upper_next, previous_is_capital = capital, False
    for index, char in enumerate(name):
        is_capital = char.isupper()
        if char.isalnum():
            lowers = index == 0 or (previous_is_capital and is_capital)
            out.append(char.upper() if upper_next else char.lower() if lowers else char)
            upper_next = char.isdigit()
        else:
            upper_next = char in _SEPARATORS
        previous_is_capital = is_capital
    return "".join(out)


def _delimited(name: str, delimiter: str) -> str:
    # A port of strcase v0.3.0, which Dagger uses: `sha256Sum` must become `sha-256-sum`.
    out: list[str] = []
    name = name.strip()
    for index, char in enumerate(name):
        following = name[index + 1 : index + 2]
        if _kind(following) and _kind(char) and _kind(char) != _kind(following):
            starts_word = char.isupper() and following.islower()
            if starts_word and name[index - 1 : index].isupper() and index:
                out.append(delimiter)
            out.append(char.lower())
            if not char.isupper() or following.isdigit():
                out.append(delimiter)
        else:
            out.append(delimiter if char in _SEPARATORS else char.lower())
    return "".join(out)


def _kind(char: str) -> str:
    if char.isdigit():
        return "digit"
    return ("capital" if char.isupper() else "small") if char.isalpha() else ""
