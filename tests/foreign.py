"""Programs of other languages as the judges of what we send: run where they are installed, and insisted on in CI."""

import os
import shutil
import subprocess

import pytest

TEXTS = [
    "plain",
    "",
    "é ü ß 日本語",
    "🎬👩‍👩‍👧",
    "\u2028\u2029\u0085\ufeff",
    'quote " back \\ slash / <b>',
    "\x00\x1f\x7f\t",
]
"""What a body may hold that trips up whoever reads it as text."""


def insist(missing, variable):
    """Skip the test where something is missing, for the reason given; fail where `variable` says it must be there."""
    if missing and variable in os.environ:
        pytest.fail(f"{variable} is set, and {missing}")
    if missing:
        pytest.skip(missing)


def absent(program, package):
    """Why a program cannot be run, and which package of Debian or Ubuntu brings it; None where it is there."""
    return None if shutil.which(program) else f"{program} is not installed: apt-get install {package}"


def answered(command, folder, given):
    """What a program prints for what it is given."""
    ran = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
