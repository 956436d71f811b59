"""`ci/embedded/cli/module.py` rests on parts of dagger-io that nobody promises: they are all here.

When one of these fails after an update of dagger-io, change module.py first and then this list.
"""

import importlib.metadata
import inspect
from typing import Annotated

import dagger
import pytest
from dagger import mod

PINNED = "0.21.8"


@mod.object_type
class Sample:
    """A class as a module has it."""

    kept: Annotated[str, mod.Doc("A field")] = mod.field(default="x")

    @mod.function
    def shout(
        self,
        text: Annotated[str, mod.Doc("What"), mod.Name("words")],
        where: Annotated[dagger.Directory, mod.DefaultPath("/"), mod.Ignore(["a"])],
        image: Annotated[dagger.Container, mod.DefaultAddress("b")],
        times: int = 2,
    ) -> str:
        """Shout."""
        return f"{text}{where}{image}{times}"


def test_the_installed_client_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("dagger-io") == PINNED, (
        f"module.py was written for dagger-io {PINNED}: read dagger/mod again, then change PINNED"
    )


def test_a_decorated_class_carries_its_description() -> None:
    kind = Sample.__dagger_object_type__
    assert kind.cls is Sample
    assert set(kind.fields) == {"kept"}
    assert kind.fields["kept"].original_name == "kept"
    assert kind.functions["shout"].doc == "Shout."
    assert kind.functions["shout"].return_type is str


def test_a_parameter_carries_its_metadata() -> None:
    found = Sample.__dagger_object_type__.functions["shout"].parameters
    assert list(found) == ["text", "where", "image", "times"]
    assert (found["text"].name, found["text"].doc) == ("words", "What")
    assert (found["where"].default_path, found["where"].ignore) == ("/", ["a"])
    assert found["image"].default_address == "b"
    assert (found["times"].default_value, found["times"].is_nullable) == ("2", False)
    assert found["times"].resolved_type is int


def test_a_class_knows_its_module() -> None:
    module = Sample.__dagger_module__
    assert module._objects["Sample"] is Sample.__dagger_object_type__
    assert isinstance(module._enums, dict)
    assert hasattr(module, "_main")
    assert hasattr(module, "_converter")
    assert module.log_exceptions in (True, False)
    kind = Sample.__dagger_object_type__
    assert kind.get_constructor(module._converter).name == ""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("get_structured_result", ["parent_name", "parent_state", "name", "raw_inputs"]),
        ("structure", ["obj", "cl"]),
        ("unstructure", ["obj", "unstructure_as"]),
    ],
)
def test_functions_are_called_by_the_module_itself(name: str, parameters: list[str]) -> None:
    method = getattr(Sample.__dagger_module__, name)
    assert inspect.iscoroutinefunction(method)
    assert list(inspect.signature(method).parameters) == parameters


async def test_a_call_goes_through_json() -> None:
    module = Sample.__dagger_module__
    result, called = await module.get_structured_result("Sample", {"kept": "y"}, "kept", {})
    assert (result, called.original_name) == ("y", "kept")
    assert await module.unstructure(Sample(kept="z"), Sample) == {"kept": "z"}


def test_helpers_that_are_not_exported_are_there() -> None:
    from dagger.mod._utils import get_doc, list_of

    assert get_doc(Annotated[str, mod.Doc("text")]) == "text"
    assert list_of(list[int]) is int


def test_the_generated_client_documents_itself() -> None:
    text = inspect.getdoc(dagger.Directory.docker_build) or ""
    assert "\nParameters\n----------\n" in text
    hints = inspect.get_annotations(inspect.unwrap(dagger.Directory.docker_build))
    assert hints["platform"] == dagger.Platform | None
