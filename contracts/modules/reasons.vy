# pragma version ==0.4.3
"""
@title Reasons
@notice Reverts with `Error(string)` from one packed word: a fifth of the bytes of an assert with a string.
@dev A reason is at most 31 ASCII characters followed by its length in one byte, so that each site pushes no
     more bytes than its text has: int.from_bytes(text + bytes([len(text)])), in decimal because a hexadecimal
     literal of this length is no number to the compiler. A test holds each constant to the text beside it.
"""

ACCOUNT_NOT_YOURS: constant(uint256) = 2171830236673086420141691087989435944695657234  # "account: not yours"
ACCOUNT_UNKNOWN: constant(uint256) = 33139499460954077455775819785789454642704  # "account: unknown"
ACCOUNT_16_MARKETS: constant(uint256) = 555988540588310123556198903331424766297898251027  # "account: 16 markets"
AMOUNT_ZERO: constant(uint256) = 7719000375274539968926806339340  # "amount: zero"
AMOUNT_TOO_LARGE: constant(uint256) = 8487130667421664304096135328209024823289105  # "amount: too large"
TOKEN_UNKNOWN: constant(uint256) = 604566291860676694737815048769990158  # "token: unknown"
TOKEN_OVER_CAP: constant(uint256) = 154768970716333233742774964003711053839  # "token: over cap"
TOKEN_TRANSFER_FAILED: constant(uint256) = 11152279661545496948484229204243311818487428000770253846  # "token: transfer failed"
MARKET_UNKNOWN: constant(uint256) = 145391825039340409626239664805874462223  # "market: unknown"
MARKET_REDUCE_ONLY: constant(uint256) = 624453133649720972755003575509084422463302695187  # "market: reduce only"
MARKET_OVER_OI_CAP: constant(uint256) = 624453133649720972754095676880746080092075159571  # "market: over OI cap"
MARKET_BELOW_MINIMUM: constant(uint256) = 40924160566868113670147398239624633687906809086831893  # "market: below minimum"
MODULE_NO_RIGHT: constant(uint256) = 37238843913230165097791366231622452540432  # "module: no right"
TRADE_NOT_BALANCED: constant(uint256) = 664793698422723787265720771567403192526414636051  # "trade: not balanced"
MARGIN_BELOW_INITIAL: constant(uint256) = 40924160478011540325550421029287475660850451452095509  # "margin: below initial"
MARGIN_CASH_BELOW_ZERO: constant(uint256) = 2682005781086964306776580992779159443757438710667992526615  # "margin: cash below zero"
VAULT_ZERO_SHARES: constant(uint256) = 2639977782359032957725142126808556512920040210  # "vault: zero shares"
VAULT_ZERO_ASSETS: constant(uint256) = 2639977782359032957725142126803502135059444498  # "vault: zero assets"
VAULT_IN_DEBT: constant(uint256) = 614667726298568992054646336525595662  # "vault: in debt"
VAULT_LOSSES_DEFERRED: constant(uint256) = 11338618237398652265058387639867540562008947727989564438  # "vault: losses deferred"
VAULT_TOO_MANY_SHARES: constant(uint256) = 11338618237398652275692123903025452395434363173560742678  # "vault: too many shares"
VAULT_SHORT_CREDIT: constant(uint256) = 675834312283912436623964090825789077227724960787  # "vault: short credit"
VAULT_OUTSIDE_WINDOW: constant(uint256) = 44291477489838485426082990984387623204530268037674773  # "vault: outside window"
VAULT_ABOVE_CLAIMABLE: constant(uint256) = 11338618237398652250369298935018561839820404010246759702  # "vault: above claimable"
VAULT_SHORT_PAYMENT: constant(uint256) = 173013583944681583775734807251402935755974298727444  # "vault: short payment"


@internal
@pure
def _fail(reason: uint256):
    """
    @notice Revert with the packed reason.
    """
    # Not a storage word, so no function of words._field's kind fits.
    length: uint256 = reason & 255
    text: uint256 = (reason >> 8) << (256 - 8 * length)
    raw_revert(concat(0x08c379a0, convert(32, bytes32), convert(length, bytes32), convert(text, bytes32)))
