"""How much memory clients make a process hold."""

from tracker.policy.accounts import Account
from tracker.policy.memory import SMALL, Marks, Memory, largest

KIB, MIB = 1 << 10, 1 << 20


class Socket:
    def __init__(self, account: Account | None = None) -> None:
        self.held = 0
        self.account = account or Account(b"")

    def shed(self) -> None:
        """Not called: the memory names whom to shed, its owner does so."""
        raise NotImplementedError


def memory() -> Memory:
    return Memory(Marks(socket=MIB, address=3 * MIB, process=8 * MIB))


def test_a_socket_an_address_and_the_process_have_bounds() -> None:
    them = memory()
    one = Socket()
    assert them.refuses(one, MIB) is None
    assert "socket" == them.refuses(one, MIB + 1)
    account = Account(b"")
    for _ in range(3):
        them.hold(Socket(account), MIB)
    assert "address" == them.refuses(Socket(account), 1)
    them.hold(Socket(), MIB)
    assert "process" == them.refuses(one, SMALL + 1)
    assert them.refuses(one, SMALL) is None


def test_all_that_is_held_can_be_released() -> None:
    them, account = memory(), Account(b"")
    sockets = [Socket(account) for _ in range(10)]
    for socket in sockets:
        them.hold(socket, 100 * KIB)
    assert 1000 * KIB == them.total == account.held
    for socket in sockets:
        them.hold(socket, -50 * KIB)
        them.release(socket)
    assert (0, 0) == (them.total, account.held)


def test_above_the_high_mark_the_largest_holders_are_named_until_the_low_mark_is_reached() -> None:
    them = memory()
    small = [Socket() for _ in range(100)]
    for socket in small:
        them.hold(socket, SMALL)
    large = [Socket() for _ in range(30)]
    shed: list[object] = []
    for number, socket in enumerate(large):
        shed = list(them.hold(socket, (300 + number) * KIB))
        if shed:
            break
    assert "process" == them.refuses(Socket(), SMALL + 1)
    assert shed
    assert not set(shed) & set(small)
    assert shed[0] is socket
    for each in large:
        if each in shed:
            them.release(each)
    assert them.refuses(Socket(), SMALL + 1) is None


def test_one_address_with_many_sockets_goes_before_many_addresses_with_one() -> None:
    account = Account(b"")
    many, one = [Socket(account) for _ in range(4)], Socket()
    one.held = one.account.held = 150
    for socket in many:
        socket.held = 100
        account.held += 100
    assert many[:2] == largest([one, *many], 200)
