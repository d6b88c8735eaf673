"""Validates objects with the schemas of Kubernetes and the operator, without unknown keys."""

import sys

from operator_kinds import SCHEMAS, of_crd
from tools import VERSIONS, libraries

sys.path.insert(0, str(libraries()))
import jsonschema  # noqa: E402
import kubernetes_validate  # noqa: E402


class Validator:
    """Validates with the pinned schemas, and with CRDs if given."""

    def __init__(self, crds=()):
        schemas = [*SCHEMAS.items(), *map(of_crd, crds)]
        self.operator = {}
        for kind, schema in schemas:
            self.operator.setdefault(kind, []).append(jsonschema.Draft202012Validator(schema))

    def problem(self, item):
        """The error in an object, or None."""
        try:
            if item["apiVersion"].startswith("monitoring.coreos.com/"):
                for validator in self.operator[item["kind"]]:
                    validator.validate(item)
            else:
                for version in VERSIONS:
                    kubernetes_validate.validate(item, version, strict=True)
        except (jsonschema.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            path = ".".join(map(str, getattr(error, "absolute_path", ())))
            return f"{item['kind']} {item['metadata']['name']}: {path}: {error.message[:300]}"
        return None
