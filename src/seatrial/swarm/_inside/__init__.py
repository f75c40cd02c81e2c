"""The load process: `python -m seatrial.swarm._inside` reads a plan from standard input and lets Locust's users loose.

Everything here runs only there, because importing Locust patches the sockets of the process that does it.
"""
