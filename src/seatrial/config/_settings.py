"""The settings of a project: `seatrial.toml`, validated and frozen."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from seatrial.config._rules import Rule, parse_rule

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Profile = Literal["quick", "full"]
SMOKE: Final = "smoke"
RunProfile = Literal[Profile, "smoke"]
"""How deep a run looks; `smoke` reads alone, and turns no knobs."""

TOO_MANY_REQUESTS = 429
Headers = Literal["x-ratelimit-epoch", "x-ratelimit-delta", "ietf-draft-6", "ietf-draft-7", "ietf-draft-8", "none"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Environment = dict[str, str]


def _a_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_a_pattern)]


def _a_network(text: str) -> str:
    ipaddress.ip_network(text)  # its ValueError says what is wrong
    return text


Network = Annotated[str, AfterValidator(_a_network)]


def _a_date(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_date)]

SERVERS = ipaddress.IPv4Network("127.0.0.0/24")
"""Where no client of this machine comes from that has an address of its own."""


def _a_server(text: str) -> str:
    if text and ipaddress.ip_address(text) not in SERVERS:
        raise ValueError(f"not in {SERVERS}, where no other client comes from")
    return text


Server = Annotated[str, AfterValidator(_a_server)]


def _some(value: object) -> object:
    """Return one text as a list of it, and none where it is empty."""
    return ((value,) if value else ()) if isinstance(value, str) else value


Servers = Annotated[tuple[Server, ...], BeforeValidator(_some)]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are not coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProfileSettings(Section):
    """Knobs of the stack in one profile: variables handed to the services that are built here."""

    environment: Environment = {}


class LocalService(Section):
    """How a service runs without containers: a real server (`postgres`, `valkey`) or a process of the project.

    `prepare` holds commands (lists) that build it, once, in a copy of the folder `source` (relative to `directory`),
    where `command` runs then. `programs` names what has to be on the machine, each with its least version
    (`{ node = "20.9" }`): without them it is left out, and what is verified of it is *not tested*.
    `replicas` instances of a process run behind one address. A `balancer` passes each request on to the next instance
    of what it needs, as a proxy at 127.0.0.2 that appends to X-Forwarded-For.
    In `command` and `environment`, `{port}` is the service's own port and `{NAME.url}`, `{NAME.port}` another's.
    `ready` is a path to GET, or a command (list) that exits 0 once the service works.
    """

    kind: Literal["process", "postgres", "valkey", "balancer"] = "process"
    command: tuple[str, ...] = ()
    requirements: str = ""
    source: str = ""
    prepare: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()
    programs: dict[str, Version] = {}
    environment: Environment = {}
    ready: UrlPath | tuple[str, ...] | None = None
    needs: tuple[Name, ...] = ()
    replicas: Annotated[int, Field(ge=1, le=64)] = 1


class LocalSettings(Section):
    """The stack as local processes; `directory` is where commands run, relative to the file."""

    directory: str = "."
    services: dict[Name, LocalService] = {}


class StackSettings(Section):
    """What is started. Paths are relative to the file.

    `entry` is `service:port` (the port inside the container) that requests go to; `environment` fills the compose
    file's `${NAME}` and the local processes; a value `{random}` becomes a fresh secret in every run, `{rsa_key}` a
    fresh private key (PEM), and `{NAME}` stands for the value of another variable.
    `setup` holds commands (lists) that run inside the entry service once the stack is ready.
    `applications` maps a service to `module:attribute`, where a seeded fault is installed.
    `relay_image` has a Python for the relay by which clients have addresses of their own on compose.
    """

    compose: tuple[str, ...] = ()
    services: tuple[Name, ...] = ()
    entry: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*:\d+$")] = "api:8000"
    env_file: str = ""
    setup: tuple[tuple[str, ...], ...] = ()
    environment: Environment = {}
    applications: dict[Name, str] = {}
    ready: UrlPath = "/"
    relay_image: str = ""
    start_timeout_s: Positive = 120.0
    profile: dict[Profile, ProfileSettings] = {}
    local: LocalSettings = LocalSettings()

    def knobs(self, profile: str) -> dict[str, str]:
        """Return the variables that a profile turns; none where no profile is in effect."""
        return next((dict(found.environment) for name, found in self.profile.items() if name == profile), {})


class LoginSettings(Section):
    """A request to `url` (a path of the service, or a URL) whose answer holds a token.

    Its `body` is sent with POST, as JSON or as a `form`: `{user}`, `{password}`, `{name}` and `{organisation}` are
    those of who signs in. Where the answer has `expires_field` (seconds), the token is renewed in time: by
    `refresh_body` to `refresh_url`, in which `{refresh_token}` is what stood in `refresh_field`, else by signing in
    again.
    """

    url: Annotated[str, StringConstraints(pattern=r"^(/|https?://)")]
    body: dict[str, str] = {"username": "{user}", "password": "{password}"}
    form: bool = False
    token_field: str = "access_token"  # noqa: S105 - a field's name
    expires_field: str = "expires_in"
    refresh_url: Annotated[str, StringConstraints(pattern=r"^((/|https?://).*)?$")] = ""
    refresh_body: dict[str, str] = {"refresh_token": "{refresh_token}"}
    refresh_field: str = "refresh_token"


class AuthSettings(Section):
    """How identities authenticate.

    `jwt`: the harness mints RS256 tokens with a key pair of its own. The public key (PEM) reaches the stack as the
    variable `public_key_variable`, that of the key before a rotation as `previous_public_key_variable`. In `claims`,
    `{user}` and `{organisation}` are filled in. A remote target got its public key from somebody else:
    `private_key_file` (PEM, relative to the file) is the other half.
    All other kinds know the users of `[[identities]]` alone, or one whose credentials stand here: an API key in `place`
    called `name`; user and password; a bearer token after the word `scheme`, which an environment variable holds,
    `command` prints, or `login` gets. `protected` is a path that GET reads only with credentials.
    """

    kind: Literal["jwt", "none", "api-key", "basic", "bearer"] = "jwt"
    public_key_variable: str = ""
    previous_public_key_variable: str = ""
    private_key_file: str = ""
    protected: UrlPath | None = None
    issuer: str = ""
    audience: str = ""
    lifetime_s: Positive = 3600.0
    claims: dict[str, str] = {"sub": "{user}"}
    place: Literal["header", "query", "cookie"] = "header"
    name: str = "X-API-Key"
    scheme: str = "Bearer"
    variable: str = ""
    user: str = ""
    password_variable: str = ""
    command: tuple[str, ...] = ()
    login: LoginSettings | None = None

    @property
    def mints(self) -> bool:
        """Return whether users can be made, as many as are needed."""
        return self.kind == "jwt"


class TokenSettings(Section):
    """Where the service itself hands out tokens: `path` takes a POST of `credentials` as JSON.

    In `credentials`, `{NAME}` is the value of a variable of `[stack.environment]`. `refresh_path` takes a POST of the
    refresh token, in a field of the same name as in the answer.
    """

    path: UrlPath
    credentials: dict[str, str]
    refresh_path: UrlPath | None = None
    access_field: str = "access_token"
    refresh_field: str = "refresh_token"


class CorsSettings(Section):
    """Which web pages may read answers (CORS): those of `origin`, and of no origin that nobody named.

    `path` and `method` are what such a page requests; `credentials` says that it may do so with credentials.
    """

    origin: Annotated[str, StringConstraints(pattern=r"^https?://[^/*]+$")]
    path: UrlPath
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    credentials: bool = True


class SecuritySettings(Section):
    """What the edge of the service promises.

    `headers` maps a response header to a regular expression that its whole value matches, on every answer. A POST to
    `body_path` with more than `body_bytes` is answered with 413. GET of `admin_path` is for clients in the addresses
    and networks `admin_from`, whose token has the `admin_claims` too.
    """

    headers: dict[str, Pattern] = {}
    body_path: UrlPath | None = None
    body_bytes: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None
    admin_path: UrlPath | None = None
    admin_from: tuple[Network, ...] = ()
    admin_claims: dict[str, str | bool] = {}


class TlsSettings(Section):
    """What a service that is asked over https promises of its TLS.

    Its certificate is good for `expires_days` more. At `plain_port` of the same host, http is answered with a redirect
    to https, or not at all. TLS that ends `elsewhere` is before a service that is asked over http.
    """

    elsewhere: bool = False
    expires_days: Annotated[int, Field(ge=0, le=3650)] = 14
    plain_port: Annotated[int, Field(gt=0, le=65_535)] | None = None


class SmokeSettings(Section):
    """What the profile smoke may send: at most so many requests, so many a second, for so long in all.

    No answer may take longer than `answers_within_s`. With `sign_in` it may ask for a token of its own user, with
    `limit` send one of its own users, or its own address, beyond the first of `[[limits]]`.
    """

    max_requests: Annotated[int, Field(gt=0, le=10_000)] = 200
    rate_per_s: Annotated[float, Field(gt=0, le=1000)] = 20.0
    within_s: Annotated[float, Field(gt=0, le=600)] = 15.0
    answers_within_s: Positive = 5.0
    sign_in: bool = False
    limit: bool = False


class ErrorSettings(Section):
    """The one form of every answer of 4xx: `fields` (`error.code` for nested ones) hold texts that are not empty.

    `trace_field` among them repeats the trace id of the answer's header.
    """

    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    trace_field: str = ""


class IdentitySettings(Section):
    """A named user that suites may ask for: the same one throughout a run.

    Where `[auth]` mints no tokens, these are all users that there are: `variable` names the environment variable with
    the API key or token of one, `user` and `password_variable` are what it signs in with.
    """

    name: Name
    organisation: str
    auth: Literal["jwt", "none"] = "jwt"
    variable: str = ""
    user: str = ""
    password_variable: str = ""


class CostSettings(Section):
    """A request that ends in `status`, and whether it counts; what it sends with POST is `body`, as JSON."""

    status: Annotated[int, Field(ge=200, le=599)]
    counts: bool = True
    method: Method = "GET"
    path: UrlPath
    body: dict[str, str] = {}


class LimitSettings(Section):
    """A declared rate-limit policy. `window_variable` and `quota_variable` name the knobs that a profile may turn.

    One with the reach `path` limits requests to `path` alone, for which it stands in place of those with the reach
    `service`. Where it is not proved, the stack gets `quota_elsewhere` through `quota_variable`. `body` is what the
    proof sends with POST, as JSON. From `proxy` the service believes X-Forwarded-For. `store` is the service that
    counts; while it does not work, requests pass (`store_down` is `open`) or are answered with 503 (`closed`). A POST
    of up to `batch_most` times `batch_item`, as a list in the field `batch_field`, to `batch_path` costs as many
    requests.
    `path_template` is a path of single resources with `{i}` in it, which share their client's quota; `bypass_headers`
    are tried besides the usual ones, headers with `bypass_values` too, `bypass_paths` and `bypass_methods` in place of
    the usual, and `bypass_fields` of the body with other values; `{i}` is another number each time. `costs` are
    requests that end otherwise than those of the proof, and whether they count. One client that goes on asking while
    it is refused makes others wait no more than `noisy_factor` times as long. A proof never sends more than
    `max_requests`, its deep stage no more than `deep_requests`.
    """

    name: Name = "default"
    quota: Annotated[int, Field(gt=0)]
    window_s: Positive
    quota_variable: str = ""
    window_variable: str = ""
    quota_elsewhere: Annotated[int, Field(ge=0)] = 0
    reach: Literal["service", "path"] = "service"
    algorithm: Literal["any", "fixed-window", "sliding-log", "sliding-counter", "token-bucket"] = "any"
    anchor: Literal["first-request", "clock", "per-key"] = "first-request"
    authenticated_by: tuple[Literal["user", "organisation"], ...] = ()
    anonymous_by: Literal["address", "none"] = "none"
    proxy: Servers = ()
    method: Literal["GET", "HEAD", "POST"] = "GET"
    path: UrlPath
    body: dict[str, str] = {}
    exempt: tuple[UrlPath, ...] = ()
    store: str = ""
    store_down: Literal["open", "closed"] = "open"
    batch_path: UrlPath | None = None
    batch_field: str = "items"
    batch_item: dict[str, str] = {}
    batch_most: Annotated[int, Field(gt=1, le=1000)] = 20
    headers: Headers = "none"
    retry_after: bool = False
    rejection_status: Annotated[int, Field(ge=400, le=599)] = TOO_MANY_REQUESTS
    path_template: str = ""
    bypass_headers: tuple[str, ...] = ()
    bypass_values: dict[str, tuple[str, ...]] = {}
    bypass_paths: tuple[UrlPath, ...] = ()
    bypass_methods: tuple[Method, ...] = ()
    noisy_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 5.0
    bypass_fields: tuple[str, ...] = ()
    costs: tuple[CostSettings, ...] = ()
    max_requests: Annotated[int, Field(gt=0)] = 20_000
    deep_requests: Annotated[int, Field(gt=0)] = 60_000


def rejections(limits: Sequence[LimitSettings]) -> list[int]:
    """Return the statuses with which limiters reject: those that are declared, and the usual one."""
    return sorted({TOO_MANY_REQUESTS, *(limit.rejection_status for limit in limits)})


class AskSettings(Section):
    """A request of a user that is answered while a dependency hangs.

    A working service answers it with one of `statuses`, or with any of 2xx where none is named.
    """

    method: Method = "GET"
    path: UrlPath
    body: dict[str, str] = {}
    statuses: tuple[Annotated[int, Field(ge=200, le=499)], ...] = ()


class HealthSettings(Section):
    """Health endpoints that the service promises; an absent one is not promised.

    `dependencies` maps what the detailed answer calls a dependency to the service that it is. `reasons` are the
    endpoints that say which dependency does not work; `answers_within_s` is how long readiness may take meanwhile, and
    `serves_within_s` a request for what `[auth]`, `[jobs]`, `[[limits]]`, `[tokens]` and `[security]` declare, or that
    is one of `asks`.
    """

    basic: UrlPath | None = None
    detailed: UrlPath | None = None
    liveness: UrlPath | None = None
    readiness: UrlPath | None = None
    dependencies: dict[str, Name] = {}
    react_s: Positive = 10.0
    answers_within_s: Positive | None = None
    serves_within_s: Positive | None = None
    reasons: tuple[Literal["readiness", "detailed"], ...] = ()
    asks: tuple[AskSettings, ...] = ()


class MetricsSettings(Section):
    """Metrics in the Prometheus text format; `requests` and `queries` are counters in it, by their full names.

    `named_in` are alert rules and dashboards, as globs relative to the file: each metric that they name is there, or
    one of `elsewhere` (globs), which others expose.
    """

    path: UrlPath = "/metrics"
    requests: str = ""
    queries: str = ""
    named_in: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ("up", "ALERTS", "ALERTS_FOR_STATE")


class TracingSettings(Section):
    """The header that carries the trace id."""

    header: str = "X-Trace-ID"
    accepts: str = r"[A-Za-z0-9-]{8,64}"


class LogSettings(Section):
    """One JSON object a line on standard output of `services`; `fields` must be in every request's line.

    `every_line` must be in each line whatever it is about, and `workers` write such lines too.
    `workers` are services that work off what is submitted: `worker_fields` must be in a job's line, which carries the
    trace id of the request that submitted it. `audit` maps fields to the values by which a line of the audit log is
    known, `slow_request` and `slow_query` to those of a warning about what takes longer than `slow_s`.
    """

    services: tuple[Name, ...]
    fields: tuple[str, ...]
    every_line: tuple[str, ...] = ()
    trace_field: str = "trace_id"
    workers: tuple[Name, ...] = ()
    worker_fields: tuple[str, ...] = ()
    audit: dict[str, str] = {}
    slow_s: Positive | None = None
    slow_request: dict[str, str] = {}
    slow_query: dict[str, str] = {}


class ContractWaiverSettings(Section):
    """A kind of change of the contract, in the places that `place` is of (`*` stands for anything), until a date."""

    kind: str
    place: str = ""
    reason: str
    owner: str
    expires: Day


class ContractSettings(Section):
    """The OpenAPI document that the service publishes, and how many examples an operation gets in each profile.

    `document` is a path of the service, a URL, or a file relative to the file; `prefix` stands before each of its paths
    in place of what it says of its servers. `closed` operations (`GET /path`) refuse every user of a run. `headers` are
    held to contracts/schemas/headers.json, whatever the document says of them.
    `baseline` is the document that was published, relative to the file: what is served may break nothing of it.
    `processes` is how many parts of the document are fuzzed at once.
    `severity` says how bad a kind of change is in place of what seatrial says; `risky` changes fail or are noted.
    `shared` operations are about resources of everybody. `default_covers` says which statuses an operation may leave to
    `default`: those of errors, or none. Every operation answers within `answers_within_s`.
    """

    document: Annotated[str, StringConstraints(min_length=1)] = "/openapi.json"
    prefix: Annotated[str, StringConstraints(pattern=r"^(/.*)?$")] | None = None
    headers: tuple[str, ...] = ()
    examples: dict[Profile, Annotated[int, Field(gt=0)]] = {"quick": 10, "full": 100}
    rate_limited_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    closed: tuple[str, ...] = ()
    processes: Annotated[int, Field(gt=0)] | None = None
    shared: tuple[str, ...] = ()
    default_covers: Literal["errors", "nothing"] = "errors"
    answers_within_s: Positive | None = None
    baseline: str = ""
    risky: Literal["fail", "note"] = "fail"
    severity: dict[str, Literal["breaking", "risky", "safe"]] = {}
    waivers: tuple[ContractWaiverSettings, ...] = ()

    def source(self, url: str, root: Path) -> str:
        """Return where the document of a service at a URL is; files are relative to `root`."""
        if self.document.startswith("/"):
            return url.rstrip("/") + self.document
        return self.document if "://" in self.document else str(root / self.document)


class QueueSettings(Section):
    """A command inside a service that prints one number: how many jobs wait for a worker."""

    service: Name
    command: tuple[str, ...]


class JobSettings(Section):
    """Work that is handed to a worker: where it is submitted, with which body, and how it reads when it is done.

    `removable` work is removed by DELETE of what reads it.
    `worker` is the service that does it, `stalled_by` one without which it cannot: so it can be caught in the middle.
    `lost_after_s` is when work that was begun and did not end is begun anew.
    """

    submit: UrlPath
    body: dict[str, str]
    id_field: str = "id"
    status_field: str = "status"
    done: str = "completed"
    removable: bool = False
    timeout_s: Positive = 20.0
    worker: str = ""
    stalled_by: str = ""
    lost_after_s: dict[Profile, Positive] = {}
    queue: QueueSettings | None = None


class MigrationSettings(Section):
    """Commands inside `service` that take the schema a step back, and forward again; `kept` are fields that stay."""

    service: Name
    back: Annotated[tuple[str, ...], Field(min_length=1)]
    forward: Annotated[tuple[str, ...], Field(min_length=1)]
    kept: tuple[str, ...] = ()


class DataSettings(Section):
    """Commands inside `service` that back up all data, destroy it and restore it, in these profiles.

    In them, a word `@FILE` is the text of a file (relative to the configuration), and `{backup}` a file that the backup
    is written to.
    """

    service: Name
    backup: Annotated[tuple[str, ...], Field(min_length=1)]
    destroy: Annotated[tuple[str, ...], Field(min_length=1)]
    restore: Annotated[tuple[str, ...], Field(min_length=1)]
    profiles: tuple[Profile, ...] = ("full",)
    migrations: MigrationSettings | None = None


OperationMetric = Literal["p50", "p90", "p95", "p99", "p999", "max", "error_ratio", "limited_ratio", "rate"]
OPERATION_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("p50", "p90", "p95", "p99", "p999", "max"), "ms"),
    "error_ratio": "ratio",
    "limited_ratio": "ratio",
    "rate": "per_s",
}
"""What is measured of every scenario and each of its operations, and so what an objective may be about."""

ResourceMetric = Literal[
    "cpu_ms_per_request", "memory_slope", "descriptor_slope", "queue_max", "queue_slope", "queries_per_request"
]
RESOURCE_UNITS: Mapping[str, str] = {
    "cpu_ms_per_request": "ms",
    "memory_slope": "per_s",
    "descriptor_slope": "per_s",
    "queue_max": "count",
    "queue_slope": "per_s",
    "queries_per_request": "count",
}
"""What is measured of a service while it is loaded: bytes, descriptors and jobs more each second are its slopes."""

LoadMetric = Literal[OperationMetric, "recovery_s", "breakpoint", ResourceMetric]
LOAD_UNITS: Mapping[str, str] = {**OPERATION_UNITS, "recovery_s": "s", "breakpoint": "per_s", **RESOURCE_UNITS}


SHAPES = ("ramp", "steps", "spike", "recorded")


class RampSettings(Section):
    """A rate that goes evenly to `times` as much within `over_s`, and stays there."""

    times: Positive
    over_s: Positive


class StepsSettings(Section):
    """A rate that is so many times as much, one after the other, for `each_s`; the last one stays."""

    times: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=1000)]
    each_s: Positive


class SpikeSettings(Section):
    """A rate that is `times` as much from `at_s` on, for `for_s`."""

    times: Positive
    at_s: Positive
    for_s: Positive


class RecordedSettings(Section):
    """A rate that was recorded: a CSV file with the columns `t` and `rate`, relative to the configuration."""

    file: str


class SearchSettings(Section):
    """The rate is searched for, from `rate_per_s` up to so many `times` that, to `within` a share of it."""

    times: Annotated[float, Field(gt=1, le=1000)]
    within: Annotated[float, Field(ge=0.05, le=1)] = 0.25


class FloodSettings(Section):
    """So many more requests of the scenario are kept under way beside the judged ones, in these profiles.

    `rate_per_s` is at which rate others are tried: one that the service cannot take.
    """

    in_flight: Annotated[int, Field(ge=1, le=10_000)]
    rate_per_s: Positive = 2000.0
    profiles: tuple[Profile, ...] = ("full",)


class ScenarioSettings(Section):
    """A load scenario: arrivals per second, for how long in each profile, and what must hold.

    `user` is a class of `file`, or empty for a GET of each of `paths` in turn, for requests of the contract (`traffic`)
    or for those of a recording: the file `har`, of which those to `har_host`, without static files unless `assets`.
    Of these two, `only` are the operations that are sent; where none is named, all that read, and with `writes` those
    that may change data. `arrivals` are evenly spaced or random with the same mean. `objectives` maps a metric to a
    comparison such as `<= 250 ms`, `operations` the same for each of some operations. `beyond_quota`: so many
    identities as are named send more than they may. After `grace_s` the
    load ends as soon as an objective can no longer hold. `watched` are the services whose resources are measured, the
    entry's where none is named.
    `journey_s` is how long an arrival may take, if that is more than one request may.
    At most one of `ramp`, `steps`, `spike` and `recorded` says how the rate changes with time.

    So many `processes` as are said send it together, each its share of the arrivals.
    """

    file: str = "load/locustfile.py"
    user: str = ""
    arrivals: Literal["constant", "poisson"] = "constant"
    rate_per_s: Positive
    duration_s: dict[Profile, Positive]
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    paths: tuple[UrlPath, ...] = ()
    traffic: Literal["contract"] | None = None
    har: str = ""
    har_host: str = ""
    assets: bool = False
    only: tuple[str, ...] = ()
    writes: bool = False
    identities: Annotated[int, Field(ge=0, le=100_000)] = 0
    beyond_quota: bool = False
    deadline_s: Positive = 10.0
    journey_s: Positive | None = None
    grace_s: Positive = 5.0
    objectives: dict[LoadMetric, str] = {}
    operations: dict[str, dict[OperationMetric, str]] = {}
    watched: tuple[Name, ...] = ()
    search: SearchSettings | None = None
    flood: FloodSettings | None = None
    ramp: RampSettings | None = None
    steps: StepsSettings | None = None
    spike: SpikeSettings | None = None
    recorded: RecordedSettings | None = None

    @property
    def senders(self) -> tuple[str, ...]:
        """Return which keys say what is sent; user classes may be handed paths."""
        said = {"user": self.user, "paths": self.paths and not self.user, "traffic": self.traffic, "har": self.har}
        return tuple(key for key, value in said.items() if value)

    @property
    def shapes(self) -> tuple[str, ...]:
        """Return which tables say how the rate changes with time."""
        return tuple(name for name in SHAPES if getattr(self, name))


class MergeSettings(Section):
    """Coverage that another tool recorded: `files` are globs of `.coverage` data, Cobertura XML or LCOV.

    Its lines count for `suite`. `source` is the folder of the files that it speaks of (empty: that of all coverage),
    `paths` what stands for that folder in the data. With `component`, they are a component of that name, which nothing
    else measures; without, they are among those measured.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    suite: Name = "unit"
    source: str = ""
    paths: tuple[str, ...] = ()
    component: Name | Literal[""] = ""


