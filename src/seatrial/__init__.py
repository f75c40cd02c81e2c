"""Test and load-verification harness for services that are deployed with docker compose."""

__version__ = "0.1.0"
