"""What an error must not say: where the service's code lies, how it asks its database, and what is secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

STACK_TRACE = re.compile(
    r"Traceback \(most recent call last\)|\bFile \"[^\"]+\", line \d+|^\s+at [\w.$<>]+\([^)]*:\d+\)"
    r"|\.(?:py|js|rb|php|java|go):\d+",
    re.MULTILINE,
)
SQL = re.compile(
    r"\bSELECT\b.{1,200}?\bFROM\b|\bINSERT INTO [\w\".]+|\bUPDATE [\w\".]+ SET\b|\bDELETE FROM [\w\".]+"
    r"|\bSQLSTATE\b|\bORA-\d{5}\b|syntax error at or near|duplicate key value violates"
    r"|violates (?:unique|foreign key|check|not-null) constraint|\bpsycopg\d?\.|\bsqlalchemy\.exc\b",
    re.DOTALL,
)
PATH = re.compile(
    r"(?<![\w:/.])/(?:app|etc|home|opt|root|srv|usr|var|Users|workspace)/(?:[\w.@+-]+/)*[\w@+-]+"
    r"\.(?:cfg|conf|cs|go|ini|java|js|key|log|pem|php|py|rb|rs|so|sqlite|ts)\b"
    r"|(?<!\w)[A-Z]:\\{1,2}(?:[\w .-]+\\{1,2})+[\w.-]+"
)
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
KINDS: Mapping[str, re.Pattern[str]] = {
    "a stack trace": STACK_TRACE,
    "SQL": SQL,
    "a path of the server": PATH,
    "a private key": KEY,
}


def unescaped(text: str) -> str:
    """Return an answer's text with its escapes undone, in which a trace inside JSON is hidden."""
    return text.replace("\\n", "\n").replace('\\"', '"')


def told(text: str, asked: str = "") -> str:
    """Return what a text tells of the inside, empty for nothing; what stands in the request itself is no news."""
    for kind, pattern in KINDS.items():
        if any(found[0] not in asked for found in pattern.finditer(text)):
            return kind
    return ""
