import pytest
from stored import opened


@pytest.fixture
async def store(tmp_path):
    async with opened(tmp_path / "notifier.db") as one:
        yield one
