"""POST one delivery, return an Attempt; never raises.

`receiver` sends, over `connections` that its `guard` lets go to permitted addresses only, of the `names` that the
system resolves, and in the time that its `course` gives it; those `unused` are kept for a while. `verdict` puts what
came of it into our words, `wishes` are what the receiver asks for besides.
"""

from notifier.webhook.connections import Limits
from notifier.webhook.receiver import Receiver
from notifier.webhook.receivers import Receivers

__all__ = ["Limits", "Receiver", "Receivers"]
