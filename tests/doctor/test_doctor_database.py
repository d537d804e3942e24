"""The database: there, sound, writable, with place; and who has it open."""

import asyncio
import os
from pathlib import Path

import pytest
from strangers import stranger

from notifier.doctor.database import HARDLY_ANY, LITTLE, LONG, of_database, of_place
from notifier.doctor.findings import Grade
from notifier.store import Store
from notifier.store.examination import log_of


@pytest.fixture
def path(tmp_path):
    """A database that a daemon has left behind."""

    async def made():
        await (await Store.open(tmp_path / "state" / "n.db")).close()

    asyncio.run(made())
    return tmp_path / "state" / "n.db"


def told(path):
    found = of_database(path)
    assert all(one.cure for one in found if one.grade is not Grade.GOOD)
    return [(one.grade.value, one.text) for one in found if one.about == "database"]


def test_one_that_is_to_be_made_is_good_where_it_can_be(tmp_path):
    path = tmp_path / "some" / "where" / "n.db"
    assert told(path) == [("good", f"{path} is not there yet: the daemon makes it")]
    assert not path.parent.exists()


def test_a_link_that_leads_nowhere_is_told(tmp_path):
    (tmp_path / "n.db").symlink_to(tmp_path / "none.db")
    assert told(tmp_path / "n.db")[0] == ("fault", f"{tmp_path / 'n.db'}: there is no such file")


def test_one_that_is_there_is_told_with_schema_and_size(path):
    assert told(path) == [("good", f"{path}: schema 2, {path.stat().st_size:,} bytes, nobody has it open")]
    assert of_database(path)[-1].about == "disk"


async def test_who_has_it_open_is_told(path):
    store = await Store.open(path)
    try:
        assert told(path)[0][1].endswith(f"process {os.getpid()} has it open")
    finally:
        await store.close()


def test_damage_is_told_with_its_place_and_cure(path):
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xa5" * 4096)
    ((grade, text),) = told(path)
    assert grade == "fault"
    assert text.startswith("table sources: damaged: ")


def test_a_log_that_is_not_written_back_is_told(path):
    with log_of(path).open("wb") as log:
        log.truncate(LONG + 1)
    assert told(path)[1:] == [("doubt", "its log has 64 MiB and is not written back")]


def test_one_that_others_can_read_is_told(path):
    path.chmod(0o644)
    assert told(path)[1:] == [("doubt", f"{path} can be read by others than its owner")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_is_not_of_its_folders_owner_is_told_with_the_cure(path):
    """As a superuser leaves it behind who has restored a backup."""
    os.chown(path.parent, 65534, 65534)
    grade, text = told(path)[1]
    assert grade == "fault"
    assert text.startswith(f"{path} is not of the owner of {path.parent}")
    assert of_database(path)[1].cure == f"sudo chown --reference={path.parent} {path}"


def test_what_another_may_not_write_is_no_more_than_a_doubt(path, tmp_path):
    new = tmp_path / "new" / "n.db"
    with stranger({path: 0o644, path.parent: 0o555, tmp_path: 0o555}):
        assert told(path)[1:] == [
            ("doubt", f"{path} can be read by others than its owner"),
            ("doubt", f"you may not write {path.parent}"),
        ]
        assert told(new) == [("doubt", f"{new} is not there yet, and you may not write {tmp_path}")]


def test_a_folder_that_another_cannot_look_into_is_told(path):
    with stranger({path.parent: 0}):
        assert told(path) == [("doubt", f"{path} cannot be looked at: Permission denied")]


@pytest.mark.parametrize(
    ("free", "size", "grade"),
    [
        (HARDLY_ANY - 1, 0, Grade.FAULT),
        (HARDLY_ANY, 0, Grade.DOUBT),
        (LITTLE, 0, Grade.GOOD),
        (LITTLE, LITTLE + 1, Grade.DOUBT),
    ],
)
def test_so_much_place_is_enough_and_less_is_not(free, size, grade):
    found = of_place(Path("/data"), free, size)
    assert (found.grade, found.about) == (grade, "disk")
    assert found.text.startswith(f"{free >> 20:,} MiB free for /data")
