"""Response schemas of tasks, models, readiness and health."""

from marshmallow import Schema, fields


class TaskItem(Schema):
    """A task's contract."""

    name = fields.String()
    summary = fields.String()
    params = fields.Dict(metadata={"description": "JSON Schema."})
    result = fields.Dict(metadata={"description": "JSON Schema."})


class TaskList(Schema):
    """All tasks."""

    items = fields.List(fields.Nested(TaskItem))


class ModelItem(Schema):
    """A model that a running engine has."""

    task = fields.String()
    name = fields.String()
    version = fields.String()
    runtime = fields.String()
    sha256 = fields.String()
    licence = fields.String()
    source = fields.String()
    default = fields.Boolean(metadata={"description": "Used by requests that name no model."})


class ModelList(Schema):
    """All models of the running engines."""

    items = fields.List(fields.Nested(ModelItem))


class Readiness(Schema):
    """Whether the service is ready; each check is `ok` or a sentence that names the problem.

    `checks` is left out for callers from public networks who are not admins.
    """

    status = fields.String(metadata={"description": "`ready` or `not ready`."})
    checks = fields.Dict(keys=fields.String(), values=fields.String())


class Service(Schema):
    """Name, version and status of the service."""

    name = fields.String()
    version = fields.String()
    status = fields.String()
    docs = fields.String()


class Health(Schema):
    """The status of the process."""

    status = fields.String()
