"""The Stack protocol and its drivers: compose (Testcontainers), local (processes), remote (a URL)."""
