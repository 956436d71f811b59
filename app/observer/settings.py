"""What the environment tells the service, read once and checked as a whole."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_PORT = 8000
DEFAULT_LIMIT_S = 2.0


class SettingsInvalid(Exception):
    """The environment cannot be used; the text names every fault, never a value of DATABASE_URL."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults

    def __str__(self) -> str:
        return (
            f"SettingsInvalid: {'; '.join(self.faults)}\n"
            "  now: the service has not started\n"
            "  do: correct these variables of the container and start it again"
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's configuration.

    Attributes:
        database_url: a PostgreSQL URL, or None where the service has no database. It may hold a
            password, so it is left out of `repr`; PGPASSWORD is the better place for one.
        database_required: whether a failing database makes `/health` answer 503.
        limit_s: the longest that one check of the database may take, from first to last byte.
    """

    tag: str = "unknown"
    revision: str = "unknown"
    port: int = DEFAULT_PORT
    database_url: str | None = field(default=None, repr=False)
    database_required: bool = True
    limit_s: float = DEFAULT_LIMIT_S


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as unset.

    Raises:
        SettingsInvalid: with all faults at once.
    """
    faults: list[str] = []
    settings = Settings(
        tag=environ.get("APP_TAG") or "unknown",
        revision=environ.get("APP_REVISION") or "unknown",
        port=int(_number(environ, "PORT", DEFAULT_PORT, (1, 65535), faults)),
        database_url=_database_url(environ, faults),
        database_required=_database_required(environ, faults),
        limit_s=_number(environ, "HEALTH_LIMIT_S", DEFAULT_LIMIT_S, (0.1, 3.0), faults),
    )
    if faults:
        raise SettingsInvalid(faults)
    return settings


def _database_url(environ: Mapping[str, str], faults: list[str]) -> str | None:
    url = environ.get("DATABASE_URL") or None
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("postgresql", "postgres") and bool(parts.hostname)
        parts.port  # noqa: B018 - raises where it is not a number
    except ValueError:
        usable = False
    if not usable:
        faults.append("DATABASE_URL is not like postgresql://user@host:5432/database")
    return url


def _database_required(environ: Mapping[str, str], faults: list[str]) -> bool:
    word = environ.get("HEALTH_DATABASE") or "required"
    if word not in ("required", "optional"):
        faults.append(f"HEALTH_DATABASE is {word!r}, not 'required' or 'optional'")
    return word != "optional"


def _number(
    environ: Mapping[str, str],
    name: str,
    default: float,
    bounds: tuple[float, float],
    faults: list[str],
) -> float:
    text = environ.get(name) or str(default)
    lowest, highest = bounds
    try:
        value = type(default)(text)
    except ValueError:
        value = math.nan  # outside all bounds
    if not lowest <= value <= highest:
        faults.append(f"{name} is {text!r}, not a number from {lowest} to {highest}")
        return default
    return value
