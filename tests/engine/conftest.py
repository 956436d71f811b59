"""One session and one connection for the whole suite: that is how the module runs too."""

import os
from collections.abc import AsyncIterator, Iterator

import dagger
import pytest
import pytest_asyncio

from tests.engine.at import At, RegistriesMissing, Session, at_rehearsal
from tests.engine.engines import engine_session


@pytest.fixture(scope="package")
def session() -> Iterator[Session]:
    with engine_session() as found:
        yield found


@pytest.fixture(scope="package")
def at(session: Session, tmp_path_factory: pytest.TempPathFactory) -> At:
    try:
        return at_rehearsal(session, tmp_path_factory.mktemp("scratch"))
    except RegistriesMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def connection(session: Session) -> AsyncIterator[None]:
    async with dagger.connection(dagger.Config(log_output=None)):
        yield
