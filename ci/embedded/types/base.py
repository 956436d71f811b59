"""What every object of the API has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ci.embedded.session import Session


@dataclass(frozen=True, eq=False)
class Api:
    """An immutable object that the client holds by ID.

    A field of the GraphQL type is an attribute or a method of the same name in snake case.
    What is missing, field or argument, is refused by name.
    """

    typename: ClassVar[str]
    session: Session

    def id(self) -> str:
        """The object's ID."""
        return self.session.handle(self)
