# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Signed report feed
@notice A team's own price feed: the last report that k of its n signers have signed, whoever brought it.
@dev Trust: of the signers no k collude or lose their keys, and fewer than n - k + 1 fall silent; whoever brings
     reports may choose among those signed which one comes next, so signers must not sign two prices for times that
     are close, and the oracle's age limit must be short. The owner can replace the signers and hence make any
     price: it should be a timelock, and this feed one of several.
@custom:security Signatures bind chain, contract and publish time; publish times only rise, so none serves twice.
                 Signatures are not used as ids: their other forms prove the same report and change nothing.
@custom:kill No kill switch: the owner may replace all signers, or the oracle's owner the feed.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from interfaces import IPriceFeed
implements: IPriceFeed
from interfaces import ISignedReportFeed
implements: ISignedReportFeed

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

# Who may set signers.
from snekmate.auth import ownable
initializes: ownable
from snekmate.auth import ownable_2step
initializes: ownable_2step[ownable := ownable]
# Signer of a digest.
from snekmate.utils import ecdsa
# Domain separator, cached as an immutable and rebuilt after a fork.
from snekmate.utils import eip712_domain_separator
initializes: eip712_domain_separator
# The report's storage word.
from contracts.modules import report_word

# ---------------------------------------------------------------
#                             EXPORTS
# ---------------------------------------------------------------

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    eip712_domain_separator.eip712Domain,
)

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

REPORT_TYPE_HASH: constant(bytes32) = keccak256("Report(uint256 price,uint256 halfWidth,uint256 publishedAt)")
MAX_SIGNERS: constant(uint256) = 16
# The oracle's range, WAD.
MIN_PRICE: constant(uint256) = 10**10
MAX_PRICE: constant(uint256) = 10**24
# From here on the oracle calls a price not usable.
MAX_HALF_WIDTH: constant(uint256) = 65_535

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

is_signer: public(HashMap[address, bool])
threshold: public(uint256)
_signers: DynArray[address, MAX_SIGNERS]
_report: uint256

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(owner: address, signers: DynArray[address, MAX_SIGNERS], threshold: uint256):
    """
    @notice Deploy without a report.
    @dev Reverts with "feed: owner" for nobody, and as `set_signers`.
    @param owner who may replace the signers
    @param signers who may sign, ascending, 1 to 16
    @param threshold how many a report takes, 1 to the number of signers
    """
    assert owner != empty(address), "feed: owner"
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)
    eip712_domain_separator.__init__("Seawall Report", "1")
    self._set_signers(signers, threshold)


# ---------------------------------------------------------------
#                         KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def submit(
    price: uint256,
    half_width: uint256,
    published_at: uint256,
    signatures: DynArray[Bytes[65], MAX_SIGNERS],
):
    """
    @notice Store a report that enough signers have signed.
    @dev See ISignedReportFeed for the order of signatures and for the reasons that refuse a report.
    @param price WAD per market unit, 10**10 to 10**24
    @param half_width in 10**-5 of the price, below 65,535
    @param published_at unix seconds, later than the last report's and not in the future
    @param signatures in ascending order of their signers
    """
    assert price >= MIN_PRICE and price <= MAX_PRICE, "report: price"
    assert half_width < MAX_HALF_WIDTH, "report: half width"
    assert published_at <= block.timestamp, "report: future"
    last: uint256 = report_word._report_published_at(self._report)
    assert published_at > last, "report: not newer"
    digest: bytes32 = self._digest(price, half_width, published_at)
    self._check_signatures(digest, signatures)
    self._report = report_word._report(price, half_width, published_at)
    log ISignedReportFeed.ReportSubmitted(price=price, half_width=half_width, published_at=published_at)


# ---------------------------------------------------------------
#                              ADMIN
# ---------------------------------------------------------------


