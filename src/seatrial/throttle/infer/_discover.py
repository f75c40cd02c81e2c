"""The inference: isolation and replicas first, ways round on the client that is used up, and all that waits at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from seatrial.throttle._wire import WireError
from seatrial.throttle.infer._alone import cost_alone
from seatrial.throttle.infer._bell import Bell
from seatrial.throttle.infer._conclude import LITTLE, conclude
from seatrial.throttle.infer._counter import FIRST_REQUEST
from seatrial.throttle.infer._early import FEWEST, MOST, RARELY, Newcomers
from seatrial.throttle.infer._ends import told_spans
from seatrial.throttle.infer._first import Crowd, count_replicas, exhausted, first_refusal, isolate
from seatrial.throttle.infer._fit import Fit, fit_all
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._lab import GoneError, Lab, OpenError, Record, SpentError
from seatrial.throttle.infer._people import Person, addresses
from seatrial.throttle.infer._probes import (
    BEYOND,
    MANY,
    again_and_again,
    fill,
    ladder,
    phase,
    pipelined,
    spread,
    twin,
    used_up_to,
)
from seatrial.throttle.infer._screens import Suspect, confirm, screen
from seatrial.throttle.infer._seen import Interval, Segment
from seatrial.throttle.infer._task import Task
from seatrial.throttle.infer._told import WHOLE_S, read_told, told_windows
from seatrial.throttle.infer._unusual import look_for_others

TICK_S = 0.05
THIRDS = (1 / 3, 2 / 3)
SIXTHS = (*THIRDS, 1 / 6, 1 / 2)
"""Where no header tells when quota comes back, what a client meets is coarse: more of them make up for that."""
SILENT = (0.6, 0.75, 0.9, 1.15)
SOON = 0.2
"""What was seen is held against models again after such a share of a window, as soon as a client is done."""
NEARLY = 1.15
"""By less than this, and the second that headers are cut to, ends differ that are told: some wait for a request."""
ENOUGH_CLIENTS = 8
ROUNDS = 3
SEVERAL = 3
BUSY, OVERDUE = 3, 2.5
"""Clients that are asked as besides: one that waits, one that tells a length, and one for requests in one write; and in
how many windows whatever is done at once is over."""
FITTING_S = 4.0
RACES = 5
TIMES, MOST_AT_ONCE = 4, 240
"""So much is asked for at once: of a larger quota the rest is used up before."""


def discover(task: Task) -> Found:
    """Infer the policy of a limiter from outside; raises UsageError for a pool that cannot be used."""
    return asyncio.run(Inference(task).run())


class Inference:
    """One endpoint, and what is known of it so far."""

    def __init__(self, task: Task) -> None:
        self.lab = Lab(task)
        self.found = Found()
        self.crowd = Crowd(list(task.people) or [Person()], addresses(task.address_pool, seed=task.seed) or [""])
        self.quota = 0
        self.told: list[float] = []
        self.fits: list[Fit] = []
        self._window: Interval = (0.0, math.inf)
        self._in_one_write: int | None = None
        self._used_beside = False
        self._met = Bell()
        self._polling: asyncio.Task[None] | None = None
        self._sharpening: asyncio.Task[None] | None = None

    async def run(self) -> Found:
        """Infer as much as the budget allows."""
        try:
            # The last twentieth is for holding models against what was seen.
            async with asyncio.timeout(self.lab.task.max_s * 0.95):
                await self._run()
        except TimeoutError:
            self._open(f"{self.lab.task.max_s:g} s were not enough")
        except SpentError:
            self._open(f"{self.lab.task.max_requests} requests were not enough")
        except (OpenError, GoneError) as error:
            self._open(str(error))
        finally:
            await self.lab.close()
        self.found.requests, self.found.seconds = self.lab.requests, time.monotonic() - self.lab.began_s
        return self.found

    def _open(self, reason: str) -> None:
        """Conclude from what there is, and say why there is no more."""
        if self.quota and not self.fits:
            self.fits = self._fitting()
        self._conclude()
        for name, why in self.found.inconclusive.items():
            self.found.inconclusive[name] = f"{why}; {reason}"
        self.found.close(reason)

    def _conclude(self) -> None:
        if not self.quota:
            return
        conclude(self.lab, self.found, self.fits, self.quota, self.told, self._sure())
        if self._in_one_write is not None and self._in_one_write < (self.found.values["quota"] or 0):
            proof = f"{self._in_one_write} of {self.quota + 1} requests in one write were admitted"
            self.found.blame("same-tick-over-reject", proof)
        self._clear_up()

    async def _run(self) -> None:
        lab, client = self.lab, self.crowd.first(self.lab)
        record = lab.record(client)
        lab.task.progress(f"asking as {client.name} until something is refused")
        if not await first_refusal(lab, record, patient=False) and await self._unusual(record):
            return
        self.quota = len([answer for answer in record.answers if lab.looks and lab.looks.admitted(answer)])
        self.told = told_windows(record.answers)
        await isolate(lab, self.crowd, record, self.found)
        self._check_count()
        self.quota = await count_replicas(lab, record, self.found)
        suspects = await screen(lab, record)
        self._say_plan(suspects)
        await self._wait(record, suspects)
        self._conclude()
        self.found.close("it depends on what stayed open")

    async def _unusual(self, record: Record) -> bool:
        """Return whether nothing is left to do: there is no limit, none that is met one by one, or it stays open."""
        lab = self.lab
        for patient in (False, True):
            finally_ = patient or exhausted(lab, record)
            if await self._look(record, finally_=finally_) or finally_:
                self.found.close("not looked for where no client that asks one by one is refused")
                return True
            if await first_refusal(lab, record, patient=True):
                return False
        return True

    async def _look(self, record: Record, *, finally_: bool) -> bool:
        """Return whether much at once decides; the only client asks for it at the end, as it may be used up then."""
        lab, crowd = self.lab, self.crowd
        others = crowd.clients(lab, by_person=len(crowd.people) > 1, by_address=True)
        if not (others or finally_):
            return False
        lab.clients, record.client.used_s = others or [record.client], None
        decided = await look_for_others(lab, self.found, record, finally_=finally_)
        crowd.use_up(3)
        lab.clients, self._used_beside = [], True
        return decided

    def _check_count(self) -> None:
        """Raise OpenError where others used a bucket that all share before the first client's quota was counted."""
        if self._used_beside and self.found.values["scope"] == "global":
            self.quota = 0
            raise OpenError("all clients share one bucket, which was used by others while it was counted: ask again")

    def _say_plan(self, suspects: Sequence[Suspect]) -> None:
        lab, told = self.lab, ", ".join(f"{length:g} s" for length in self.told) or "nothing"
        lab.task.progress(f"{self.quota} admitted; headers tell of a window of {told}")
        if not read_told(lab.records[0].answers[0]).reset_s:
            lab.task.progress("no header tells when a window ends")
        if len(lab.clients) < ENOUGH_CLIENTS:
            extra = len(suspects) + 1 + RACES * lab.task.race
            cost = cost_alone(self.quota, self._shares(), rounds=ROUNDS, extra=extra)
            lab.task.progress(
                f"{len(lab.clients)} clients more with buckets of their own, 12 would do everything in about two "
                f"windows: one claim after the other by a single client, {cost}"
            )

    def _shares(self) -> Sequence[float]:
        """Return in which parts of a window other clients come."""
        silent = read_told(self.lab.records[0].answers[0]).convention == "none"
        return SIXTHS if silent else THIRDS

    async def _wait(self, record: Record, suspects: Sequence[Suspect]) -> None:
        """Do everything that waits, at once as far as there are clients, until one limiter explains it all."""
        lab = self.lab
        spare = len(lab.clients) - BUSY - len(suspects) - RACES * lab.task.race
        if not self.told and lab.replicas < MANY and spare >= FEWEST:
            await self._wait_untold(suspects, spare)
            return
        alone = not lab.clients
        if alone:
            lab.clients.append(record.client)
            record.client.busy = True
        async with self._asking(record):
            await self._rounds(record, suspects, alone=alone)

    async def _wait_untold(self, suspects: Sequence[Suspect], spare: int) -> None:
        """Do so where nothing tells when a window ends, with a client that waits for it and sent nothing else."""
        lab = self.lab
        async with lab.fresh() as client:
            record = lab.record(client)
            await fill(lab, record, most=self.quota + BEYOND)
            async with self._asking(record, since_s=record.answers[0].sent.s):
                if not await self._at_once(record, spare):
                    await self._rounds(record, suspects, alone=False)
                    return
        lab.window_s = self.fits[0].window[1]
        await self._until_settled([], self._extra(suspects), lab.window_s)

    @asynccontextmanager
    async def _asking(self, record: Record, since_s: float | None = None) -> AsyncIterator[None]:
        """Have a client whose quota is used up ask until it is back, again and again, beside what is done meanwhile."""
        asking = again_and_again(self.lab, record, self.quota, self._met, since_s=since_s)
        self._polling = asyncio.create_task(asking)
        try:
            yield
        finally:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _at_once(self, record: Record, spare: int) -> bool:
        """Let others come while a client waits for an end, and return whether one limiter explains it all."""
        self.lab.task.progress("other clients come at ever longer intervals, until one is served again")
        crowd = Newcomers(self.lab, record, self.quota, self._met)
        coming = [crowd.come(due_s, whole=number % 2 == 0) for number, due_s in enumerate(crowd.due(min(spare, MOST)))]
        tasks = {asyncio.create_task(one) for one in coming}
        try:
            return await self._watch(tasks, crowd, record)
        finally:
            tasks |= {self._sharpening} if self._sharpening else set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, tasks: set[asyncio.Task[None]], crowd: Newcomers, record: Record) -> bool:
        """Hold models against what was seen whenever there is more, until one explains it or nothing new can come."""
        began_s = fitted_s = crowd.began_s
        while tasks and (fitted_s == began_s or not self._overdue(record)):
            left = await self._news(tasks, (time.monotonic() - began_s) * (RARELY - 1))
            # Where quota comes back little by little, it does so more often than models can be held against that.
            little = any(fit.algorithm in LITTLE for fit in self.fits)
            soon = left == tasks and little and time.monotonic() < fitted_s + (fitted_s - began_s) * SOON
            tasks = left
            if soon or self._recovered() < SEVERAL:
                continue
            await self._fit()
            fitted_s = time.monotonic()
            if self._settled() and self._sure_enough(record):
                return True
            tasks |= self._sharpened(crowd)
        return False

    def _sharpened(self, crowd: Newcomers) -> set[asyncio.Task[None]]:
        """Return one more client, once, who tells how long a counter's window is as soon as nothing else is open."""
        if self._sharpening or not crowd.served or [fit.algorithm for fit in self.fits] != ["sliding-counter"]:
            return set()
        self._sharpening = asyncio.create_task(crowd.sharpen(lambda: self._window))
        return {self._sharpening}

    def _overdue(self, record: Record) -> bool:
        """Return whether whatever explains what was seen would have shown itself by now."""
        lengths = [fit.window[1] for fit in self.fits]
        if not lengths:
            return len(Segment("", self.lab.hits(record.answers)).recoveries()) > SEVERAL
        return time.monotonic() - record.answers[0].sent.s > OVERDUE * max(lengths)

    def _sure_enough(self, record: Record) -> bool:
        """Return whether what explains everything does so by more than chance.

        A counter's window that ends at once looks like a bucket, so that one has to be met at two times. Windows with a
        phase of each client's own may end as if each began with its client, but not twice.
        """
        fit, came = self.fits[0], [segment.hits[0].sent for segment in self._returned()]
        if fit.anchor == FIRST_REQUEST and fit.algorithm == "fixed-window":
            return len(Segment("", self.lab.hits(record.answers)).recoveries()) >= MANY
        return fit.algorithm != "token-bucket" or max(came) - min(came) > fit.window[0] / 3

    async def _rounds(self, record: Record, suspects: Sequence[Suspect], *, alone: bool) -> None:
        lab, last_s = self.lab, None
        hints = [length for length in self.told if length * 1.2 < lab.task.max_s]
        told_s = next(iter(hints), None)
        silent: list[Callable[[Record], Iterable[float]]] = [] if alone else [partial(ladder, lab, told_s)]
        for number in range(ROUNDS):
            window_s = told_s if number == 0 and told_s and not alone else await self._measure()
            if last_s and abs(window_s / last_s - 1) < 0.02 and self._settled():  # noqa: PLR2004 - the same again
                break
            last_s = lab.window_s = window_s
            if alone and self._polling:
                await self._release(record)
            lab.task.progress(f"other clients, spread over a window of {window_s:.3g} s")
            probes = self._probes(window_s, hints if number == 0 and not alone else [])
            probes += [twin(lab, self.quota, waits) for waits in silent]
            await self._until_settled(probes, self._extra(suspects) if number == 0 else [], window_s)
            silent = [] if alone else self._silent()
            if self._settled():
                break
            if not alone and (self._contradicted() or not {fit.algorithm for fit in self.fits} - {"fixed-window"}):
                await self._meet_again(record)
                if self._settled():
                    break

    def _probes(self, window_s: float, hints: Sequence[float]) -> list[Awaitable[None]]:
        """Return what other clients do: some come later, and one spreads its quota over a window.

        Who comes before the first end that is told meets the same one, wherever in a window the first client came. How
        long a window is may be what its policy says; a Reset may be its length too, or Retry-After.
        """
        lab, told = self.lab, read_told(self.lab.records[0].answers[0])
        end_s = told.reset_s if hints and told.reset_s and told.reset_s > 0 else window_s
        found = [phase(lab, self.quota, window_s, share * min(end_s, window_s)) for share in self._shares()]
        lengths = dict.fromkeys([window_s, *([] if told.window_s else hints[:2])])
        return [*found, *(spread(lab, self.quota, length) for length in lengths if self.quota > 1)]

    async def _release(self, record: Record) -> None:
        """Stop asking as the only client, so that others can."""
        if self._polling and not self._polling.done():
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
            record.client.busy, record.client.used_s = False, time.monotonic()

    async def _measure(self) -> float:
        """Return how long the window seems to be once quota was back; raises what ended the asking."""
        needed = 2 if self.lab.records[0].client in self.lab.clients else 1
        while max((len(segment.recoveries()) for segment in self.lab.segments()), default=0) < needed:
            await self._await_met()
        await self._fit()
        lengths = [fit.window for fit in self.fits if fit.recovered]
        told_s = self.lab.told_length()
        if lengths:
            return max(told_s, min(math.sqrt(low * high) for low, high in lengths))
        first = next(segment for segment in self.lab.segments() if segment.recoveries())
        return max(told_s, first.recoveries()[-1][1] - first.hits[0].sent)

    def _sure(self) -> list[float]:
        """Return the lengths of which headers tell for certain: by their policy, or by two ends."""
        policy_s = read_told(self.lab.records[0].answers[0]).window_s
        return [*([policy_s] if policy_s else []), *(low for low, high in self._spans() if low == high)]

    def _spans(self) -> list[Interval]:
        """Return by what ends are apart that any client was told of which asked all the time."""
        return [span for record in self.lab.records if record.plain for span in told_spans(record.answers)]

    async def _await_met(self) -> None:
        """Wait until quota came back once more; raises what ended the asking."""
        await self._news(set())

    async def _news(self, tasks: set[asyncio.Task[None]], at_most_s: float | None = None) -> set[asyncio.Task[None]]:
        """Wait until quota came back, or one of some tasks has ended, and return the others; raises what ended it."""
        assert self._polling  # noqa: S101 - set before anything waits
        heard = asyncio.create_task(self._met.wait(at_most_s))
        try:
            await asyncio.wait({heard, self._polling, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
        await asyncio.gather(*(task for task in (self._polling, *tasks) if task.done()))
        return {task for task in tasks if not task.done()}

    async def _meet_again(self, record: Record) -> None:
        """Let the first client meet two ends of a window that follow each other."""
        while self._polling and not self._settled():
            if len(self.lab.segments()[self.lab.records.index(record)].recoveries()) >= MANY:
                return
            await self._await_met()
            await self._fit()

    async def _until_settled(
        self, probes: Sequence[Awaitable[None]], extra: Sequence[Awaitable[None]], window_s: float
    ) -> None:
        """Run probes side by side until they end or nothing is open; the first that cannot go on ends the others."""
        tasks, more = [[asyncio.ensure_future(probe) for probe in some] for some in (probes, extra)]
        waiting, fitted_s = set(tasks), time.monotonic()
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.gather(*done)
                if waiting and (time.monotonic() < fitted_s + window_s * SOON or self._recovered() < SEVERAL):
                    continue
                await self._fit()
                fitted_s = time.monotonic()
                # Where refusals seem to count, those who are still waiting tell more.
                if self._settled() and not self.fits[0].refused_count:
                    break
            await asyncio.gather(*more)
        finally:
            tasks += more
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _silent(self) -> list[Callable[[Record], Iterable[float]]]:
        """Return when to ask clients that are left alone: each once, where it is open whether refusals count.

        A log gives everything back at once, a counter little by little.
        """
        if all(fit.refused_count is False for fit in self.fits):
            return []
        lengths = [math.sqrt(fit.window[0] * fit.window[1]) for fit in self.fits if fit.recovered]
        return [lambda _, share=share: [share * min(lengths)] for share in SILENT] if lengths else []  # type: ignore[misc]

    def _extra(self, suspects: Sequence[Suspect]) -> list[Awaitable[None]]:
        """Return what needs no waiting but clients of its own."""
        found = [self._confirm(suspect) for suspect in suspects]
        found += [self._same_tick()] if self.quota > 1 and self.lab.replicas < MANY else []
        return [*found, *([self._race()] if self.lab.task.race else [])]

    async def _confirm(self, suspect: Suspect) -> None:
        defect = suspect.maker().defect
        refill = max((fit.rates[1] for fit in self.fits if fit.rates), default=0.0)
        admitted, most = await confirm(self.lab, suspect.maker, self.quota, refill_per_s=refill)
        if admitted > most:
            way = suspect.maker()
            named = f"the header {way.extra[0][0]}" if way.extra else f"{way.method or 'the path'} {way.path}".strip()
            proof = f"{admitted} admitted of a fresh client by {named}, the quota is {self.quota}"
            self.found.blame(defect, proof)
        else:
            self.lab.records[0].answers += suspect.answers  # they were counted like any other

    async def _same_tick(self) -> None:
        try:
            self._in_one_write, _ = await pipelined(self.lab, self.quota)
        except WireError as error:
            self.lab.task.progress(f"requests in one write are not taken: {error}")

    async def _race(self) -> None:
        """Use a quota up to a rest, then ask for four times that at once, some times; more than the rest is proof."""
        refill = max((fit.rates[1] for fit in self.fits if fit.rates), default=self.quota / (self.lab.window_s or 1))
        rest = min(self.quota, MOST_AT_ONCE // TIMES)
        overran: list[int] = []
        for _ in range(RACES):
            answers = await used_up_to(self.lab, self.quota, rest, TIMES * rest)
            admitted = sum(bool(self.lab.looks and self.lab.looks.admitted(answer)) for answer in answers)
            lasted_s = max(a.received.s for a in answers) - min(a.sent.s for a in answers) if answers else 0.0
            overran += [admitted] if admitted > self.quota + refill * lasted_s + 1 else []
            if len(overran) >= MANY:
                self.found.blame("race", f"{' and '.join(map(str, overran))} admitted, the quota is {self.quota}")
                return
        tried = f"{RACES} times {TIMES * rest} at once"
        bound = f"no overrun in {tried}: in less than {3 / RACES:.0%} of such moments (95 % sure)"
        self.found.leave_open("race", f"one overrun in {tried}: a window may have ended" if overran else bound)

    def _clear_up(self) -> None:
        """Leave out what follows from another defect: where every path has a bucket, so has every spelling of one."""
        if "path-parameter-in-key" in self.found.defects:
            self.found.defects.discard("path-spelling")
        if {"global-bucket", "x-forwarded-for"} <= self.found.defects:
            # Addresses are told apart, but only as somebody in between would report them.
            self.found.defects.discard("global-bucket")
            proof = "clients of other addresses share one bucket, and X-Forwarded-For alone tells them apart"
            self.found.blame("proxy-collapse", proof)

    async def _fit(self) -> None:
        """Hold models against what was seen, beside the asking."""
        segments = [segment for segment in self.lab.segments() if segment.plain]
        filled = [segment.filled for segment in segments if segment.filled < len(segment.hits)]
        # A window that ended meanwhile adds to what a client was given at first.
        self.quota = min(filled) if self.lab.replicas < MANY else self.quota
        self.fits = await asyncio.to_thread(self._fitting)
        # Where time was too short to try any, the last one known is the best that there is.
        self._window = self.fits[0].window if self.fits else self._window
        left = sorted({" ".join(filter(None, (fit.algorithm, fit.anchor))) for fit in self.fits})
        self.lab.task.progress(f"{self.lab.requests} requests: explained by {' or '.join(left) or 'nothing yet'}")

    def _fitting(self) -> list[Fit]:
        lab, first = self.lab, self.lab.records[0].answers
        apart_s = first[min(self.quota, len(first) - 1)].received.s - first[0].sent.s if lab.replicas >= MANY else 0.0
        # What takes longer than half a window is tried again when more was seen.
        now_s = time.monotonic()
        until_s = min(lab.deadline_s, now_s + max(FITTING_S, (lab.window_s or now_s - lab.began_s) / 2))
        return fit_all(lab.segments(), self.quota, self.told, until_s=until_s, apart_s=apart_s)

    def _returned(self) -> list[Segment]:
        """Return the clients who had their quota back."""
        return [segment for segment in self.lab.segments() if segment.recoveries()]

    def _recovered(self) -> int:
        """Return how many they are."""
        return len(self._returned())

    def _contradicted(self) -> bool:
        """Return whether headers tell of ends further apart than any limiter's that explains everything, or closer.

        By chance a limiter may explain a little more than a window that is another's. Of a bucket no window ends.
        """
        told = told_spans(self.lab.records[0].answers)[:1]
        windows = [fit.window for fit in self.fits if fit.algorithm != "token-bucket"]
        agree = [
            low / NEARLY - WHOLE_S < most and least < high * NEARLY + WHOLE_S
            for least, most in told
            for low, high in windows
        ]
        return bool(agree) and not any(agree)

    def _settled(self) -> bool:
        """Return whether one limiter explains everything, and several clients saw its window end."""
        if self._recovered() < SEVERAL or self._contradicted():
            return False
        return (
            len(self.fits) == 1
            and self.fits[0].recovered
            and self.fits[0].complete
            and self.fits[0].precise(self._sure())
            and not self.fits[0].accidental
        )
