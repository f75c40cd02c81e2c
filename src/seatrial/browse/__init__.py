"""The service's page for people, in a headless Chromium: what each of its states shows, and what axe finds in it."""

from seatrial.browse._axe import Axe, fetch_axe
from seatrial.browse._chromium import Chromium, Unavailable
from seatrial.browse._seen import SCHEMES, Seen
from seatrial.browse._tour import Impossible, Tour

__all__ = ["SCHEMES", "Axe", "Chromium", "Impossible", "Seen", "Tour", "Unavailable", "fetch_axe"]
