import signal
from pathlib import Path

import pytest
from hypothesis import settings
from longer import LONGER

# What a busy machine takes for an example says nothing.
settings.register_profile("calm", deadline=None, max_examples=100 * LONGER)
settings.load_profile("calm")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Ctrl-C is heeded by whatever is started, wherever the tests themselves run.

    Where several run beside each other, the folder of each has a short name: a socket's path holds 107 bytes.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what is to run in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # and so would all that the tests start
    if hasattr(config, "workerinput"):
        given = Path(config.option.basetemp)
        config.option.basetemp = str(given.with_name(given.name.removeprefix("popen-gw")))
