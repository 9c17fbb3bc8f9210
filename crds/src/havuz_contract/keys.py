"""Every Redis key of havuz as a function or constant, with its lifetime beside it.

The part in braces is the Redis Cluster hash tag: keys that one script or transaction touches share it.
"""

CONFIG_TAG = "{config}"

# Permanent: the compiled configuration. One field per user object, so that a small change is a small message.
UPSTREAMS = f"havuz:{CONFIG_TAG}:upstreams"
ROUTES = f"havuz:{CONFIG_TAG}:routes"
PROJECTS = f"havuz:{CONFIG_TAG}:projects"
META = f"havuz:{CONFIG_TAG}:meta"  # fields: revision, schema_version

# Permanent, trimmed to CHANGES_KEPT entries.
CHANGES = f"havuz:{CONFIG_TAG}:changes"
CHANGES_KEPT = 1_000

# Permanent, pruned by score: gateway id -> what it last reported (JSON), and when it was last seen (unix seconds).
FLEET = f"havuz:{CONFIG_TAG}:fleet"
FLEET_SEEN = f"havuz:{CONFIG_TAG}:fleet-seen"
# Stream on which a gateway says at once that it runs a new revision, trimmed to ACKS_KEPT entries.
ACKS = f"havuz:{CONFIG_TAG}:acks"
ACKS_KEPT = 1_000
FLEET_HEARTBEAT_SECONDS = 2.0
FLEET_LOST_AFTER_SECONDS = 10.0

# Stream of verdicts on upstream keys, told by each gateway to the others and to the operator: `verdict` as JSON, and
# `after`, the id of the entry before it, by which a reader knows that it missed none.
VERDICTS = "havuz:{health}:verdicts"
VERDICTS_KEPT = 1_000
# Live `VERDICTS_KEPT_SECONDS` after the last verdict, longer than any lasts, and are pruned by score: the verdicts in
# force by their subject (JSON), and when each of them ends (unix seconds).
VERDICTS_IN_FORCE = "havuz:{health}:in-force"
VERDICTS_ENDS = "havuz:{health}:ends"
VERDICTS_KEPT_SECONDS = 2 * 86_400


def account(project_uid: str) -> str:
    """Permanent: the money of one project, a hash; `havuz_contract.accounts` lists its fields."""
    return f"havuz:{{p:{project_uid}}}:account"


def credits_of(project_uid: str) -> str:
    """Permanent: every credit that was ever applied, a hash of credit id to nanos."""
    return f"havuz:{{p:{project_uid}}}:credits"


def usage_stream(project_uid: str) -> str:
    """Permanent, trimmed: the stream of what happened to the money of one project, one versioned event per entry."""
    return f"havuz:{{p:{project_uid}}}:usage"


# Fields that an account has beside those of `havuz_contract.accounts`: `period_granted` (what the period's
# allowance was), `short` (cost that the balance did not reach for, ever), `archived` (cost of events that were trimmed
# from the usage stream), `updated` (unix milliseconds of the last change), `suspended` (set by a person: no admission).


def reservations(project_uid: str) -> str:
    """Permanent, empty when nothing is open: request id to the record of what was reserved (see `reserve.lua`)."""
    return f"havuz:{{p:{project_uid}}}:reservations"


def expiries(project_uid: str) -> str:
    """Permanent, empty when nothing is open: request ids by the moment their reservation expires (unix ms)."""
    return f"havuz:{{p:{project_uid}}}:expiries"


def rates(project_uid: str) -> str:
    """Lives a few minutes: theoretical arrival times of the rate limits of a project (`r`, `t`) and its keys."""
    return f"havuz:{{p:{project_uid}}}:rates"


def spend(project_uid: str, day: str) -> str:
    """Lives two days: what was settled and reserved on a UTC day (`20261121`) by the project (`p`) and its keys."""
    return f"havuz:{{p:{project_uid}}}:spend:{day}"


def key_leases(project_uid: str, key_id: str) -> str:
    """Lives as long as a request may: open requests of one key by the moment they expire (unix ms)."""
    return f"havuz:{{p:{project_uid}}}:leases:{key_id}"


def last_used(project_uid: str) -> str:
    """Lives `LAST_USED_SECONDS` after the last use of any: key id to when the key was used last (unix seconds)."""
    return f"havuz:{{p:{project_uid}}}:last-used"


LAST_USED_SECONDS = 400 * 86_400


def used_in_hour(project_uid: str, hour: str) -> str:
    """Lives `HOURS_KEPT_SECONDS`: roll-up of a UTC hour (`2026112114`); `key|model|upstream` to counts."""
    return f"havuz:{{p:{project_uid}}}:hour:{hour}"


def used_in_day(project_uid: str, day: str) -> str:
    """Lives as long as usage is kept (400 days by default): roll-up of a UTC day (`20261121`), like that of an hour."""
    return f"havuz:{{p:{project_uid}}}:day:{day}"


def settled(project_uid: str, request_id: str) -> str:
    """Lives minutes (settled) to days (abandoned): how a request was closed, so that it is closed only once."""
    return f"havuz:{{p:{project_uid}}}:settled:{request_id}"


def response(project_uid: str, response_id: str) -> str:
    """Lives as long as responses are kept (30 days by default): a sealed response and the items that it answered."""
    return f"havuz:{{p:{project_uid}}}:response:{response_id}"


def response_item(project_uid: str, item_id: str) -> str:
    """Lives as long as responses are kept: the id of the response in which the model said this item."""
    return f"havuz:{{p:{project_uid}}}:response-item:{item_id}"


