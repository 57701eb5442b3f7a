"""Which websites may use what browsers give to their pages.

Browsers name the website of a page in the Origin header, and do not let the page change it. Other
programs can send any value, so this keeps out other websites and no program.
"""

from collections.abc import Sequence

from tracker.origins import ANY, WILDCARD, normal_origin, own_origins


class Origins:
    """The origins whose pages are served.

    Args:
        allowed: as settings name them, see `tracker.origins`.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._any = ANY in allowed
        self._exact = frozenset(each for each in allowed if WILDCARD not in each)
        self._below = [tuple(each.split(WILDCARD[:-1])) for each in allowed if WILDCARD in each]

    def allow(self, origin: str, host: str) -> bool:
        """Return whether a page of this origin is served.

        Args:
            origin: an Origin header, of any content.
            host: the Host header of the same request. Pages that were loaded from there are the
                tracker's own.
        """
        if self._any:
            return True
        try:
            normal = normal_origin(origin)
        except ValueError:
            return False
        return normal in self._exact or normal in own_origins(host) or self._is_below(normal)

    def _is_below(self, origin: str) -> bool:
        """Return whether this is a subdomain of one that is allowed with all of its subdomains."""
        return any(
            origin.startswith(scheme) and origin.endswith(domain) for scheme, domain in self._below
        )
