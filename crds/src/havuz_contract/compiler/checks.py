"""What makes an object Accepted or not, beyond what its schema says.

What this version would not act on is refused here as `UnsupportedValue`, never silently ignored.
"""

from collections.abc import Iterable, Iterator, Mapping

from havuz_contract import periods
from havuz_contract.compiler.chain import Check, Finding
from havuz_contract.v1alpha1.modelroute import ModelRoute, Parameters
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

_RESERVED_PARAMETERS = ("model", "stream", "messages", "input", "prompt", "image", "images", "mask", "file")


def _cheapest_has_prices(route: ModelRoute) -> Iterator[Finding]:
    if route.spec.balance != "Cheapest" or route.spec.prices:
        return
    for index, target in enumerate(route.spec.targets):
        if not target.prices:
            sentence = f"spec.balance 'Cheapest' compares prices: give spec.prices, or spec.targets[{index}].prices"
            yield Finding("Invalid", sentence)


def _parameters_leave_the_request_whole(route: ModelRoute) -> Iterator[Finding]:
    for path, parameters in _all_parameters(route):
        if parameters is None:
            continue
        for part, names in _touched(parameters).items():
            for name in names:
                if name in _RESERVED_PARAMETERS:
                    sentence = f"{path}.{part} can not change {name!r}, which belongs to the request itself; remove it"
                    yield Finding("Invalid", sentence)


def _touched(parameters: Parameters) -> Mapping[str, Iterable[str]]:
    return {
        "defaults": parameters.defaults or (),
        "overrides": parameters.overrides or (),
        "drop": parameters.drop or (),
    }


def _all_parameters(route: ModelRoute) -> Iterator[tuple[str, Parameters | None]]:
    for index, target in enumerate(route.spec.targets):
        yield f"spec.targets[{index}].parameters", target.parameters
    for name, mode in route.spec.modes or ():
        if mode is None:
            continue
        yield f"spec.modes.{name}.parameters", mode.parameters
        for index, target in enumerate(mode.targets or ()):
            yield f"spec.modes.{name}.targets[{index}].parameters", target.parameters


def _time_zone(project: Project) -> Iterator[Finding]:
    monthly = project.spec.billing.monthly
    if monthly is None:
        return
    try:
        periods.zone(monthly.time_zone)
    except ValueError as error:
        yield Finding("Invalid", f"spec.billing.monthly.timeZone {error}")


UPSTREAM_KEY: tuple[Check[UpstreamKey], ...] = ()

MODEL_ROUTE: tuple[Check[ModelRoute], ...] = (
    _cheapest_has_prices,
    _parameters_leave_the_request_whole,
)

PROJECT: tuple[Check[Project], ...] = (_time_zone,)
