"""Which seeded faults share one stack in `make test`; whatever stands nowhere here has a run of its own.

A group's faults name different checks, none of which presupposes another's, and each fails its own beside the others.
What one trips besides, hidden by another one of its group, shows where it is alone: `make test-full` runs each fault by
itself, with every suite. So does `seatrial run --fault SLUG`, where a group does not end as it should.
"""

from __future__ import annotations

SECURITY = (
    (
        *("security-admin-locked-out", "security-any-audience", "security-any-origin", "security-cache-shared"),
        *("security-issued-token-expired", "security-error-of-another-form"),
        *("logs-duration-as-text", "logs-line-in-prose", "logs-without-organisation"),
        *("tracing-missing-on-errors", "tracing-not-handed-over"),
        *("posture-clients-in-template", "posture-health-check-without-timeout", "posture-template-lacks-variable"),
    ),
    (
        *("security-admin-open", "security-any-issuer", "security-errors-without-origin", "security-cache-stale"),
        *("security-refresh-forgotten", "security-long-header-answered-plainly", "security-rotation-forgotten"),
        *("posture-log-without-rotation", "posture-no-restart-policy", "posture-provider-key-in-template"),
        "posture-template-left-over",
    ),
    (
        *("security-admin-substring", "security-expired-accepted", "security-preflight-limited-to-users"),
        *("security-refresh-token-reusable", "security-refresh-token-as-access", "security-credentials-unchecked"),
        *("security-malformed-token-answered-plainly", "security-list-shared", "logs-audit-silent"),
        *("posture-secret-in-template", "posture-variable-handed-in-vain", "posture-starts-too-early"),
    ),
    (
        *("security-admin-chain-trusted", "security-admin-raw-path", "security-admin-role-unchecked"),
        *("security-not-yet-valid-accepted", "security-padding-alone-checked", "security-chunked-body-unlimited"),
        *("security-no-http-answered-plainly", "security-sniffing-allowed", "tracing-anything-taken-over"),
        *("logs-token", "posture-variable-not-handed", "posture-reports-by-default", "posture-worker-without-limits"),
    ),
    (
        *("security-admin-forwarded-for-trusted", "security-signature-unchecked", "security-crash-on-odd-query"),
        *("tracing-same-for-all", "logs-credentials", "logs-worker-body", "logs-worker-duration-as-text"),
        *("posture-environment-not-ignored", "posture-runs-as-root", "posture-pipeline-misspelled-key"),
        *("posture-deploy-variable-misspelled", "posture-deploy-probe-of-nothing", "posture-deploy-less-memory"),
        "posture-deploy-image-latest",
    ),
    (
        *("security-admin-real-ip-trusted", "security-algorithm-confusion", "security-nobody-accepted"),
        *("security-unsigned-accepted", "security-stack-trace-shown", "security-long-address-undocumented"),
        *("security-crash-on-malformed-token", "tracing-caller-ignored", "logs-worker-line-without-time"),
        *("posture-worker-without-health-check", "posture-pipeline-action-by-tag", "posture-pipeline-all-may-write"),
        *("posture-pipeline-any-branch", "posture-pipeline-develop-left-out", "posture-pipeline-gate-not-awaited"),
        *("posture-pipeline-job-may-hang", "posture-pipeline-rollback-never", "posture-pipeline-without-environment"),
        "posture-deploy-file-broken",
    ),
)

JOBS = (
    ("jobs-never-finished", "onboarding-any-step"),
    ("jobs-lost-with-worker", "jobs-result-lost", "analysis-list-cached", "logs-worker-without-organisation"),
    ("jobs-stored-twice", "analysis-timed", "logs-warnings-alone"),
)

HEALTH = (
    (
        *("health-hangs-with-database", "health-dependency-unnamed", "health-metrics-as-json"),
        "health-slow-requests-unnoticed",
    ),
    ("health-hangs-with-redis", "health-metrics-miss-successes", "health-without-reason"),
    ("health-onboarding-hangs-with-database", "health-readiness-slow", "health-metrics-raw-path"),
    ("health-removal-hangs-with-redis", "health-liveness-asks-database", "health-probe-flood"),
    ("health-outage-is-absence", "health-outage-remembered", "health-metrics-renamed"),
    ("health-outage-is-crash", "health-always-ready", "health-slow-queries-unnoticed"),
    ("health-administration-hangs-with-redis", "health-liveness-broken"),
)

