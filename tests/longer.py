"""How long the long forms of tests are, which `make crash`, `make story`, `make fuzz` and `make soak` ask for."""

import os

LONGER = int(os.environ.get("NOTIFIER_LONGER", "1"))
"""So many times as long as in `make check`; the Makefile works it out from kills, stories or minutes."""
