"""What holds of every answer, whatever was asked: its status is named, errors have one form and are discreet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import unquote

from seatrial.core import Outcome
from seatrial.core.envelopes import not_in_form
from seatrial.core.inside import told, unescaped
from seatrial.fuzz._looked import Gap, proper
from seatrial.fuzz._messages import CUT, Sent
from seatrial.fuzz.probes._ask import MARK
from seatrial.fuzz.probes._found import Seen
from seatrial.fuzz.probes._ground import Besides, Ground
from seatrial.fuzz.probes._values import header_of
from seatrial.openapi import Operation

CLIENT_ERROR = range(400, 500)
ERROR = 400
SERVER_ERROR = 500
NO_DEFAULT = "no operation documents `default` beside what it names: contract.status-documented is about every status"


def status_named(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Look for statuses that nothing but `default` documents: below 400 always, of errors where it is to cover none."""
    hiding = {label: each for label, each in ground.operations.items() if each.default and each.statuses}
    if not hiding:
        return [], Gap(Outcome.NOT_APPLICABLE, NO_DEFAULT)
    covered = ERROR if ground.settings.default_covers == "errors" else SERVER_ERROR
    judged = [sent for sent in ground.answers if sent.operation in hiding and proper(sent, hiding[sent.operation])]
    judged = [sent for sent in judged if sent.status not in ground.limited]

    def wrong(sent: Sent) -> str:
        hidden = sent.status < covered and _hides(hiding[sent.operation], sent.status)
        return f"answers {sent.status}, which only `default` documents" if hidden else ""

    return _of_each(judged, wrong, "no operation that documents `default` was answered")


def _hides(operation: Operation, status: int) -> bool:
    """Return whether a status is left to `default`; one of success only where another success is named."""
    named = any(each.startswith(str(status)[0]) for each in operation.statuses)
    return operation.documented_as(status) == "default" and (named or status >= ERROR)


def errors_enveloped(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Look at the form of each answer of 4xx."""
    declared = ground.besides.errors
    if declared is None:
        return [], Gap(Outcome.NOT_APPLICABLE, "[errors] is not declared")
    header = ground.besides.tracing.header if ground.besides.tracing else ""
    repeated = declared.trace_field if header else ""

    def wrong(sent: Sent) -> str:
        trace = header_of(sent, header) if header else None
        problem = not_in_form(sent.response_body, trace, fields=declared.fields, trace_field=repeated)
        return f"an answer of {sent.status} {problem}" if problem else ""

    judged = [sent for sent in ground.answers if sent.status in CLIENT_ERROR and _is_whole(sent)]
    return _of_each(judged, wrong, "no request was answered with 4xx")


def errors_discreet(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Look for the inside of the service in each error, and for secrets of the run."""

    def wrong(sent: Sent) -> str:
        kind = told(unescaped(sent.response_body), _asked(sent)) or _secret(sent, ground.besides)
        return f"an answer of {sent.status} holds {kind}" if kind else ""

    judged = [sent for sent in ground.answers if sent.status >= ERROR]
    return _of_each(judged, wrong, "no request was answered with an error")


def _is_whole(sent: Sent) -> bool:
    return sent.method != "HEAD" and not sent.cut and not CUT.search(sent.response_body)


def _asked(sent: Sent) -> str:
    """Return all that a request held: what an answer repeats of it is no news."""
    headers = " ".join(value for _, value in sent.request_headers if not value.startswith(MARK))
    return unescaped(f"{unquote(sent.url)} {sent.request_body} {headers}")


def _secret(sent: Sent, besides: Besides) -> str:
    """Return that an answer holds a secret which its request did not."""
    asked = _asked(sent)
    known = besides.redact(sent.response_body) != sent.response_body and besides.redact(asked) == asked
    return "a secret" if known else ""


def _of_each(judged: Iterable[Sent], wrong: Callable[[Sent], str], unseen: str) -> tuple[list[Seen], Gap | None]:
    """Return what is wrong with answers, of each operation and kind the shortest request that shows it."""
    found, looked = dict[tuple[str, str], Sent](), False
    for sent in sorted(judged, key=lambda sent: (len(sent.body) + len(sent.url), sent.number)):
        looked = True
        if title := wrong(sent):
            found.setdefault((sent.operation, title), sent)
    seen = [
        Seen(operation=operation, title=title, cause=title.replace(" ", "-").replace("`", ""), steps=[sent])
        for (operation, title), sent in found.items()
    ]
    return seen, None if looked else Gap(Outcome.NOT_TESTED, unseen)
