"""`notifier systemd`: what is written where, what is not, and why."""

import os
import sys
from pathlib import Path

import pytest

from notifier.cli import egress, systemd
from notifier.cli.systemd import UNSEEN, unreachable

SHIPPED = Path(__file__).parent.parent.parent / "systemd"
UNITS = Path("etc/systemd/system")
DROP_INS = UNITS / "notifier.service.d"
GOOD = '[delivery]\nallow_networks = ["10.1.0.0/16"]\n'


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine that has no config, one name server, and the program in /opt/notifier."""
    monkeypatch.setattr(egress, "SYSTEM", tmp_path / "etc/notifier/config.toml")
    monkeypatch.setattr(egress, "RESOLV_CONF", tmp_path / "etc/resolv.conf")
    monkeypatch.setattr(systemd, "ROOT", tmp_path)
    monkeypatch.setattr(systemd, "OPERATORS", "a-group-that-is-not-there")
    monkeypatch.setattr(systemd, "unreachable", lambda _: "")
    monkeypatch.setattr(sys, "prefix", "/opt/notifier")
    (tmp_path / "etc/notifier").mkdir(parents=True)
    (tmp_path / "etc/resolv.conf").write_text("nameserver 10.0.0.2\n")
    return tmp_path


def written(machine):
    return {path.relative_to(machine).as_posix() for path in machine.rglob("*") if path.is_file()} - {"etc/resolv.conf"}


# --- egress


def test_the_shipped_drop_in_is_what_is_made_without_name_servers(program):
    assert program("systemd", "egress", "--no-dns") == (0, (SHIPPED / "10-egress.conf").read_text(), "")


def test_the_name_servers_of_the_machine_are_let_through(program, tmp_path):
    assert program("systemd", "egress")[1].endswith("# name servers\nIPAddressAllow=10.0.0.2/32\n")
    (tmp_path / "other").write_text("nameserver 10.0.0.7\n")
    told = program("systemd", "egress", "--resolv-conf", tmp_path / "other")[1]
    assert told.endswith("# name servers\nIPAddressAllow=10.0.0.7/32\n")
    assert f"#   notifier systemd egress --resolv-conf {tmp_path}/other\n" in told


def test_without_a_word_on_name_servers_nothing_is_made(program, machine):
    (machine / "etc/resolv.conf").unlink()
    cure = "name the file with the name servers by --resolv-conf, or say --no-dns"
    told = f"Error: {machine}/etc/resolv.conf: No such file or directory: {cure}\n"
    assert program("systemd", "egress") == (1, "", told)


@pytest.mark.parametrize("server", ["169.254.169.254", "168.63.129.16"])
def test_a_name_server_that_tells_credentials_is_not_listed_and_the_way_out_is_named(program, machine, server):
    (machine / "etc/resolv.conf").write_text(f"nameserver {server}\nnameserver 10.0.0.2\n")
    code, text, told = program("systemd", "egress")
    assert (code, server in text) == (1, False)
    assert text.endswith("IPAddressAllow=10.0.0.2/32\n")
    assert told.startswith(f"Error: the name server {server} tells the credentials of this machine, too")
    assert "libnss-resolve" in told
    assert "--no-dns" in told


def test_what_the_config_allows_is_let_through_and_what_is_asked_for(program, machine):
    egress.SYSTEM.write_text(GOOD)
    code, text, _ = program("systemd", "egress", "--no-dns", "--allow", "10.2.3.4", "--allow", "fd00::7")
    assert code == 0
    assert text.endswith("# allowed besides\nIPAddressAllow=10.1.0.0/16 10.2.3.4/32 fd00::7/128\n")
    assert "#   notifier systemd egress --allow 10.2.3.4/32 --allow fd00::7/128 --no-dns\n" in text


def test_a_config_by_name_is_named_in_full(program, machine, monkeypatch):
    (machine / "mine.toml").write_text(GOOD)
    monkeypatch.chdir(machine)
    text = program("systemd", "egress", "--no-dns", "-c", "mine.toml")[1]
    assert f"#   notifier systemd egress --config {machine}/mine.toml --no-dns\n" in text
    assert text.endswith("IPAddressAllow=10.1.0.0/16\n")


def test_a_name_that_cannot_be_listed_is_told_unless_something_is_allowed(program, machine):
    source = '[[sources]]\nname = "a"\nprovider = "xenonflare"\napi_key = "k"\nbase_url = "http://api.corp.internal"\n'
    egress.SYSTEM.write_text(source)
    told = "sources.a.base_url: api.corp.internal is a name of this network: --allow ADDRESS lets it be reached"
    assert program("systemd", "egress", "--no-dns")[2] == f"warning: {told}\n"
    assert program("systemd", "egress", "--no-dns", "--allow", "10.0.0.9")[::2] == (0, "")


def test_a_config_with_a_fault_makes_none(program, machine):
    egress.SYSTEM.write_text(GOOD.replace("10.1", "10.1.1"))
    code, text, told = program("systemd", "egress")
    assert (code, text) == (78, "")
    assert "config.toml:2:1: delivery.allow_networks.1: expected a network" in told


@pytest.mark.parametrize("text", ["nobody", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_what_is_no_network_is_no_option(program, text):
    code, _, told = program("systemd", "egress", "--allow", text)
    assert code == 2
    assert "expected a network like" in told


# --- install


def test_all_that_the_service_needs_is_written_and_what_is_next_is_told(program, machine):
    code, told, _ = program("systemd", "install")
    assert code == 0
    assert written(machine) == {
        f"{UNITS}/notifier.service",
        f"{UNITS}/notifier-http.socket",
        f"{DROP_INS}/10-egress.conf",
        "usr/lib/tmpfiles.d/notifier.conf",
        "usr/lib/systemd/catalog/notifier.catalog",
    }
    assert told.splitlines() == [
        f"{machine}/{UNITS}/notifier.service  written",
        f"{machine}/{UNITS}/notifier-http.socket  written",
        f"{machine}/usr/lib/tmpfiles.d/notifier.conf  written",
        f"{machine}/usr/lib/systemd/catalog/notifier.catalog  written",
        f"{machine}/{DROP_INS}/10-egress.conf  written",
        f"{machine}/{DROP_INS}/20-operators.conf  left out, for there is no group a-group-that-is-not-there",
        f"{machine}/etc/notifier/config.toml  is not there yet: install again after it, for what it allows",
        "next:",
        *(f"  {command}" for command in systemd.NEXT),
    ]
    for shipped, place in (("notifier.service", UNITS / "notifier.service"), ("notifier-http.socket", UNITS)):
        installed = machine / place if (machine / place).is_file() else machine / place / shipped
        assert installed.read_text() == (SHIPPED / shipped).read_text()
    assert (machine / DROP_INS / "10-egress.conf").read_text().endswith("IPAddressAllow=10.0.0.2/32\n")


def test_a_dry_run_writes_nothing(program, machine):
    code, told, _ = program("systemd", "install", "--dry-run")
    assert (code, written(machine)) == (0, set())
    assert f"{machine}/{UNITS}/notifier.service  would be written\n" in told


def test_the_group_of_operators_has_its_drop_in_where_it_is_there(program, machine, monkeypatch):
    monkeypatch.setattr(systemd, "OPERATORS", "root")
    assert "left out" not in program("systemd", "install")[1]
    assert (machine / DROP_INS / "20-operators.conf").read_text() == (SHIPPED / "20-operators.conf").read_text()


def test_the_unit_starts_the_program_where_it_is(program, machine, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/srv/notifier")
    program("systemd", "install")
    unit = (machine / UNITS / "notifier.service").read_text()
    assert "ExecStart=/srv/notifier/bin/notifier run" in unit
    assert "/opt/notifier" not in unit


@pytest.mark.parametrize("mask", [0o077, 0o022])
def test_others_can_read_what_is_written_whatever_the_umask(program, machine, mask):
    before = os.umask(mask)
    try:
        program("systemd", "install")
    finally:
        os.umask(before)
    assert (machine / UNITS / "notifier.service").stat().st_mode & 0o777 == 0o644


def test_a_second_time_changes_nothing(program, machine):
    program("systemd", "install")
    told = program("systemd", "install")[1]
    assert told.count("  as it was\n") == 5
    assert len(written(machine)) == 5


def test_what_somebody_changed_is_kept_beside_it(program, machine):
    program("systemd", "install")
    unit = machine / UNITS / "notifier.service"
    unit.write_text("by hand")
    would = program("systemd", "install", "--dry-run")[1]
    assert f"{unit}  would be replaced, the old one beside it\n" in would
    assert f"{unit}  replaced, the old one beside it\n" in program("systemd", "install")[1]
    assert unit.read_text() == (SHIPPED / "notifier.service").read_text()
    assert unit.with_name("notifier.service.old").read_text() == "by hand"


def test_the_drop_in_is_made_anew_as_it_was_made(program, machine):
    program("systemd", "install", "--no-dns", "--allow", "10.2.0.0/16")
    egress.SYSTEM.write_text(GOOD)
    program("systemd", "install")
    text = (machine / DROP_INS / "10-egress.conf").read_text()
    assert text.endswith("# allowed besides\nIPAddressAllow=10.1.0.0/16 10.2.0.0/16\n")
    program("systemd", "install", "--allow", "10.3.0.0/16")
    text = (machine / DROP_INS / "10-egress.conf").read_text()
    assert "#   notifier systemd egress --allow 10.3.0.0/16\n" in text


def test_where_no_name_can_be_resolved_nothing_is_written(program, machine):
    (machine / "etc/resolv.conf").write_text("nameserver 169.254.169.254\n")
    code, _, told = program("systemd", "install")
    assert (code, written(machine)) == (1, set())
    assert "libnss-resolve" in told


def test_what_cannot_be_written_or_read_is_told(program, machine):
    (machine / "usr").write_text("in the way")
    told = f"Error: {machine}/usr/lib/tmpfiles.d/notifier.conf: Not a directory"
    assert program("systemd", "install")[::2] == (1, f"{told}\n")
    (machine / "usr").unlink()
    unit = machine / UNITS / "notifier.service.new"
    unit.mkdir(parents=True)
    (machine / UNITS / "notifier.service").unlink()
    told = f"Error: {machine / UNITS / 'notifier.service'}: Is a directory: only root may write there (sudo)\n"
    assert program("systemd", "install")[::2] == (1, told)


# --- where the program must not be


def test_a_program_that_the_service_could_not_start_is_not_installed(program, machine, monkeypatch):
    monkeypatch.setattr(systemd, "unreachable", lambda place: "it sees nothing of /home" if "opt" in str(place) else "")
    code, _, told = program("systemd", "install")
    assert (code, written(machine)) == (1, set())
    why = "the service could not start /opt/notifier/bin/notifier: it sees nothing of /home"
    assert told == f"Error: {why}. Install the program in /opt/notifier\n"


@pytest.mark.parametrize("folder", UNSEEN, ids=str)
def test_the_service_sees_no_homes_and_no_temporary_files(folder):
    assert unreachable(Path(folder, "x/bin/notifier")) == f"it sees nothing of {folder}"


def test_the_interpreter_of_this_system_can_be_started():
    assert unreachable(Path("/bin/sh").resolve()) == ""


def test_what_only_some_can_enter_cannot_be_started(tmp_path):
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o750)
    assert unreachable(closed / "bin/notifier", hidden=()) == f"not every user can enter {closed}"


@pytest.mark.parametrize("path", ["/opt/a b/notifier", "/opt/%n/notifier", "/opt/$x/notifier", '/opt/"/notifier'])
def test_a_path_that_means_something_else_in_a_unit_is_refused(path):
    assert unreachable(Path(path)) == "its path has characters that mean something else in a unit"
