"""What the daemon connects to besides public addresses, as far as the config tells it."""

from ipaddress import ip_network

import pytest
from configs import APP, DESCRIBED, GOOD, LIST, MEDIA, POSTS

from notifier.config import ConfigError, written
from notifier.config.reach import reached


@pytest.fixture
def file(tmp_path):
    """The config as it is written."""

    def file(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return written(path)

    return file


def test_public_addresses_need_no_word(file):
    assert reached(file(GOOD + MEDIA)) == ([], [])


def test_every_allowed_network_is_reached(file):
    own = 'allow_networks = ["10.1.0.0/16"]\n'
    text = f'[delivery]\nallow_networks = ["fd00::/8"]\n{GOOD}{own}{APP.replace("app", "other")}{own}'
    assert reached(file(text)) == ([ip_network("fd00::/8"), ip_network("10.1.0.0/16")], [])


@pytest.mark.parametrize(
    ("host", "network"), [("10.9.9.9", "10.9.9.9/32"), ("[fd00::1]:8080", "fd00::1/128"), ("192.31.196.1", None)]
)
def test_an_address_in_a_base_url_is_reached_unless_it_is_public(file, host, network):
    text = DESCRIBED.replace("api.example.com", host) + LIST
    assert reached(file(text)) == ([ip_network(network)] if network else [], [])


def test_a_name_of_this_network_is_told(file):
    text = DESCRIBED.replace("api.example.com", "api.corp.internal:8080") + LIST
    told = "sources.jobs.base_url: api.corp.internal is a name of this network: --allow ADDRESS lets it be reached"
    assert reached(file(text)) == ([], [told])


def test_secrets_are_not_needed_for_it(file):
    text = POSTS.replace('env = "KEY"', 'credential = "not-here"') + 'base_url = "http://127.0.0.1:9000"\n'
    assert reached(file(text)) == ([ip_network("127.0.0.1/32")], [])


def test_faults_of_form_are_told_with_their_places(file):
    with pytest.raises(ConfigError, match=r"config.toml:2:1: delivery.allow_networks.1: expected a network"):
        file('[delivery]\nallow_networks = ["no"]\n')
