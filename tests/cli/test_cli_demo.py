"""`notifier demo`: what its options take."""

import pytest
from click.testing import CliRunner

from notifier.cli import notifier


@pytest.mark.parametrize("seconds", ["nan", "0", "3601", "soon"])
def test_a_demo_lasts_a_number_of_seconds(seconds):
    assert CliRunner().invoke(notifier, ["demo", "--seconds", seconds]).exit_code == 2
