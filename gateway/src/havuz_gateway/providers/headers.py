"""What every call to a provider carries."""

from havuz_contract.snapshot.models import Upstream

_USER_AGENT = "havuz"


def common_headers(upstream: Upstream, credential: str, prefix: str = "") -> dict[str, str]:
    """Headers of any call, with the upstream's credential, if it has one, in the header of that name."""
    # identity: an answer is relayed as it comes, and compressing a loopback or in-cluster hop only costs time
    headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": _USER_AGENT}
    if upstream.credential:
        headers[credential] = prefix + upstream.credential
    return headers
