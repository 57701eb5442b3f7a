"""What several processes tell of themselves, as one answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

LABEL = "process"


class Report(NamedTuple):
    """What one process tells of itself."""

    not_ready: list[str]  # why it should get no traffic now
    families: Sequence[Metric]
    warnings: list[str]  # what an operator should know although it serves


def merged(processes: Mapping[str, Iterable[Metric]]) -> list[Metric]:
    """The families of all processes, each once; each sample with the label `LABEL`: whose it is."""
    families: dict[str, Metric] = {}
    for process, told in processes.items():
        for metric in told:
            family = families.get(metric.name)
            if family is None:
                family = Metric(metric.name, metric.documentation, metric.type)
                families[metric.name] = family
            for sample in metric.samples:
                labels = {LABEL: process, **sample.labels}
                family.samples.append(sample._replace(labels=labels))
    return list(families.values())
