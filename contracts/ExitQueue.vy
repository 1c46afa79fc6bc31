# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title ExitQueue
@notice Withdrawals of the settlement token that cannot leave the Clearinghouse at once, first in, first out.
@dev See IExitQueue. `seawall/spec/exit_queue.py` is the same in Python.
@custom:kill None: it has no owner.
@custom:security The tokens stay in the Clearinghouse. The only ways out of the queue's account are a payment to the
                 receiver that the account's owner named, and the way back to the account itself.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from ethereum.ercs import IERC20Detailed

from interfaces import IClearinghouse
from interfaces import IExitQueue
implements: IExitQueue
from interfaces import IIndexOracle
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # accounts of a contract
from contracts.modules import token_utils  # payments that may fail
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

MAX_CLAIMS: constant(uint256) = 32
# The right of modules whose savers wait elsewhere.
EXIT: constant(uint256) = 64
# Why a ticket was given back, see IExitQueue.TicketReturned.
CANCELLED: constant(uint256) = 1
NOT_COVERED: constant(uint256) = 2
TOKEN_REFUSED: constant(uint256) = 3
RECALLED: constant(uint256) = 4
# The right of modules that settle losses.
LOSS: constant(uint256) = 8


# `terms` packs amount and time, see words.vy.
struct Ticket:
    account: uint256
    receiver: address
    terms: uint256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
WAIT_SECONDS: public(immutable(uint256))
# WAD value of a native unit.
UNIT: immutable(uint256)
OWN_ACCOUNT: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_tickets: HashMap[uint256, Ticket]
# Account -> native units of its tickets that were not called back.
waiting: public(HashMap[uint256, uint256])
# Ids of the front ticket and of the next one to be written.
_front: uint256
_next: uint256

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse,
    settlement: IERC20Detailed,
    index_oracle: IIndexOracle,
    margin_model: IMarginModel,
    wait_seconds: uint256,
):
    """
    @param clearinghouse its code may come later
    @param settlement its token 0
    @param wait_seconds what a withdrawal waits at least, at most a week
    """
    assert wait_seconds <= 604_800, "queue: wait"
    decimals: uint256 = convert(staticcall settlement.decimals(), uint256)
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    WAIT_SECONDS = wait_seconds
    # The Clearinghouse lists no token of more than 18 decimals.
    UNIT = 10 ** (18 - decimals)
    OWN_ACCOUNT = bits._first_account(self)


# ---------------------------------------------------------------
#                        MODULE ACTIONS
# ---------------------------------------------------------------


@external
def enqueue(account: uint256, receiver: address, amount: uint256):
    """
    @notice Write a ticket. The Clearinghouse only.
    @dev See IExitQueue. Calls nobody: the Clearinghouse is in the middle of an action.
    """
    assert msg.sender == CLEARINGHOUSE.address, "queue: not the house"
    ticket_id: uint256 = self._next
    ready_at: uint256 = block.timestamp + WAIT_SECONDS
    self._next = ticket_id + 1
    self.waiting[account] += amount
    self._tickets[ticket_id] = Ticket(account=account, receiver=receiver, terms=words._ticket(amount, ready_at))
    log IExitQueue.TicketQueued(
        ticket_id=ticket_id, account=account, receiver=receiver, amount=amount, ready_at=ready_at
    )


@external
def recall(account: uint256, most: uint256) -> uint256:
    """
    @notice Let what waits for an account be its cash again, up to what it lacks. A module with the LOSS right only.
    @dev See IExitQueue.
    """
    asked: uint256 = (most + UNIT - 1) // UNIT
    amount: uint256 = min(self.waiting[account], asked)
    if amount == 0:
        return 0
    rights: uint256 = staticcall CLEARINGHOUSE.modules(msg.sender)
    assert rights & LOSS != 0, "module: no right"  # a right as bits._has reads it
    # amount <= waiting
    self.waiting[account] = unsafe_sub(self.waiting[account], amount)
    log IExitQueue.Recalled(account=account, amount=amount)
    extcall CLEARINGHOUSE.transfer(OWN_ACCOUNT, account, amount * UNIT)
    return amount * UNIT


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def claim(count: uint256) -> uint256:
    """
    @notice Pay or give back tickets whose wait is over, from the front.
    @dev See IExitQueue.
    """
    front: uint256 = self._front
    end: uint256 = min(self._next, front + count)
    done: uint256 = 0
    for i: uint256 in range(MAX_CLAIMS):
        if front == end:
            break
        if not self._serve(front):
            break
        front += 1
        done += 1
    self._front = front
    return done


