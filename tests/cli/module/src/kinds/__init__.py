"""A module that has an argument of every kind, for the tests of the command line."""

import enum
import json
from typing import Annotated, Self

import anyio
import dagger
from dagger import DefaultAddress, DefaultPath, Doc, Ignore, Name, dag, field, function, object_type


@dagger.enum_type
class Color(enum.Enum):
    """A colour."""

    RED = "red"
    """Like a rose"""

    GREEN = "green"


@object_type
class Leaf:
    """A leaf of a tree."""

    name: Annotated[str, Doc("The leaf's name")] = field()
    size: int = field(default=1)

    @function
    def loud(self, mark: str = "!") -> str:
        """The name in capitals."""
        return self.name.upper() + mark

    @function
    def note(self) -> str:
        """What was noted on the object, which is not a field of it."""
        return getattr(self, "noted", "nothing is kept but fields")

    @function
    def bigger(self, by: int = 1) -> Self:
        """A bigger leaf."""
        return Leaf(name=self.name, size=self.size + by)


@object_type
class Kinds:
    """Every kind of argument."""

    greeting: Annotated[str, Doc("How to greet")] = field(default="hello")
    words: Annotated[list[str], Doc("Words to keep")] = field(default=list)
    token: Annotated[dagger.Secret | None, Doc("A secret")] = None

    @function
    def greet(self, name: Annotated[str, Doc("Who is greeted")], times: int = 1) -> str:
        """Greet somebody.

        As often as is asked for.
        """
        print("this is not the result")
        return " ".join([f"{self.greeting} {name}"] * times)

    @function
    def texts(self) -> list[str]:
        """The words that the constructor was given."""
        return self.words

    @function
    def number(self, value: Annotated[int, Doc("Any number")] = 3) -> int:
        """An integer back."""
        return value

    @function
    def ratio(self, value: float = 0.5) -> float:
        """A float back."""
        return value

    @function
    def switch(self, on: bool = False, off: bool = True) -> list[bool]:
        """Two booleans back."""
        return [on, off]

    @function
    def many(
        self,
        texts: list[str] | None = None,
        numbers: list[int] | None = None,
        ratios: list[float] | None = None,
        switches: list[bool] | None = None,
        colors: list[Color] | None = None,
    ) -> str:
        """Lists of everything as JSON."""
        names = None if colors is None else [color.name for color in colors]
        return json.dumps([texts, numbers, ratios, switches, names])

    @function
    def paint(
        # Dagger 0.21.8 cannot load a module with an enum that is None by default.
        self,
        color: Annotated[Color, Doc("The colour")] = Color.RED,
    ) -> Color:
        """A colour back."""
        return color

    @function
    def maybe(self, text: str | None = None) -> str | None:
        """The text, or nothing."""
        return text

    @function
    def nothing(self) -> None:
        """Return nothing."""

    @function
    def renamed(self, from_: Annotated[str, Name("from")], two_words: str = "x") -> str:
        """An argument whose name is a word of Python."""
        return f"{from_} {two_words}"

    @function(name="other-name")
    def hidden_name(self) -> str:
        """A function under another name."""
        return "other"

    @function
    def leaf(self, name: str = "oak") -> Leaf:
        """One object."""
        return Leaf(name=name)

    @function
    def noted(self) -> Leaf:
        """A leaf with a note."""
        leaf = Leaf(name="oak")
        leaf.noted = "a note"
        return leaf

    @function
    def leaves(self) -> list[Leaf]:
        """A list of objects."""
        return [Leaf(name="oak"), Leaf(name="elm", size=2)]

    @function
    def fail(self, text: str = "it broke") -> str:
        """Raise an error."""
        raise ValueError(text)

    @function
    async def fail_exec(self) -> str:
        """Run a command that fails."""
        command = ["python3", "-c", "import sys; print('seen'); sys.exit(7)"]
        return await dag.container().from_("python:3.11-slim").with_exec(command).stdout()

    @function
    async def listing(self, source: dagger.Directory) -> list[str]:
        """The names in a directory."""
        return await source.entries()

    @function
    async def own(
        self,
        source: Annotated[dagger.Directory, DefaultPath("."), Ignore(["src", "*.toml"])],
    ) -> list[str]:
        """The names in the module's own directory, some of them left out."""
        return await source.entries()

    @function
    async def whole(
        self, source: Annotated[dagger.Directory, DefaultPath("/"), Ignore([".git"])]
    ) -> list[str]:
        """The names in the repository that the module is in."""
        return await source.entries()

    @function
    async def outside(self, source: Annotated[dagger.Directory, DefaultPath("../..")]) -> list[str]:
        """The names in a directory that the module may not see."""
        return await source.entries()

    @function
    async def history(
        self, repository: Annotated[dagger.GitRepository, DefaultPath("/")]
    ) -> list[str]:
        """The tags of the repository that the module is in."""
        return await repository.tags()

    @function
    async def image(
        self, container: Annotated[dagger.Container, DefaultAddress("python:3.11-slim")]
    ) -> str:
        """The platform of an image."""
        return await container.platform()

    @function
    async def filtered(
        self, source: Annotated[dagger.Directory, Ignore(["*", "!*.txt"])]
    ) -> list[str]:
        """The names of the text files in a directory."""
        return await source.entries()

    @function
    async def read(self, file: Annotated[dagger.File, DefaultPath("hello.txt")]) -> str:
        """The text of a file."""
        return await file.contents()

    @function
    async def length(self, secret: dagger.Secret) -> int:
        """How long a secret is."""
        return len(await secret.plaintext())

    @function
    async def lengths(self, secrets: list[dagger.Secret]) -> list[int]:
        """How long secrets are."""
        return [len(await secret.plaintext()) for secret in secrets]

    @function
    async def betray(self, secret: dagger.Secret) -> str:
        """Put a secret into an error."""
        print("printed", await secret.plaintext())
        raise ValueError("the password is " + await secret.plaintext())

    @function
    def trip(self) -> str:
        """Stumble over a key."""
        places: dict[str, str] = {}
        return places["nowhere"]

    @function
    async def wait(self) -> str:
        """Wait for a minute."""
        print("waiting", flush=True)
        await anyio.sleep(60)
        return "waited"

    @function
    async def reach(self, service: dagger.Service) -> str:
        """The port of a service."""
        ports = await service.ports()
        return ",".join([str(await port.port()) for port in ports])

    @function
    def base(self, platform: dagger.Platform | None = None) -> dagger.Container:
        """A container with a file."""
        return (
            dag.container(platform=platform)
            .with_new_file("/greeting", self.greeting)
            .with_entrypoint(["/greeting", "now"])
            .with_label("one", "1")
        )

    @function
    def files(self) -> dagger.Directory:
        """A directory with two files."""
        return dag.directory().with_new_file("a.txt", "A").with_new_file("sub/b.txt", "B")

    @function
    def same(self, container: dagger.Container) -> dagger.Container:
        """The container back."""
        return container

    @function
    def cached(self, volume: dagger.CacheVolume) -> str:
        """Take a cache volume."""
        return type(volume).__name__

    @function
    async def tags(self, repository: dagger.GitRepository) -> list[str]:
        """The tags of a repository."""
        return await repository.tags()
