"""`notifier secret new`: fresh secrets that the config and receivers take."""

from notifier.core.signing import headers, parse_lock, parse_secret
from notifier.core.verifying import verified


def test_a_secret_is_fresh_every_time_and_alone_on_stdout(program):
    made = [program("secret", "new") for _ in range(3)]
    assert {code for code, _, _ in made} == {0}
    assert all(len(parse_secret(out.removesuffix("\n"))) == 32 for _, out, _ in made)
    assert len({out for _, out, _ in made}) == 3
    assert all("whsec_" not in err and err.count("\n") == 1 for _, _, err in made)


def test_a_pair_signs_with_one_half_and_verifies_with_the_other(program):
    code, out, err = program("secret", "new", "--asymmetric")
    whsk, whpk = out.splitlines()
    assert (code, err.count("\n")) == (0, 1)
    assert verified(headers([parse_secret(whsk)], "evt_1", 1, b"{}"), b"{}", parse_lock(whpk)).scheme == "v1a"
    assert program("secret", "new", "--asymmetric")[1] != out
