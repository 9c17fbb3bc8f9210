"""Step 3: limits and money, before anything is spent."""

from havuz_gateway.metering.meter import Admission
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Identity, Plan


async def admit(request_id: str, identity: Identity, plan: Plan, services: Services) -> Admission | None:
    """Let the request in; a test key costs nothing and is not metered. Raises `GatewayError`."""
    if identity.key.mode == "Test":
        return None
    admission = Admission(id=request_id, project=identity.project, key=identity.key, route=plan.route)
    await services.meter.admit(admission)
    return admission
