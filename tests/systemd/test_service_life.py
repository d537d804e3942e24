"""The service under a real systemd: how it starts, stops, fails, hangs, and comes back."""

import json
import sqlite3
import time

from booted import logged_at

from notifier import __version__

CREDENTIALS_FOLDER = "/etc/notifier/credentials"
RELEASE = "echo 204 >/srv/app; rm /srv/app"
"""Lets the receiver answer that waits for a named pipe, and those that come later at once."""


# --- start and stop


def test_when_start_returns_it_works_and_says_how_it_goes(service):
    service.systemctl("stop", "notifier")
    assert service.systemctl("start", "notifier") == 0
    assert service.is_up()
    assert "uploads followed, 0 deliveries waiting" in service.show("StatusText")


def test_a_change_comes_out_as_a_webhook_and_is_found_in_the_journal_by_its_upload(service):
    since = time.time()
    job = service.new_job()
    assert service.ask("POST", "/v1/sources/jobs/poll")[0] == 202
    service.happens(f"asked app upload.completed {job}", since, unit="outside.service")
    entry = service.happens("outcome=delivered", since)
    assert (entry["NOTIFIER_UPLOAD"], entry["NOTIFIER_ENDPOINT"], entry["SYSLOG_IDENTIFIER"]) == (
        job,
        "app",
        "notifier",
    )
    told = service.machine.said("journalctl", f"NOTIFIER_UPLOAD={job}", "--output=cat").splitlines()
    assert [line.split()[0] for line in told] == ["announced", "attempted"]


def test_a_stop_is_clean_and_lets_what_is_on_its_way_end(service):
    since = time.time()
    service.machine.said("mkfifo", "/srv/app")
    job = service.new_job()
    service.ask("POST", "/v1/sources/jobs/poll")
    service.happens(f"asked app upload.completed {job}", since, unit="outside.service")
    with service.machine.popen("systemctl", "stop", "notifier") as stop:
        service.happens("stopping in_flight=1", since)
        service.machine.said("sh", "-c", RELEASE)
        assert stop.wait(60) == 0
    assert service.happens("outcome=delivered", since)["NOTIFIER_UPLOAD"] == job
    assert (service.show("Result"), service.show("ActiveState"), service.show("ExecMainStatus")) == (
        *("success", "inactive"),
        "0",
    )


def test_ten_restarts_by_hand_lock_nobody_out(service):
    for _ in range(10):
        assert service.systemctl("restart", "notifier") == 0
    assert service.is_up()


def test_a_second_daemon_on_the_same_database_names_the_first_and_ends(service):
    environ = ("env", "STATE_DIRECTORY=/var/lib/private/notifier", "RUNTIME_DIRECTORY=/tmp")
    credentials = f"CREDENTIALS_DIRECTORY={CREDENTIALS_FOLDER}"
    second = service.machine.run(*environ, credentials, "/opt/notifier/bin/notifier", "run")
    assert second.returncode == 1
    assert f"another notifier (pid {service.pid}) has it open" in second.stderr
    assert service.is_up()


# --- another config

FAULTY = "[delivery]\nmax_in_flight = 0\n"
FAULT = 'config refused fault="/etc/notifier/config.toml:2:1: delivery.max_in_flight: expected a whole number'
CRM = """
[[endpoints]]
name = "crm"
url = "http://192.31.196.10:8000/crm"
secrets = [{ credential = "app" }]
"""


def endpoints(service):
    return [one["name"] for one in json.loads(service.ask("GET", "/v1/endpoints")[1])["items"]]


def test_a_reload_puts_another_config_in_force_in_the_same_process(service):
    since, pid = time.time(), service.pid
    service.configure(service.config + CRM)
    assert service.systemctl("reload", "notifier") == 0
    assert "+ endpoint crm" in service.happens("reloaded changes=", since)["MESSAGE"]
    assert (endpoints(service), service.pid) == (["app", "crm"], pid)
    assert service.is_up()


def test_a_reload_fails_where_the_config_has_a_fault_and_all_goes_on_as_before(service):
    since, pid = time.time(), service.pid
    service.configure(FAULTY)
    assert service.systemctl("reload", "notifier") == 1
    service.happens(FAULT, since)
    assert (endpoints(service), service.pid, service.show("NRestarts")) == (["app"], pid, "0")
    assert service.is_up()
    service.configure()
    assert service.systemctl("reload", "notifier") == 0
    assert service.is_up()


def test_a_signal_does_the_same_and_never_ends_the_daemon(service):
    since, pid = time.time(), service.pid
    service.configure(FAULTY)
    service.kill("HUP", pid)
    service.happens(FAULT, since)
    assert service.is_up()
    since = time.time()
    service.configure(service.config + CRM)
    service.kill("HUP", pid)
    service.happens("reloaded changes=", since)
    assert (endpoints(service), service.pid) == (["app", "crm"], pid)


# --- what systemd does when it fails


