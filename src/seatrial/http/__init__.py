"""httpx clients that record, identities, source addresses, and tokens that must be refused."""

from seatrial.core import curl_for
from seatrial.http._addresses import AddressPool, loopback_networks
from seatrial.http._administrators import administrator_of, shut_out
from seatrial.http._client import RecordingClient, new_exchange_id, open_client
from seatrial.http._forge import FORGERIES, bad_tokens
from seatrial.http._identities import IdentityPool
from seatrial.http._keys import SigningKey
from seatrial.http._tls import NEW, OLD, Certificate, see_certificate, speaks, unspoken

__all__ = [
    "FORGERIES",
    "NEW",
    "OLD",
    "AddressPool",
    "Certificate",
    "IdentityPool",
    "RecordingClient",
    "SigningKey",
    "administrator_of",
    "bad_tokens",
    "curl_for",
    "loopback_networks",
    "new_exchange_id",
    "open_client",
    "see_certificate",
    "shut_out",
    "speaks",
    "unspoken",
]
