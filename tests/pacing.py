"""What the tests of budgets have in common."""

from hypothesis import strategies as st

from notifier.core.model import Rate

rates = st.builds(Rate, st.integers(1, 400), st.sampled_from([1, 60, 3600]))
limits = st.just(Rate(0, 60)) | rates


def most_in_a_window(times: list[float], seconds: float) -> int:
    """The most requests in any stretch shorter than `seconds`."""
    most = start = 0
    for end, time in enumerate(times):
        while time - times[start] >= seconds - 1e-4:
            start += 1
        most = max(most, end - start + 1)
    return most
