"""What the installed charts give the processes that run beside the control plane."""

from dataclasses import dataclass

from harness.cluster.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Installation:
    """The cluster as the operator's account sees it, and the settings that the chart's Secrets hold."""

    account: Cluster
    encryption_keys: str
    operator_redis: str
    gateway_redis: str
