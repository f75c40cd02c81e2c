"""Requests that are aimed at documented answers which generated input does not bring about."""

from seatrial.fuzz.directed._aim import Aim
from seatrial.fuzz.directed._direct import direct
from seatrial.fuzz.directed._known import Directions, Known
from seatrial.fuzz.directed._requests import Senders

__all__ = ["Aim", "Directions", "Known", "Senders", "direct"]
