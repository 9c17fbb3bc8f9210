"""A kind as a CustomResourceDefinition."""

from typing import Any

import yaml

from havuz_contract.crdgen.structural import structural
from havuz_contract.v1alpha1.meta import GROUP, VERSION, KubeObject, PrinterColumn

_HEADER = "# Generated from the kinds in havuz_contract.v1alpha1 by `make generate`. Do not edit.\n"


def file_name(kind: type[KubeObject]) -> str:
    """What the kind's CRD file is called."""
    return f"{GROUP}_{kind.plural}.yaml"


def crd_yaml(kind: type[KubeObject]) -> str:
    """The kind's CRD as YAML text. Helm keeps it on uninstall: deleting a CRD deletes every object of its kind."""
    text: str = yaml.dump(definition(kind), Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=True)
    return _HEADER + text


def definition(kind: type[KubeObject]) -> dict[str, Any]:
    """The kind's CRD."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.__name__,
                "listKind": f"{kind.__name__}List",
                "plural": kind.plural,
                "singular": kind.__name__.lower(),
                "shortNames": list(kind.short_names),
                "categories": list(kind.categories),
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "schema": {"openAPIV3Schema": structural(kind)},
                }
            ],
        },
    }


def _column(column: PrinterColumn) -> dict[str, Any]:
    written: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    if column.description:
        written["description"] = column.description
    if column.priority:
        written["priority"] = column.priority
    return written


class _PlainDumper(yaml.SafeDumper):
    """Writes every value in full: a CRD with YAML anchors reads badly in a diff."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
