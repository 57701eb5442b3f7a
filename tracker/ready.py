"""The line on standard output with which a process reports that it serves."""

from collections.abc import Mapping


def ready_line(ports: Mapping[str, int], *, redis_up: bool | None = None) -> str:
    """Return ``ready`` and fields ``name=value``.

    Args:
        ports: on which each protocol, and the admin address, are open.
        redis_up: whether Redis can be used already; None: the process needs none.
    """
    fields: dict[str, object] = {**ports}
    if redis_up is not None:
        fields["redis"] = "up" if redis_up else "away"
    return " ".join(["ready", *(f"{name}={value}" for name, value in fields.items())])