CONTRACT = (
    (
        *("contract-challenge-in-prose", "contract-limit-mended", "contract-media-type-of-text"),
        *("contract-allow-of-one-route", "contract-submit-without-token", "contract-trace-remembered"),
        *("contract-undocumented-status", "health-basic-as-text"),
    ),
    (
        *("contract-location-forgotten", "contract-time-as-number", "contract-method-without-allow"),
        *("contract-error-with-sql", "contract-error-in-own-words", "contract-page-skips"),
        *("contract-administration-for-users", "contract-enum-widened", "contract-page-size-changed"),
    ),
    (
        *("contract-crash-on-long-title", "contract-health-dawdles", "contract-status-by-default"),
        *("contract-parameter-withdrawn", "contract-tenant-amends"),
    ),
    ("contract-cursor-crash", "contract-tenant-removes", "contract-short-title-refused"),
    ("contract-onboarding-second-profile", "contract-header-required"),
    ("contract-removed-still-served", "security-guest-let-in", "security-tenant-leak"),
)

# Not here: what leaves most claims blocked, and what takes so many requests that two of them fill a window on a busy
# machine (a whole quota, instances behind a balancer).
RATELIMIT = (
    (
        *("ratelimit-query-in-key", "ratelimit-tenant-from-header", "ratelimit-head-uncounted"),
        *("ratelimit-batch-costs-one", "ratelimit-refusal-cacheable", "ratelimit-client-id-in-key"),
        *("ratelimit-forwarded-for-trusted", "ratelimit-exemption-by-substring"),
        *("ratelimit-remaining-missing", "ratelimit-retry-after-too-short"),
    ),
    (
        *("ratelimit-user-agent-in-key", "ratelimit-path-in-key", "ratelimit-own-header-trusted"),
        *("ratelimit-wrong-method-uncounted", "ratelimit-after-validation", "ratelimit-refusal-without-origin"),
        *("ratelimit-by-token", "ratelimit-user-and-address"),
    ),
    (
        *("ratelimit-raw-path-in-key", "ratelimit-sibling-header-trusted", "ratelimit-forwarded-for-as-text"),
        *("ratelimit-operation-forgotten", "ratelimit-unverified-token", "ratelimit-ipv6-by-address"),
        *("ratelimit-reset-moves", "ratelimit-window-prolonged"),
    ),
    (
        *("ratelimit-off-by-one", "ratelimit-refused-uncounted", "ratelimit-health-limited"),
        "ratelimit-retry-after-missing",
    ),
    (
        *("ratelimit-counts-race", "ratelimit-forged-token-counted", "ratelimit-limit-of-another-plan"),
        "ratelimit-retry-after-as-fraction",
    ),
    ("ratelimit-first-counted-twice", "ratelimit-addresses-collapsed"),
    ("ratelimit-mounted-twice", "ratelimit-nobody-unlimited", "ratelimit-window-carried-over"),
    ("ratelimit-never-forgotten", "ratelimit-reset-as-seconds-left"),
    ("ratelimit-retry-after-too-long", "ratelimit-untrue-remaining"),
    ("ratelimit-refresh-as-usual", "ratelimit-wrong-status"),
    ("ratelimit-token-route-unlimited", "ratelimit-window-half-as-long"),
    ("ratelimit-bucket-too-large", "health-limiter-hangs-with-redis"),
)

OTHERS = (
    ("deployment-weak-key-accepted", "deployment-malformed-network-skipped"),
    ("deployment-issuer-optional", "coverage-module-by-hand"),
    ("load-health-limited", "load-slow-under-concurrency"),
    ("load-liveness-asks-database", "load-users-share-a-bucket"),
)

TOGETHER = (*SECURITY, *JOBS, *HEALTH, *CONTRACT, *RATELIMIT, *OTHERS)
"""All groups."""