@external
def set_signers(new_signers: DynArray[address, MAX_SIGNERS], new_threshold: uint256):
    """
    @notice Replace signers and how many of them a report takes; the present report counts no longer.
    @dev Owner only. Reverts with "signers: count", "signers: not ascending", "signers: threshold".
    @param new_signers who may sign, ascending, 1 to 16
    @param new_threshold how many a report takes, 1 to the number of signers
    """
    ownable._check_owner()
    # Pending signatures fall with their signers; so does what is stored. Its time stays the floor of the next.
    last: uint256 = report_word._report_published_at(self._report)
    self._report = report_word._report(0, 0, last)
    self._set_signers(new_signers, new_threshold)


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def latest() -> (uint256, uint256, uint256):
    """
    @notice WAD price per market unit, its publish time (unix seconds) and its half-width; all 0 without a report.
    @return price as signed
    @return updated_at unix seconds
    @return half_width in 10**-5 of the price, as signed
    """
    word: uint256 = self._report
    price: uint256 = report_word._report_price(word)
    if price == 0:
        return 0, 0, 0
    return price, report_word._report_published_at(word), report_word._report_half_width(word)


@external
@view
def signers() -> DynArray[address, MAX_SIGNERS]:
    """
    @notice Who may sign, ascending.
    @return addresses
    """
    return self._signers


@external
@view
def published_at() -> uint256:
    """
    @notice Time of the last report, also of one that counts no longer.
    @return unix seconds, 0 before the first
    """
    return report_word._report_published_at(self._report)


@external
@view
def report_digest(price: uint256, half_width: uint256, published_at: uint256) -> bytes32:
    """
    @notice The EIP-712 digest that signers sign.
    @param price WAD per market unit
    @param half_width in 10**-5 of the price
    @param published_at unix seconds
    @return what to sign
    """
    return self._digest(price, half_width, published_at)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _digest(price: uint256, half_width: uint256, published_at: uint256) -> bytes32:
    """
    @notice EIP-712 digest of a report on this chain.
    """
    struct_hash: bytes32 = keccak256(abi_encode(REPORT_TYPE_HASH, price, half_width, published_at))
    return eip712_domain_separator._hash_typed_data_v4(struct_hash)


@internal
@view
def _check_signatures(digest: bytes32, signatures: DynArray[Bytes[65], MAX_SIGNERS]):
    """
    @notice Revert unless enough signatures lead to signers, each above the one before.
    """
    assert len(signatures) >= self.threshold, "report: too few signatures"
    before: uint256 = 0
    for signature: Bytes[65] in signatures:
        # Zero, which is no signer, for a signature of a wrong length.
        signer: address = ecdsa._recover_sig(digest, signature)
        assert self.is_signer[signer], "report: unknown signer"
        number: uint256 = convert(signer, uint256)
        assert number > before, "report: signer order"
        before = number


@internal
def _set_signers(new_signers: DynArray[address, MAX_SIGNERS], new_threshold: uint256):
    """
    @notice Check and store signers and threshold.
    """
    count: uint256 = len(new_signers)
    assert count != 0, "signers: count"
    self._check_ascending(new_signers)
    assert new_threshold != 0 and new_threshold <= count, "signers: threshold"
    old_signers: DynArray[address, MAX_SIGNERS] = self._signers
    old_threshold: uint256 = self.threshold
    for signer: address in old_signers:
        self.is_signer[signer] = False
    for signer: address in new_signers:
        self.is_signer[signer] = True
    self._signers = new_signers
    self.threshold = new_threshold
    log ISignedReportFeed.SignersSet(old_signers=old_signers, new_signers=new_signers)
    log ISignedReportFeed.ThresholdSet(old_threshold=old_threshold, new_threshold=new_threshold)


@internal
@pure
def _check_ascending(signers: DynArray[address, MAX_SIGNERS]):
    """
    @notice Revert unless each address lies above the one before and the first above zero: none is nobody, none twice.
    """
    before: uint256 = 0
    for signer: address in signers:
        number: uint256 = convert(signer, uint256)
        assert number > before, "signers: not ascending"
        before = number
