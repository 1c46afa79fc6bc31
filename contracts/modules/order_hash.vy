# pragma version ==0.4.3
"""
@title Order hashing
@notice EIP-712 digest of an order and the signer of a digest. `seawall/client/orders.py` computes the same.
"""

from interfaces import IExchange
from snekmate.utils import message_hash_utils

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

ORDER_TYPE_HASH: constant(bytes32) = keccak256(
    "Order(uint256 account,uint256 market_id,int256 size,uint256 limit_price,uint256 trigger_price,uint256 expiry,bool reduce_only,bool post_only,uint256 salt)"
)
# Half the order of secp256k1: each signature has one twin, with s above it.
HALF_ORDER: constant(uint256) = (
    57_896_044_618_658_097_711_785_492_504_343_953_926_418_782_139_537_452_191_302_581_570_759_080_747_168
)

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _digest(domain: bytes32, order: IExchange.Order) -> bytes32:
    """
    @notice What the owner signs.
    @param domain the EIP-712 domain separator
    """
    struct_hash: bytes32 = keccak256(abi_encode(ORDER_TYPE_HASH, order))
    return message_hash_utils._to_typed_data_hash(domain, struct_hash)


@internal
@pure
def _signer(digest: bytes32, signature: Bytes[65]) -> address:
    """
    @notice The address that signed `digest`, zero for everything but one canonical form per signature.
    """
    if len(signature) != 65:
        return empty(address)
    s: uint256 = extract32(signature, 32, output_type=uint256)
    if s > HALF_ORDER:
        return empty(address)
    r: uint256 = extract32(signature, 0, output_type=uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    # The precompile answers nothing, and Vyper zero, for v other than 27 and 28 and for r or s of 0.
    return ecrecover(digest, v, r, s)
