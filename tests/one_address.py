"""Limits for tests in which one address stands for the clients of many."""

SETTINGS = {
    "limits_work_per_second": 1_000_000,
    "limits_work_burst": 1_000_000,
    "limits_entries_per_second": 1_000_000,
    "limits_entries_burst": 1_000_000,
    "limits_endpoints_per_swarm": 65_535,
    "limits_browsers_per_swarm": 65_535,
}

FLAGS = tuple(
    word for name, value in SETTINGS.items() for word in (f"--{name.replace('_', '-')}", str(value))
)
VARIABLES = {f"TRACKER_{name.upper()}": str(value) for name, value in SETTINGS.items()}
