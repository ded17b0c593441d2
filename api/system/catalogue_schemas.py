"""Tasks, models and readiness as answers."""

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
    default = fields.Boolean(metadata={"description": "It answers where no other is named."})


class ModelList(Schema):
    """All models there are."""

    items = fields.List(fields.Nested(ModelItem))


class Readiness(Schema):
    """Whether it works; each check is `ok`, or a sentence that says what is missing.

    `checks` is left out for callers from public networks who are not admins.
    """

    status = fields.String(metadata={"description": "`ready` or `not ready`."})
    checks = fields.Dict(keys=fields.String(), values=fields.String())


class Service(Schema):
    """What this is."""

    name = fields.String()
    version = fields.String()
    status = fields.String()
    docs = fields.String()


class Health(Schema):
    """The process answers."""

    status = fields.String()
