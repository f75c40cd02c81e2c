"""The phases that wait: a burst and the end of its window, and Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, judge_again, judge_quota
from seatrial.throttle._first import Ramp
from seatrial.throttle._headers import Truth, judge_late
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._replay import Turn, Turns, Way
from seatrial.throttle._retry import Wait, judge_retry_after, read_wait
from seatrial.throttle._scene import Scene
from seatrial.throttle._shapes import answered
from seatrial.throttle._shifted import settle
from seatrial.throttle._window import Edge, end_of_window, inside
from seatrial.throttle._wire import ANSWER_S, Answer, WireError


@dataclass(frozen=True, slots=True)
class Burst:
    """A user who asked for everything at once."""

    user: Identity
    answers: tuple[Answer, ...]
    edge: Edge

    @property
    def began_s(self) -> float:
        """Return when the first request left."""
        return min(answer.sent.s for answer in self.answers)


async def burst(scene: Scene, ramp: Ramp) -> Burst:
    """See that exactly the quota is admitted all at once; raises UndecidedError, WireError."""
    (user,) = scene.cast()
    answers = await judge_burst(scene, ramp, user, "at once", lambda: scene.burst(user), way="at once")
    return Burst(user, tuple(answers), end_of_window(scene.policy, answers))


async def one_write(scene: Scene, ramp: Ramp) -> None:
    """See the same for requests that reach the server in one write; raises UndecidedError where it takes none such."""
    (user,) = scene.cast()
    await judge_burst(scene, ramp, user, "in one write", lambda: scene.one_write(user), way="in one write")


async def judge_burst(  # noqa: PLR0913 - who sends what, and what is said of it
    scene: Scene,
    ramp: Ramp,
    user: Identity,
    how: str,
    send: Callable[[], Coroutine[None, None, list[Answer]]],
    *,
    way: Way,
    alone: int = 0,
    told: str = "",
    claim: str = "quota-exact",
) -> list[Answer]:
    """Judge whether exactly the quota is admitted of what a fresh client sends; raises UndecidedError.

    So many requests come `alone` before those that go out in one `way`; what is `told` has to be done besides.
    """
    await scene.await_clock()
    # What is not answered within a window could not be judged anyway.
    patience_s = min(ANSWER_S, scene.policy.window_s)
    try:
        answers = await asyncio.wait_for(send(), patience_s)
    except (WireError, TimeoutError) as error:
        raise UndecidedError(f"of requests {how} not every one was answered: {error or 'in time'}") from error
    if not inside(end_of_window(scene.policy, answers), answers):
        raise UndecidedError(f"requests {how} did not fit into one window here")
    first = Turn(answers=(answers[0],), times=alone)
    turns = (
        *([Turn(told=told)] if told else []),
        *([first] if alone else []),
        replace(first, times=len(answers) - alone, way=way),
    )
    most = await settle(scene, user, claim, answers, ramp.kinds)
    found = judge_quota(scene.policy, answers, ramp.kinds, how=how, most=most)
    scene.ledger.judge(claim, [replace(defect, replay=turns) for defect in found])
    return answers


async def window_end(scene: Scene, ramp: Ramp, first: Burst) -> None:
    """See that nothing is admitted before the window ends, and after it what the first window admitted.

    Raises UndecidedError, WireError.
    """
    await _drain(scene, ramp, first)
    early = await _ask_early(scene, ramp, first)
    began = [early] if ramp.kinds.admitted(early) else []
    if began and inside(first.edge, began):
        scene.ledger.judge("window-resets", [_too_short(scene, first, early)])
        return
    # One that was admitted while the window may have ended counts in the second window: there it is allowed once.
    await scene.sleep_until(first.edge.latest_s)
    await scene.await_clock()
    again = [*began, *await scene.send(scene.wire(first.user), len(ramp.answers))]
    if not inside(end_of_window(scene.policy, again), again):
        raise UndecidedError("the second window's requests did not fit into one window here")
    _judge_again(scene, ramp, first, again)


async def _drain(scene: Scene, ramp: Ramp, first: Burst) -> None:
    """Make sure that the quota is used up: where requests race, a burst may leave some of it."""
    wire = scene.wire(first.user)
    for _ in range(2 * scene.policy.ramp):
        (answer,) = await scene.send(wire)
        if not inside(first.edge, [answer]):
            break
        if ramp.kinds.rejected(answer):
            return
    raise UndecidedError("a quota was not used up before the window ended")


async def _ask_early(scene: Scene, ramp: Ramp, first: Burst) -> Answer:
    """Ask shortly before the window ends, and judge what the rejection says."""
    await scene.sleep_until(scene.moment_s(first.edge, "just before the end"))
    (early,) = await scene.send(scene.wire(first.user))
    ramp.kinds.count([early])
    if inside(first.edge, [early]) and ramp.kinds.rejected(early):
        truth, shows = Truth(first.edge, ramp.truth.clocks), _until(scene, first, early)
        late = judge_late(scene.policy, early, truth)
        scene.ledger.judge("headers-truthful", [replace(defect, replay=shows) for defect in late])
        if scene.policy.settings.retry_after:
            late = judge_retry_after(scene.policy, [early], first.edge)
            scene.ledger.judge("retry-after-honoured", [replace(defect, replay=shows) for defect in late])
        scene.ledger.show(early)
        scene.ledger.journal.show("window-resets", early)
    return early


def _until(scene: Scene, first: Burst, early: Answer) -> Turns:
    """Return the turns that use a quota up, and ask again as late in the window as was asked here."""
    once = Turn(answers=(first.answers[0],), times=scene.policy.ramp)
    return once, Turn(answers=(early,), after_s=early.sent.s - first.began_s)


def _too_short(scene: Scene, first: Burst, early: Answer) -> Defect:
    lasted_s = early.received.s - first.began_s
    title = f"a window lasted less than {lasted_s:.2f} s, declared are {scene.policy.window_s:g} s"
    shown = (first.answers[0], first.answers[-1], early)
    return Defect("window-too-short", title, shown, _until(scene, first, early))


def _judge_again(scene: Scene, ramp: Ramp, first: Burst, again: Sequence[Answer]) -> None:
    waited_s = again[0].sent.s - first.began_s
    defects = judge_again(scene.policy, again, ramp.kinds, before=ramp.admitted, waited_s=waited_s)
    scene.ledger.judge("window-resets", defects)
    if ramp.kinds.admitted(again[0]):
        scene.ledger.window_ratio = (again[0].received.s - first.began_s) / scene.policy.window_s
    scene.ledger.show(again[0])
    scene.ledger.journal.show("window-resets", again[0], again[-1])


async def retry_after(scene: Scene, ramp: Ramp) -> None:
    """Whoever waits as long as Retry-After says must be admitted; raises UndecidedError, WireError."""
    rejection, edge = ramp.rejections[-1], None if scene.plan.no_edges else ramp.edge
    if not answered(rejection):
        scene.ledger.block(scene.step.claims, "ratelimit.rejection-status failed: a refusal has no answer")
        return
    if scene.policy.refills and rejection != (*ramp.answers, *ramp.anew)[-1]:
        raise UndecidedError("too much comes back meanwhile here to tell when a quota that is used up admits again")
    defects = judge_retry_after(scene.policy, ramp.rejections, edge)
    wait = read_wait(rejection)
    if isinstance(wait, Wait) and not defects:
        await scene.sleep_until(rejection.received.s + wait.most_s)
        (answer,) = await scene.send(scene.wire(ramp.user))
        defects = _refused(scene, rejection, answer, wait) if ramp.kinds.rejected(answer) else []
        ramp.kinds.count([answer])
        scene.ledger.show(rejection, answer)
        scene.ledger.journal.show("retry-after-honoured", rejection, answer)
    scene.ledger.judge("retry-after-honoured", defects)


def _refused(scene: Scene, rejection: Answer, answer: Answer, wait: Wait) -> list[Defect]:
    waited_s = answer.sent.s - rejection.received.s
    title = f"Retry-After said {wait}, but a request {waited_s:.2f} s later is rejected"
    turns = (Turn(answers=(rejection,), times=scene.policy.shows), Turn(answers=(answer,), way="as told"))
    return [Defect("retry-after-too-short", title, (rejection, answer), turns)]