class CoverageSettings(Section):
    """Which services are measured from inside, and how their lines map onto the source.

    `source` is the folder on this machine (relative to the file), `container_source` the same inside the container,
    `packages` what is measured in it; `components` maps a name to path globs. `merge` adds what others recorded.
    `patch_base` is what git calls the point from which lines count as changed, such as a branch; empty for none.
    """

    services: tuple[Name, ...]
    source: str = "."
    container_source: str = "/app"
    packages: tuple[str, ...] = (".",)
    components: dict[Name, tuple[str, ...]] = {}
    patch_base: str = ""
    merge: tuple[MergeSettings, ...] = ()

    @property
    def component_names(self) -> tuple[str, ...]:
        """Return every component that has a figure of its own."""
        return tuple(dict.fromkeys([*self.components, *(each.component for each in self.merge if each.component)]))


SECRET_NAMES = ("*SECRET*", "*PASSWORD*", "*PRIVATE*", "*API_KEY*", "*ENCRYPTION_KEY*", "*_TOKEN", "*_DSN")


READ_ELSEWHERE = (
    *("PYTHON*", "LC_*", "LD_*", "MALLOC_*", "*_PROXY", "*_proxy", "SSL_CERT_*", "*_CA_BUNDLE", "XDG_*"),
    *("UVICORN_*", "GUNICORN_*", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "CELERY_*", "C_FORCE_ROOT"),
    *("DJANGO_*", "FLASK_*", "PG*", "AWS_*", "AZURE_*", "GOOGLE_*"),
    *("OTEL_*", "SENTRY_*", "DD_*", "NEW_RELIC_*", "PROMETHEUS_*"),
)


