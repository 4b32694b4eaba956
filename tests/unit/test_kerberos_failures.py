"""What the words of MIT Kerberos mean: an account was judged, or nobody judged it."""

import pytest

from unloop.channels.kerberos import client_failure
from unloop.errors import ChannelError, LogonRefused, LogonUndecided


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Minor (2529638936): Preauthentication failed", LogonRefused),
        ("Client 'nobody@X' not found in Kerberos database", LogonRefused),
        ("Client's credentials have been revoked", LogonRefused),
        ("Server host/10.0.0.1@X not found in Kerberos database", LogonUndecided),
        ("Cannot contact any KDC for realm 'X'", LogonUndecided),
        ("Clock skew too great", LogonUndecided),
    ],
)
def test_only_what_was_said_of_the_account_stops_it(text: str, error: type[ChannelError]) -> None:
    """An unknown host, an absent domain controller and a wrong clock say nothing of the password."""
    failure = client_failure(text)
    assert type(failure) is error
    assert "nobody" not in str(failure)