def responses(project_uid: str) -> str:
    """Lives as long as the last response in it: ids of kept responses by the moment they expire (unix seconds)."""
    return f"havuz:{{p:{project_uid}}}:responses"


def response_sizes(project_uid: str) -> str:
    """Lives as long as the last response in it: bytes by id; the field without a name is their sum."""
    return f"havuz:{{p:{project_uid}}}:response-sizes"


def task(project_uid: str, task_id: str) -> str:
    """Lives until the task may have ended, then as long as tasks are kept (7 days by default): a hash, see `tasks/`."""
    return f"havuz:{{p:{project_uid}}}:task:{task_id}"


def open_tasks(project_uid: str) -> str:
    """Lives as long as a task may be open: ids of tasks that have not ended by their deadline (unix ms)."""
    return f"havuz:{{p:{project_uid}}}:tasks-open"


def tasks_made(project_uid: str) -> str:
    """Lives as long as the last task in it: ids of kept tasks by the moment they were ordered (unix ms)."""
    return f"havuz:{{p:{project_uid}}}:tasks-made"


def task_named(project_uid: str, digest: str) -> str:
    """Lives as long as its task: id and body digest of the task that an `Idempotency-Key` (its SHA-256) made."""
    return f"havuz:{{p:{project_uid}}}:task-named:{digest}"


# The queue of tasks shares one hash tag, so that one script moves a task on in it. All of it is permanent, and empty
# when nothing is open.
# The stream of tasks that workers have, and of the one that is next (`p` project uid, `t` task id).
TASKS = "havuz:{tasks}:queue"
TASK_WORKERS = "workers"  # its consumer group
# Uids of projects with waiting tasks, in the order in which it is their turn.
TASK_TURNS = "havuz:{tasks}:turns"
# `project uid/task id` of every task that was queued and is not done: since when it waits (unix ms), or +inf once a
# worker has it.
TASKS_QUEUED = "havuz:{tasks}:queued"
# Lives seconds: the gateway whose turn it is to look for tasks that are not queued.
TASK_SWEEPER = "havuz:{tasks}:sweeper"


def waiting_tasks(project_uid: str) -> str:
    """Permanent, empty when nothing waits: a list of the ids of a project's waiting tasks, the oldest first."""
    return f"havuz:{{tasks}}:waiting:{project_uid}"


# Callbacks share one hash tag, so that one script takes what is due, whichever project it is of. All of it lives a week
# after its last change.
# Uids of projects with open callbacks, by the moment of their next attempt (unix ms).
CALLBACKS_PROJECTS = "havuz:{callbacks}:projects"
# `project uid/task id` of callbacks that were given up, by that moment (unix ms).
CALLBACKS_FAILED = "havuz:{callbacks}:failed"


def callbacks_due(project_uid: str) -> str:
    """Task ids of a project's open callbacks, by the moment of the next attempt (unix ms)."""
    return f"havuz:{{callbacks}}:due:{project_uid}"


def callback(project_uid: str, task_id: str) -> str:
    """One callback: what is told to whom, sealed, how far it is, and a log of the attempts; a hash."""
    return f"havuz:{{callbacks}}:record:{project_uid}/{task_id}"


# Requests of customers about their keys share one hash tag: one script writes a project's and the list of projects.
# Permanent, empty when nothing is open: uids of projects with open requests.
KEY_REQUESTS_PROJECTS = "havuz:{key-requests}:projects"


def key_requests(project_uid: str) -> str:
    """Lives a day after the last request: request id to the sealed request, see `havuz_contract.key_requests`."""
    return f"havuz:{{key-requests}}:open:{project_uid}"


def key_answer(project_uid: str, request_id: str) -> str:
    """Lives ten minutes: what became of a request, and until it was shown the new key; both sealed, a hash."""
    return f"havuz:{{key-requests}}:answer:{project_uid}/{request_id}"


# Lives minutes: sign-ins to the pages that failed, from anywhere.
SIGN_INS_FAILED = "havuz:{pages}:failed"


def sign_ins_failed(origin: str) -> str:
    """Lives minutes: sign-ins to the pages that failed, from one place (a digest of its address)."""
    return f"havuz:{{pages}}:failed:{origin}"


def session(digest: str) -> str:
    """Lives until it is left alone for a while: who is signed in to the pages, sealed, by the digest of its token."""
    return f"havuz:{{pages}}:session:{digest}"


HOURS_KEPT_SECONDS = 35 * 86_400


def upstream_rates(upstream_uid: str) -> str:
    """Lives a few minutes: theoretical arrival times of the rate limits of an upstream (`r`, `t`)."""
    return f"havuz:{{u:{upstream_uid}}}:rates"


def upstream_leases(upstream_uid: str) -> str:
    """Lives as long as a request may: attempts under way on an upstream by the moment they expire (unix ms)."""
    return f"havuz:{{u:{upstream_uid}}}:leases"


def upstream_spend(upstream_uid: str, day: str) -> str:
    """Lives two days: what an upstream's requests cost on a UTC day, settled and claimed, in nanos."""
    return f"havuz:{{u:{upstream_uid}}}:spend:{day}"


# Permanent, pruned by score: uids of projects with open reservations or recent use (unix seconds).
METERED_PROJECTS = "havuz:{meter}:projects"
# Lives seconds: the gateway whose turn it is to sweep.
SWEEPER = "havuz:{meter}:sweeper"

_PERMANENT_OF_PROJECT = ("account", "credits", "usage", "reservations", "expiries")


def is_permanent_of_project(name: str) -> bool:
    """Whether this is one of the keys of a project that live for ever."""
    return name.startswith("havuz:{p:") and name.rpartition(":")[2] in _PERMANENT_OF_PROJECT
