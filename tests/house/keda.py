"""What KEDA takes, as JSON Schemas of the parts in use.

Written from its documentation: ScaledObject and TriggerAuthentication specifications, and the
RabbitMQ queue scaler (keda.sh, 2.22).
"""

from typing import Any


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_NAME = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"}
_COUNT = {"type": "integer", "minimum": 0}
_META = {"type": "object", "required": ["name"], "properties": {"name": _NAME}}
_NUMBER = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}  # metadata are strings, all of them
_RABBITMQ = _object(
    ["mode", "value", "queueName"],
    host={"type": "string"},
    hostFromEnv={"type": "string"},
    protocol={"enum": ["amqp", "http", "auto"]},
    mode={"enum": ["QueueLength", "MessageRate"]},
    value=_NUMBER,
    activationValue=_NUMBER,
    queueName={"type": "string", "minLength": 1},
    vhostName={"type": "string"},
    useRegex={"enum": ["true", "false"]},
    pageSize={"type": "string", "pattern": r"^\d+$"},
    operation={"enum": ["sum", "max", "avg"]},
    excludeUnacknowledged={"enum": ["true", "false"]},
    timeout={"type": "string", "pattern": r"^\d+$"},
)
_TRIGGER = _object(
    ["type", "metadata"],
    type={"const": "rabbitmq"},
    name=_NAME,
    metadata=_RABBITMQ,
    metricType={"enum": ["AverageValue", "Value"]},
    authenticationRef=_object(["name"], name=_NAME, kind={"type": "string"}),
)
_SCALED = _object(
    ["scaleTargetRef", "triggers"],
    scaleTargetRef=_object(
        ["name"], name=_NAME, kind={"type": "string"}, apiVersion={"type": "string"}
    ),
    pollingInterval=_COUNT,
    cooldownPeriod=_COUNT,
    initialCooldownPeriod=_COUNT,
    idleReplicaCount=_COUNT,
    minReplicaCount=_COUNT,
    maxReplicaCount={"type": "integer", "minimum": 1},
    fallback=_object(["failureThreshold", "replicas"], failureThreshold=_COUNT, replicas=_COUNT),
    triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
)
_TARGET = _object(
    ["parameter", "name", "key"], parameter={"type": "string"}, name=_NAME, key={"type": "string"}
)
_AUTHENTICATION = _object(["secretTargetRef"], secretTargetRef={"type": "array", "items": _TARGET})


def _kind(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return _object(
        ["apiVersion", "kind", "metadata", "spec"],
        apiVersion={"const": "keda.sh/v1alpha1"},
        kind={"const": name},
        metadata=_META,
        spec=spec,
    )


SCHEMAS = {
    "ScaledObject": _kind("ScaledObject", _SCALED),
    "TriggerAuthentication": _kind("TriggerAuthentication", _AUTHENTICATION),
}
