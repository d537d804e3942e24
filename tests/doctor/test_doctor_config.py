"""Which config counts and why, every fault of it, and whether the service gets at its secrets."""

import pytest
from configs import ENVIRON, GOOD, KEY, POSTS, WHSEC
from strangers import stranger

from notifier.config import ConfigError
from notifier.doctor.config import TMPFILES, of_config
from notifier.doctor.findings import Grade
from notifier.doctor.scene import scene


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The root of one where the service is installed, and nothing in the present folder."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "machine"
    (root / "etc/notifier/credentials").mkdir(parents=True, mode=0o700)
    (root / "etc/notifier/config.toml").write_text("")
    return root


def found(scene_):
    reading, findings = of_config(scene_)
    assert not [secret for secret in (KEY, WHSEC) if secret in repr(findings)]
    assert all(one.cure for one in findings if one.grade is not Grade.GOOD)
    return reading, [(one.grade.value, one.about, one.text) for one in findings]


def service(machine, text, **environ):
    (machine / "etc/notifier/config.toml").write_text(text)
    (machine / "etc/notifier/config.toml").chmod(0o600)
    return found(scene(None, {**ENVIRON, **environ}, machine))


# --- which


def test_the_config_that_is_named_counts(machine, tmp_path):
    one = scene(tmp_path / "mine.toml", {}, machine)
    assert (one.config, one.why) == (
        tmp_path / "mine.toml",
        f"--config names it; {machine}/etc/notifier/config.toml is passed over",
    )
    assert (one.is_service, dict(one.environ)) == (False, {})


def test_else_the_one_that_the_environment_names(machine, tmp_path):
    one = scene(None, {"NOTIFIER_CONFIG": str(tmp_path / "env.toml")}, machine)
    assert one.why.startswith("$NOTIFIER_CONFIG names it; ")
    assert not one.is_service


def test_else_that_of_the_machine_with_what_systemd_gives_to_its_service(machine, tmp_path):
    (tmp_path / "config.toml").touch()
    one = scene(None, {"X": "y", "STATE_DIRECTORY": "/elsewhere"}, machine)
    assert (one.why, one.is_service) == ("it is the machine's; config.toml is passed over", True)
    assert dict(one.environ) == {
        "X": "y",
        "STATE_DIRECTORY": "/elsewhere",
        "RUNTIME_DIRECTORY": f"{machine}/run/notifier",
        "CREDENTIALS_DIRECTORY": f"{machine}/etc/notifier/credentials",
    }
    assert scene(machine / "etc/notifier/config.toml", {}, machine).is_service


def test_else_that_of_the_present_folder(machine, tmp_path):
    (machine / "etc/notifier/config.toml").unlink()
    with pytest.raises(ConfigError, match="no config"):
        scene(None, {}, machine)
    (tmp_path / "config.toml").touch()
    one = scene(None, {}, machine)
    assert (one.why, one.is_service) == ("it is in this folder, and the machine has none", False)


# --- what is in it


def test_a_right_config_is_told_with_what_it_has(machine):
    reading, told = service(machine, GOOD)
    assert reading.settings.store_path == machine / "var/lib/notifier/notifier.db"
    assert reading.settings.socket == machine / "run/notifier/notifier.sock"
    assert told == [
        ("good", "config", f"{machine}/etc/notifier/config.toml (it is the machine's): 1 source, 1 endpoint"),
        ("good", "secrets", "2 secrets, all of them readable"),
    ]


def test_every_fault_is_told_and_then_nothing_more(machine):
    reading, told = service(machine, GOOD + "[stoer]\n[delivery]\ntimeout = 5\n" + POSTS.replace("KEY", "NONE"))
    assert reading is None
    assert [grade for grade, *_ in told] == ["fault"] * 4
    assert 'did you mean "store"?' in str(told)


def test_what_is_doubtful_is_told(machine):
    _, told = service(machine, GOOD + "[delivery]\nallow_http = true\n")
    assert told[1][:2] == ("doubt", "config")
    assert "delivery.allow_http" in told[1][2]


# --- credentials


def test_a_folder_of_credentials_that_is_missing_is_told_with_what_the_start_says(machine):
    (machine / "etc/notifier/credentials").rmdir()
    _, findings = of_config(scene(None, ENVIRON, machine))
    assert (findings[0].grade, findings[0].cure) == (Grade.FAULT, TMPFILES)
    assert "243/CREDENTIALS" in findings[0].text


def test_credentials_are_read_as_the_service_gets_them(machine):
    text = GOOD.replace('{ env = "KEY" }', '{ credential = "key" }')
    assert "the credential key cannot be read" in str(service(machine, text)[1])
    (machine / "etc/notifier/credentials/key").write_text(KEY)
    assert service(machine, text)[0] is not None


def test_a_folder_of_credentials_that_is_open_is_told(machine):
    (machine / "etc/notifier/credentials").chmod(0o755)
    _, told = service(machine, GOOD)
    assert told[0] == ("doubt", "credentials", f"{machine}/etc/notifier/credentials is open to others than root")


def test_who_may_not_look_into_it_is_told_so(machine):
    text = GOOD.replace('{ env = "KEY" }', '{ credential = "key" }')
    (machine / "etc/notifier/config.toml").write_text(text)
    (machine / "etc/notifier/credentials/key").write_text(KEY)
    with stranger({machine / "etc/notifier/credentials": 0}):
        reading, told = found(scene(None, ENVIRON, machine))
    closed = f"{machine}/etc/notifier/credentials is closed to you: what is in it cannot be judged"
    assert (reading, told) == (None, [("doubt", "credentials", closed)])


def test_a_file_that_the_service_cannot_read_is_a_fault_of_the_service_alone(machine, tmp_path):
    text = GOOD.replace('{ env = "KEY" }', '{ file = "key" }')
    for folder in (machine / "etc/notifier", tmp_path):
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
    _, told = service(machine, text)
    assert told[-1][:2] == ("fault", "secrets")
    assert told[-1][2] == (
        "sources.posts.api_key: the file key is not for everybody to read, and the service is not root"
    )
    (tmp_path / "config.toml").write_text(text)
    assert found(scene(tmp_path / "config.toml", ENVIRON, machine))[1][-1][0] == "good"
