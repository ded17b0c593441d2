"""Describe in one line why a connection was lost."""


def describe(error: object) -> str:
    """Return the innermost known cause with its class: pika wraps socket errors three
    levels deep.
    """
    while inner := _causes(error):
        error = inner[-1]
    name = (error if isinstance(error, type) else type(error)).__name__
    return f"{name}: {error}"


def _causes(error: object) -> list[BaseException]:
    candidates = [
        *getattr(error, "args", ()),
        *getattr(error, "exceptions", ()),
        getattr(error, "exception", None),
    ]
    return [one for one in candidates if isinstance(one, BaseException)]
