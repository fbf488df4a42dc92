"""Personal data leaves, and storage is reached, by encrypted ways alone."""

import pytest

from rongtong.adapters.http import HttpClient, UnencryptedUrlError
from rongtong.adapters.iso_bank import MailboxDoor

IN_THE_OPEN = [
    "http://bank.example/api",
    "http://10.0.0.7",
    "http://localhost.example",
    "HTTP://bank.example",
    "ftp://bank.example",
    "bank.example/api",
    "https://",
    "",
]
ENCRYPTED = ["https://bank.example/api", "HTTPS://bank.example", "https://10.0.0.7:8443"]
ON_THIS_MACHINE = ["http://127.0.0.1:4566/restapis/a/v", "http://localhost:4566", "http://[::1]:4566"]


@pytest.mark.parametrize("url", IN_THE_OPEN)
def test_no_service_outside_is_called_in_the_open(url):
    with pytest.raises(UnencryptedUrlError):
        HttpClient(url, 1.0)
    with pytest.raises(UnencryptedUrlError):
        MailboxDoor(url, "account", 1.0)


@pytest.mark.parametrize("url", ENCRYPTED + ON_THIS_MACHINE)
def test_what_is_encrypted_or_stays_on_this_machine_may_be_called(url):
    assert HttpClient(url, 1.0)
    assert MailboxDoor(url, "account", 1.0)
