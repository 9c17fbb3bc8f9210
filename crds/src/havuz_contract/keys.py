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

# Stream of verdicts on upstream keys, told by each gateway to the others and to the operator.
VERDICTS = "havuz:{health}:verdicts"
VERDICTS_KEPT = 1_000


def account(project_uid: str) -> str:
    """Permanent: the money of one project, a hash; `havuz_contract.accounts` lists its fields."""
    return f"havuz:{{p:{project_uid}}}:account"


def credits_of(project_uid: str) -> str:
    """Permanent: every credit that was ever applied, a hash of credit id to nanos."""
    return f"havuz:{{p:{project_uid}}}:credits"


def usage_stream(project_uid: str) -> str:
    """Permanent, trimmed: the stream of what happened to the money of one project, one versioned event per entry."""
    return f"havuz:{{p:{project_uid}}}:usage"
