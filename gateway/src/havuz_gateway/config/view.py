"""The immutable index of one revision: everything a request asks of the configuration, in a few dictionary look-ups."""

from havuz_contract.snapshot.models import Project, ProjectKey, Route, Snapshot


class View:
    """Built once per revision from a `Snapshot`; never changed afterwards."""

    def __init__(self, snapshot: Snapshot, revision: int) -> None:
        self.snapshot = snapshot
        self.revision = revision

    def key(self, sha256: str) -> tuple[Project, ProjectKey] | None:
        """The project and key whose secret has this SHA-256 (hex), or None."""
        raise LookupError(sha256)

    def route(self, project: Project, model: str) -> Route | None:
        """The route a project sees under this public model id or alias (rights not considered), or None."""
        raise LookupError(model)

    def may_use(self, project: Project, model: str, now: float) -> bool:
        """Whether a project's rights (allow, deny, review until `now` in unix seconds) cover this public model id."""
        raise LookupError(model)

    def routes(self, project: Project, now: float) -> list[Route]:
        """The routes a project sees and may use, by model id."""
        raise LookupError(project.uid)
