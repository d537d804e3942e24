"""The unit: can it start, in which systemd, how exposed it is, and whether the kernel's filter fits the machine."""

import re
import shutil
from pathlib import Path

import pytest
from strangers import stranger

from notifier.doctor.findings import Grade
from notifier.doctor.scene import Scene
from notifier.doctor.unit import UNIT, of_egress, of_unit, run

SHIPPED = Path(__file__).parent.parent.parent / "systemd" / "notifier.service"
DEBIAN_12 = "systemd 252 (252.39-1~deb12u2)\n+PAM +SECCOMP -BPF_FRAMEWORK +UTMP default-hierarchy=unified\n"
DEBIAN_13 = "systemd 257 (257.7-1)\n+PAM +SECCOMP +BPF_FRAMEWORK\n"
EXPOSED = "→ Overall exposure level for notifier.service: {} OK 🙂\n"


@pytest.fixture
def machine(tmp_path):
    """The root of one where the service is installed as it is shipped."""
    for folder in ("etc/systemd/system", "opt/notifier/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(SHIPPED, tmp_path / UNIT)
    (tmp_path / "opt/notifier/bin/notifier").write_text("#!/opt/notifier/bin/python\n")
    return tmp_path


def drop_in(machine, text, name="50-own.conf"):
    folder = machine / f"{UNIT}.d"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def told(machine, version=DEBIAN_13, exposure="1.1", loaded="NeedDaemonReload=no\n", *, is_service=True):
    asked = []

    def answers(command):
        asked.append(" ".join(command))
        if "--version" in command:
            return version
        return (
            EXPOSED.format(exposure) if exposure and command[0] == "systemd-analyze" else loaded * ("show" in command)
        )

    found = of_unit(Scene(machine / "c.toml", "", {}, is_service, machine), answers)
    assert all(one.cure for one in found if one.grade is not Grade.GOOD)
    assert len(asked) in {0, 3}
    return [(one.grade.value, one.about, one.text) for one in found]


def test_a_unit_as_it_is_shipped_is_good(machine):
    assert told(machine) == [
        ("good", "unit", f"it starts {machine}/opt/notifier/bin/notifier"),
        ("good", "systemd", "it is 257"),
        ("good", "unit", "its exposure is 1.1"),
    ]


def test_where_there_is_none_the_service_lacks_it_and_nobody_else(machine):
    (machine / UNIT).unlink()
    assert told(machine) == [("doubt", "unit", f"there is no {machine / UNIT}")]
    assert told(machine, is_service=False) == []


def test_a_unit_that_cannot_be_read_is_told(machine):
    (machine / UNIT).unlink()
    (machine / UNIT).mkdir()
    assert told(machine) == [("doubt", "unit", f"{machine / UNIT} cannot be read: Is a directory")]


# --- does it start?


def test_a_program_that_is_not_there_is_told_with_what_systemd_says(machine):
    (machine / "opt/notifier/bin/notifier").unlink()
    assert told(machine)[0] == (
        "fault",
        "unit",
        f"{machine}/opt/notifier/bin/notifier, which it starts, is not there: it ends with 203/EXEC",
    )


@pytest.mark.parametrize("of", ["program", "script", "environment"])
def test_an_installation_in_a_home_folder_is_told(machine, of):
    program = machine / "opt/notifier/bin/notifier"
    if of == "program":
        drop_in(machine, "[Service]\nExecStart=\nExecStart=/home/ann/.local/bin/notifier run\n")
        program = machine / "home/ann/.local/bin/notifier"
        program.parent.mkdir(parents=True)
        program.write_text("an executable")
    elif of == "script":
        program.write_text("#!/root/venv/bin/python3\n")
    else:
        (machine / "python").symlink_to("/home/ann/.pyenv/versions/3.11/bin/python3.11")
        program.write_text(f"#!{machine}/python -I\n")
    ((grade, _, text), *_) = told(machine)
    assert grade == "fault"
    where = "/root/" if of == "script" else "/home/ann/"
    assert text.startswith(f"{program}, which it starts, lies in a home folder, or its Python: {where}")
    assert text.endswith(", which the service does not see: it ends with 203/EXEC")


def test_a_program_in_a_folder_that_not_everybody_can_enter_is_told(machine):
    (machine / "opt/notifier").chmod(0o750)
    why = f"is in {machine}/opt/notifier, which not everybody can enter: it ends with 203/EXEC"
    assert told(machine)[0][2] == f"{machine}/opt/notifier/bin/notifier, which it starts, {why}"


def test_a_program_that_only_root_can_read_is_not_looked_into(machine):
    program = machine / "opt/notifier/bin/notifier"
    program.write_text("#!/root/venv/bin/python3\n")
    with stranger({program: 0o311}):
        assert told(machine)[0] == ("good", "unit", f"it starts {program}")


def test_a_unit_that_starts_nothing_is_not_judged_by_that(machine):
    (machine / UNIT).write_text("[Service]\n")
    assert told(machine)[0] == ("good", "systemd", "it is 257")


# --- the traps of some versions


@pytest.mark.parametrize(("version", "grade"), [(246, "fault"), (247, "doubt"), (251, "doubt"), (252, "good")])
def test_a_systemd_that_is_too_old_is_told(machine, version, grade):
    assert told(machine, f"systemd {version} (x)\n+BPF_FRAMEWORK")[1][:2] == (grade, "systemd")


def test_where_there_is_no_systemd_nothing_is_said_of_it(machine):
    assert [about for _, about, _ in told(machine, "", "", "")] == ["unit"]


def test_a_type_that_this_systemd_does_not_know_or_that_hides_a_refusal_is_told(machine):
    drop_in(machine, "[Service]\nType=notify-reload\n")
    assert ("fault", "unit", "Type=notify-reload came with systemd 253") in told(machine, DEBIAN_12)
    text = "with Type=notify-reload `systemctl reload` succeeds also where the daemon refuses the config"
    assert ("doubt", "unit", text) in told(machine, DEBIAN_13)


def test_a_line_that_this_systemd_leaves_without_effect_is_told(machine):
    text = "SocketBindDeny= has no effect: this systemd is built without BPF_FRAMEWORK"
    assert ("doubt", "systemd", text) in told(machine, DEBIAN_12)
    (machine / UNIT).write_text("[Service]\n")
    assert text not in str(told(machine, DEBIAN_12))


# --- how much it is exposed


def test_a_unit_that_a_drop_in_has_loosened_is_told(machine):
    assert told(machine, exposure="1.3")[-1] == (
        "doubt",
        "unit",
        "its exposure is 1.3, that of the unit as it is shipped 1.1",
    )


def test_files_that_systemd_has_not_read_yet_are_told(machine):
    assert told(machine, loaded="NeedDaemonReload=yes\n")[-1] == (
        "doubt",
        "unit",
        "its files have changed since systemd read them",
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_exposure_is_what_systemd_says_of_the_unit_with_its_drop_ins(machine):
    scene = Scene(machine / "c.toml", "", {}, True, machine)
    assert "its exposure is 1.1" in [one.text for one in of_unit(scene)]
    drop_in(machine, "[Service]\nCapabilityBoundingSet=CAP_SYS_ADMIN\n")
    assert [one.grade for one in of_unit(scene) if one.text.startswith("its exposure")] == [Grade.DOUBT]


def test_a_program_that_is_not_there_or_fails_says_nothing():
    assert run(["notifier-has-no-such-program"]) == ""
    assert run(["false"]) == ""
    assert run(["echo", "said"]) == "said\n"


# --- what the kernel lets it send to

WANTED = "# made\n[Service]\nIPAddressDeny=any\nIPAddressAllow=1.0.0.0/8 8.0.0.0/7\nIPAddressAllow=10.0.0.53/32\n"


def test_a_filter_that_is_as_it_would_be_made_now_is_good(machine):
    path = drop_in(machine, WANTED.replace("# made", "# made long ago"), "10-egress.conf")
    assert (of_egress(path, WANTED).grade, of_egress(path, WANTED).about) == (Grade.GOOD, "egress")


def test_a_filter_that_keeps_the_daemon_from_its_name_server_is_a_fault(machine):
    path = drop_in(machine, WANTED.replace("10.0.0.53/32", "10.0.0.1/32"), "10-egress.conf")
    found = of_egress(path, WANTED)
    assert found.grade is Grade.FAULT
    assert found.text == f"{path} keeps the daemon from 10.0.0.53/32: a time-out is all that it sees"
    assert re.match(rf"notifier systemd egress \| sudo tee {path}, then sudo systemctl daemon-reload", found.cure)


def test_a_filter_that_lets_more_pass_than_is_needed_is_doubtful(machine):
    path = drop_in(machine, WANTED + "IPAddressAllow=10.9.0.0/16 10.8.0.0/16\n", "10-egress.conf")
    found = of_egress(path, WANTED)
    assert found.grade is Grade.DOUBT
    assert found.text == f"{path} lets the daemon send to 10.8.0.0/16 and 1 other, which nothing needs any more"


def test_a_filter_that_is_not_there_is_doubtful(machine):
    found = of_egress(machine / "none.conf", WANTED)
    assert found.grade is Grade.DOUBT
    assert found.text == f"the kernel filters no addresses: {machine}/none.conf: No such file or directory"