# ---------------------------------------------------------------
#                         USER ACTIONS
# ---------------------------------------------------------------


@external
def cancel(ticket_id: uint256):
    """
    @notice Give what waits back to the account. Its owner only.
    """
    account: uint256 = self._tickets[ticket_id].account
    assert account >> 96 == convert(msg.sender, uint256), "queue: not yours"  # bits._owner
    self._give_back(ticket_id, CANCELLED)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def ticket(ticket_id: uint256) -> (uint256, address, uint256, uint256):
    """
    @notice Account, receiver, native units that wait and the time from which they may leave.
    """
    ticket: Ticket = self._tickets[ticket_id]
    return ticket.account, ticket.receiver, words._ticket_amount(ticket.terms), words._ticket_ready_at(ticket.terms)


@external
@view
def ends() -> (uint256, uint256):
    """
    @notice Ids of the front ticket and of the next one to be written.
    """
    return self._front, self._next


@external
@view
@reentrant
def is_covered(account: uint256) -> bool:
    """
    @notice Whether an account would pass the Clearinghouse's rule of a withdrawal as it stands.
    @dev Not locked: `claim` asks it from inside. It only reads.
    """
    owner: address = convert(account >> 96, address)  # bits._owner
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall CLEARINGHOUSE.portfolio(account)
    bitmap: uint256 = words._account_bitmap(word)
    if words._account_cash(word) >= 0 and bitmap == 0:
        return True
    rights: uint256 = staticcall CLEARINGHOUSE.modules(owner)
    if rights & EXIT != 0:  # a right as bits._has reads it
        return True
    if words._account_cash(word) < 0:
        return False
    prices: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(bitmap)
    equity: int256 = 0
    adverse: int256 = 0
    settled: int256 = 0
    initial: uint256 = 0
    maintenance: uint256 = 0
    equity, adverse, settled, initial, maintenance = staticcall MARGIN_MODEL.assess(word, base, legs, prices)
    return settled >= 0 and convert(settled, uint256) >= initial


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
def _serve(ticket_id: uint256) -> bool:
    """
    @notice Pay a ticket or give it back; whether it is gone.
    """
    ticket: Ticket = self._tickets[ticket_id]
    if ticket.account == 0:
        # Cancelled.
        return True
    ready_at: uint256 = words._ticket_ready_at(ticket.terms)
    if block.timestamp < ready_at:
        return False
    if not token_utils._try_is_covered(self, ticket.account):
        self._give_back(ticket_id, NOT_COVERED)
        return True
    amount: uint256 = min(words._ticket_amount(ticket.terms), self.waiting[ticket.account])
    if amount == 0:
        self._drop(ticket_id, ticket.account, 0, RECALLED)
        return True
    success: bool = False
    paid: uint256 = 0
    left: uint256 = 0
    success, paid, left = token_utils._try_withdraw(CLEARINGHOUSE.address, OWN_ACCOUNT, amount, ticket.receiver)
    if not success:
        self._give_back(ticket_id, TOKEN_REFUSED)
        return True
    if left == amount:
        return False
    log IExitQueue.TicketPaid(
        ticket_id=ticket_id,
        account=ticket.account,
        receiver=ticket.receiver,
        amount=amount - left,
        paid=paid,
        left=left,
    )
    # left <= amount <= waiting
    self.waiting[ticket.account] = unsafe_sub(self.waiting[ticket.account], unsafe_sub(amount, left))
    if left == 0:
        self._tickets[ticket_id] = empty(Ticket)
        return True
    self._tickets[ticket_id].terms = words._ticket(left, ready_at)
    return False


@internal
def _give_back(ticket_id: uint256, reason: uint256):
    """
    @notice Let a ticket's amount be cash of its account again.
    """
    account: uint256 = self._tickets[ticket_id].account
    amount: uint256 = min(words._ticket_amount(self._tickets[ticket_id].terms), self.waiting[account])
    # amount <= waiting
    self.waiting[account] = unsafe_sub(self.waiting[account], amount)
    self._drop(ticket_id, account, amount, reason)
    if amount != 0:
        extcall CLEARINGHOUSE.transfer(OWN_ACCOUNT, account, amount * UNIT)


@internal
def _drop(ticket_id: uint256, account: uint256, amount: uint256, reason: uint256):
    """
    @notice Take a ticket out that is not paid.
    """
    self._tickets[ticket_id] = empty(Ticket)
    log IExitQueue.TicketReturned(ticket_id=ticket_id, account=account, amount=amount, reason=reason)
