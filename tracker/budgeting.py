"""The budgets of one process, from its settings and what the machine allows."""

from tracker.machine import allowed_memory
from tracker.policy.accounts import Accounts, Rate
from tracker.policy.budgets import Budgets
from tracker.policy.crowds import Crowds
from tracker.policy.memory import Marks, Memory
from tracker.policy.scrapes import Scrapes
from tracker.settings import Settings

# Browsers of an address in a swarm, at one of many frontends. Fewer than of other peers: members
# carry no address, so recipients of offers cannot be chosen from different addresses.
LEAST_BROWSERS = 4
MEMORY_SHARE = 4  # the part of all memory that clients may make the processes hold


def client_budgets(settings: Settings) -> Budgets:
    """Return unused budgets for one of the processes that the settings start."""
    limits = settings.limits
    return Budgets(
        Accounts(
            Rate(limits.work_per_second, limits.work_burst),
            Rate(limits.entries_per_second, limits.entries_burst),
            limits.ipv6_prefix,
            limits.addresses,
        ),
        Crowds(limits.endpoints_per_swarm, settings.announce.peer_ttl),
        Crowds(limits.browsers_per_swarm, settings.ws.ttl, LEAST_BROWSERS),
        Scrapes(limits.scraped_hashes),
        Memory(
            Marks(
                socket=limits.socket_memory_kib << 10,
                address=limits.address_memory_mib << 20,
                process=process_memory(settings),
            )
        ),
    )


def process_memory(settings: Settings) -> int:
    """Return the bytes that clients may make one of the processes hold."""
    mib = settings.limits.memory_mib
    memory = mib << 20 if mib else allowed_memory() // MEMORY_SHARE
    return memory // settings.listen.processes
