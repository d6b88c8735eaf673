"""Strict schemas of what the manifests use of the Prometheus operator's kinds: a key that is not here is
rejected.

The operator's own schemas (its CRDs) are in none of the registries that this project downloads from. They
are the authority: tests/live/kubernetes --crds DIRECTORY validates with them, too.
"""

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": TEXT}
DURATION = {"type": "string", "pattern": "^(0|(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$", "minLength": 1}


def closed(required, **optional):
    """An object with these keys and no others."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required),
            "additionalProperties": False}


def listed(item):
    return {"type": "array", "items": item, "minItems": 1}


def kind(name, spec):
    return closed({
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": name},
        "metadata": closed({"name": TEXT, "namespace": TEXT}, labels=TEXTS, annotations=TEXTS),
        "spec": spec,
    })


RELABELING = closed(
    {}, action={"enum": ["replace", "keep", "drop", "labeldrop", "labelkeep"]}, sourceLabels=listed(TEXT),
    separator=TEXT, targetLabel=TEXT, regex=TEXT, replacement=TEXT)

POD_MONITOR = kind("PodMonitor", closed(
    {
        "selector": closed({"matchLabels": TEXTS}),
        "jobLabel": TEXT,
        "podMetricsEndpoints": listed(closed(
            {"port": TEXT, "interval": DURATION, "scrapeTimeout": DURATION}, relabelings=listed(RELABELING))),
    }))

RECORDING = closed({"record": TEXT, "expr": TEXT}, labels=TEXTS)
ALERTING = closed({"alert": TEXT, "expr": TEXT, "labels": TEXTS, "annotations": TEXTS},
                  **{"for": DURATION, "keep_firing_for": DURATION})

PROMETHEUS_RULE = kind("PrometheusRule", closed({
    "groups": listed(closed({"name": TEXT, "rules": listed({"anyOf": [RECORDING, ALERTING]})}, interval=DURATION)),
}))

SCHEMAS = {"PodMonitor": POD_MONITOR, "PrometheusRule": PROMETHEUS_RULE}


def strict(schema):
    """A CRD's schema that rejects keys which it does not define."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items() if key != "description"}
        if schema.pop("x-kubernetes-int-or-string", False):
            schema = {key: value for key, value in schema.items() if key != "anyOf"} | {"type": ["integer", "string"]}
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            schema.setdefault("additionalProperties", False)
        return schema
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def of_crd(crd):
    """The kind that a CRD defines, and its strict schema."""
    [version] = [each for each in crd["spec"]["versions"] if each["name"] == "v1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}  # validated by the API server itself
    return crd["spec"]["names"]["kind"], schema