class PipelineSettings(Section):
    """The workflow of GitHub Actions that deploys; `file` is relative to the file.

    `events` start it, pushes and pull requests to each of `branches`. Its job `deploy` waits for the job `gate` and all
    others, and runs on branches of `deploys_from` alone. The step with the id `verify` looks at what was deployed, and
    the one with the id `rollback` takes it back where that fails.
    """

    file: Annotated[str, StringConstraints(min_length=1)]
    events: tuple[Name, ...] = ()
    branches: tuple[str, ...] = ()
    deploy: Name = "deploy"
    gate: Name = "gate"
    deploys_from: Annotated[tuple[str, ...], Field(min_length=1)] = ("main",)
    verify: str = ""
    rollback: str = ""


class DeploySettings(Section):
    """The files by which platforms run the stack, as globs relative to the file; whose each is, its content tells.

    They name variables of the template, those that the compose file hands over, and `variables` (globs) besides. Their
    probes ask for paths of `[health]`, `[metrics]`, the published contract, or one of `endpoints`.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    variables: tuple[str, ...] = ()
    endpoints: tuple[UrlPath, ...] = ()


class PostureSettings(Section):
    """What the files promise to an operator; paths are relative to the file.

    `environment_template` lists the variables that an operator sets in `environment_file`. `code` holds folders with
    Python code that reads variables, `internal` those that no operator sets, `read_elsewhere` globs of those that are
    read by the interpreter or a library. `secrets` are globs of names. The entry service refuses to start with a value
    of `strong_keys` that has fewer than `key_length` characters, without one of `required`, and with a value of
    `malformed`. `reporting` variables name servers of others, and are empty unless an operator sets them.
    """

    environment_template: str = ""
    environment_file: str = ""
    code: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    read_elsewhere: tuple[str, ...] = READ_ELSEWHERE
    secrets: tuple[str, ...] = SECRET_NAMES
    strong_keys: tuple[str, ...] = ()
    key_length: Annotated[int, Field(gt=1, le=4096)] = 32
    required: tuple[str, ...] = ()
    malformed: Environment = {}
    reporting: tuple[str, ...] = ()
    pipeline: PipelineSettings | None = None
    deploy: DeploySettings | None = None


class GateSettings(Section):
    """The rules that decide the verdict, and those that are only told; their grammar stands above `parse_rule`.

    `baseline` is the file with the figures that were accepted, `comparisons` are those that `seatrial load compare`
    left, all relative to the file.
    """

    rules: tuple[str, ...] = ("checks.failed == 0", "checks.inconclusive == 0", "checks.passed >= 1")
    informational: tuple[str, ...] = ()
    on_inconclusive: Literal["block", "pass"] = "block"
    baseline: Annotated[str, StringConstraints(min_length=1)] = "seatrial-baseline.json"
    comparisons: tuple[str, ...] = ()

    @property
    def parsed(self) -> tuple[Rule, ...]:
        """Return all rules, parsed: those that decide first."""
        told = (parse_rule(rule, informational=True) for rule in self.informational)
        return (*map(parse_rule, self.rules), *told)


class ReportSettings(Section):
    """What reports show beside the run: `history` is the file with earlier ones, relative to the file (empty: none)."""

    history: str = ".seatrial/history.jsonl"


class TargetSettings(Section):
    """Hosts (`HOST:PORT`) that are not loopback and may still be tested, if the command line names them too."""

    allow: tuple[str, ...] = ()


class WaiverSettings(Section):
    """Findings that somebody answers for until a date (`YYYY-MM-DD`).

    `operation` and `cause` are globs; without them every finding of the check is meant.
    """

    check: str
    operation: str = "*"
    cause: str = "*"
    reason: str
    owner: str
    expires: Day


def _somebody(auth: AuthSettings | None) -> AuthSettings | None:
    """Return how identities authenticate, if they do."""
    return None if auth and auth.kind == "none" else auth


def _told_apart(load: dict[str, ScenarioSettings]) -> dict[str, ScenarioSettings]:
    """Return the scenarios: rules on one of this name would be about the comparison of two versions."""
    if "compare" in load:
        msg = "a load scenario cannot be called 'compare': rules on load.compare are about seatrial load compare"
        raise ValueError(msg)
    return load


Stage = Literal["stack", "posture", "functional", "contract", "ratelimit", "deep", "load", "coverage", "report"]


class StepSettings(Section):
    """What somebody does on a page: types `text` into the field `fill`, or clicks on `click` (CSS selectors).

    In `text`, `{token}` is the token of whoever signs in.
    """

    fill: str = ""
    text: str = ""
    click: str = ""

    @model_validator(mode="after")
    def _one_thing(self) -> StepSettings:
        if bool(self.fill) == bool(self.click):
            raise ValueError("a step has either `fill` or `click`")
        return self


class SignInSettings(Section):
    """How somebody with a token signs in at the page, and the texts that it shows then."""

    path: UrlPath
    steps: Annotated[tuple[StepSettings, ...], Field(min_length=1)]
    expect: tuple[str, ...] = ()


class PageSettings(Section):
    """A state of the page: where it is, what leads there, and the texts that it shows.

    `signed_in`: as a user whom nobody saw before; `limited`: whose quota is used up; `down`: while that service stands
    still. With `moment`, it names a moment in the future in a `<time datetime>`.
    """

    name: Name
    path: UrlPath
    signed_in: bool = False
    limited: bool = False
    down: str = ""
    steps: tuple[StepSettings, ...] = ()
    expect: Annotated[tuple[str, ...], Field(min_length=1)]
    moment: bool = False

    @model_validator(mode="after")
    def _somebody_is_limited(self) -> PageSettings:
        if self.limited and not self.signed_in:
            raise ValueError("`limited` needs `signed_in`: a quota is somebody's")
        return self


class WebSettings(Section):
    """The page for people that a `service` of the stack serves, and its states, of which the first needs no sign-in.

    `health` answers 2xx as long as the page's process works; `readiness` does not while the stack's entry stands still.
    A cold load of the first page takes `interactive_s` at the most. `headers` maps a response header to a regular
    expression that its whole value matches, on every page. A text that is expected is waited for `patience_s`.
    """

    service: Name
    pages: Annotated[tuple[PageSettings, ...], Field(min_length=1)]
    sign_in: SignInSettings | None = None
    health: UrlPath | None = None
    readiness: UrlPath | None = None
    interactive_s: Positive | None = None
    headers: dict[str, Pattern] = {}
    patience_s: Positive = 10.0


class Settings(Section):
    """Everything that a run needs to know; `root` is the folder of the file, `config_file` its name.

    `suites` names folders with suites of the project, relative to the file, in place of the shipped ones; the word
    `shipped` among them stands for those.
    """

    root: Path = Path()
    config_file: str = ""
    stack: StackSettings = StackSettings()
    auth: Annotated[AuthSettings | None, AfterValidator(_somebody)] = None
    tokens: TokenSettings | None = None
    cors: CorsSettings | None = None
    security: SecuritySettings | None = None
    tls: TlsSettings = TlsSettings()
    smoke: SmokeSettings = SmokeSettings()
    errors: ErrorSettings | None = None
    targets: TargetSettings = TargetSettings()
    identities: tuple[IdentitySettings, ...] = ()
    limits: tuple[LimitSettings, ...] = ()
    health: HealthSettings | None = None
    tracing: TracingSettings | None = None
    logs: LogSettings | None = None
    metrics: MetricsSettings | None = None
    contract: ContractSettings | None = None
    jobs: JobSettings | None = None
    data: DataSettings | None = None
    load: Annotated[dict[Name, ScenarioSettings], AfterValidator(_told_apart)] = {}
    coverage: CoverageSettings | None = None
    posture: PostureSettings | None = None
    web: WebSettings | None = None
    suites: tuple[str, ...] = ()
    gate: GateSettings = GateSettings()
    report: ReportSettings = ReportSettings()
    waivers: tuple[WaiverSettings, ...] = ()
    budget_s: dict[RunProfile, dict[Stage, Positive]] = {}
