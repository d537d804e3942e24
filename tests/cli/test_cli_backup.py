"""`notifier backup`: where the copy is, as seen from where the command is given."""

from asking import served


async def test_a_copy_is_made_where_the_command_is_given(asks, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    async with served(tmp_path):
        code, out, err = await asks("backup", "monday.db")
        size = (tmp_path / "here" / "monday.db").stat().st_size
        assert (code, out, err) == (0, "", f"{tmp_path / 'here' / 'monday.db'}: {size:,} bytes\n")
        code, _, err = await asks("backup", "monday.db")
        assert code == 1
        assert err.endswith("File exists: name a file that is not there yet\n")