def test_after_kill_9_it_is_back_within_six_seconds_and_nothing_owed_is_lost(service):
    since = time.time()
    service.machine.said("mkfifo", "/srv/app")
    job = service.new_job()
    service.ask("POST", "/v1/sources/jobs/poll")
    service.happens(f"asked app upload.completed {job}", since, unit="outside.service")
    pid = service.pid
    killed = time.time()
    service.kill("KILL", pid)
    end = service.happens("Main process exited, code=killed, status=9/KILL", killed)
    service.machine.said("sh", "-c", RELEASE)
    back = service.happens("Started notifier.service", killed)
    assert logged_at(back) - logged_at(end) < 6
    assert service.pid != pid
    entry = service.happens("outcome=delivered", killed)
    assert entry["NOTIFIER_UPLOAD"] == job
    assert service.is_up()


def test_a_process_that_is_stopped_is_replaced(service):
    service.drop_in("WatchdogSec=2s", "RestartSec=0")
    since = time.time()
    pid = service.pid
    service.kill("STOP", pid)
    service.happens("Watchdog timeout", since)
    service.happens("Started notifier.service", since)
    assert service.pid != pid


def test_an_event_loop_that_hangs_is_replaced_and_the_journal_has_the_line(service):
    service.drop_in("WatchdogSec=2s", "RestartSec=0", "Environment=PYTHONPATH=/srv/hooks")
    since = time.time()
    service.kill("USR1")
    service.happens("Watchdog timeout", since)
    service.happens("Fatal Python error: Aborted", since)
    service.happens('File "/srv/hooks/sitecustomize.py", line', since)
    service.happens("Started notifier.service", since)
    assert service.is_up()


def test_a_loop_that_makes_no_progress_is_replaced_and_the_journal_says_where_it_waited(service):
    service.drop_in("WatchdogSec=2s", "RestartSec=0", "Environment=PYTHONPATH=/srv/hooks")
    since = time.time()
    service.kill("USR2")
    late = service.happens("late loop=sender", since)
    assert "sitecustomize.py:" in late["NOTIFIER_WHERE"]
    assert service.ask("GET", "/healthz")[0] == 200  # the process is alive, and does nothing
    service.happens("Watchdog timeout", since)
    service.happens("Started notifier.service", since)
    assert service.is_up()


# --- what no restart mends


def refused(service):
    """That it does not start, is not tried again, and ended with 78; what it said."""
    since = time.time()
    assert service.systemctl("restart", "notifier") == 1
    assert (service.show("ExecMainStatus"), service.show("NRestarts")) == ("78", "0")
    assert (service.show("ActiveState"), service.show("SubState")) == ("failed", "failed")  # no "auto-restart"
    service.happens("Failed with result 'exit-code'", since)
    ours = [one for one in service.machine.journal.entries if one.get("_SYSTEMD_UNIT") == "notifier.service"]
    return "\n".join(str(one["MESSAGE"]) for one in ours if logged_at(one) >= since)


def test_a_wrong_config_ends_it_with_78_and_it_is_not_started_again(service):
    service.configure(FAULTY)
    assert "/etc/notifier/config.toml:2:1: delivery.max_in_flight: expected a whole number" in refused(service)


def test_a_secret_that_is_not_there_does_the_same(service):
    service.machine.said("mv", f"{CREDENTIALS_FOLDER}/app", "/srv/away")
    try:
        assert "endpoints.app.secrets" in refused(service)
    finally:
        service.machine.said("mv", "/srv/away", f"{CREDENTIALS_FOLDER}/app")


def test_a_database_of_a_newer_version_does_the_same(service):
    service.systemctl("stop", "notifier")
    path = service.machine.tree / "var/lib/private/notifier/notifier.db"
    database = sqlite3.connect(path)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    try:
        database.execute("PRAGMA user_version = 999")
        assert "its schema is 999" in refused(service)
    finally:
        database.execute(f"PRAGMA user_version = {version}")
        database.close()


def test_a_missing_credentials_folder_is_cured_by_systemd_tmpfiles(service):
    service.machine.said("mv", CREDENTIALS_FOLDER, "/srv/away")
    try:
        assert service.systemctl("restart", "notifier") == 1
        assert service.show("ExecMainStatus") == "243"
        service.systemctl("stop", "notifier")
        service.machine.said("systemd-tmpfiles", "--create", "notifier.conf")
        service.configure("")
        assert service.systemctl("start", "notifier") == 0
        assert service.machine.said("stat", "--format=%a %U", CREDENTIALS_FOLDER) == "700 root\n"
    finally:
        service.machine.said("sh", "-c", f"rmdir {CREDENTIALS_FOLDER}; mv /srv/away {CREDENTIALS_FOLDER}")
        service.systemctl("stop", "notifier")


def test_the_version_that_runs_is_the_one_that_is_tested(service):
    assert json.loads(service.ask("GET", "/openapi.json")[1])["info"]["version"] == __version__
