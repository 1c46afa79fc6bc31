"""Packed storage words: the layout that contracts and specification share.

Each :class:`Word` lists its fields from the most significant bit down. `words.vy` packs the same
fields by hand; the array harness holds the two equal at every field's corners.
"""

from __future__ import annotations

from dataclasses import dataclass

WAD = 10**18
RAY = 10**27
PPM = 10**6
#: Units of an EMA's and a sample's ratio to the price in one.
RATIO = 10**7
#: Universal grids: with sizes on the lot and prices and funding on the tick, size * price is a
#: whole number of wei (10**12 * 10**6 = 10**18), so an untouched market is exact to the wei.
LOT = 10**12
TICK = 10**6
MAX_UINT256 = 2**256 - 1

LONG = 1
SHORT = 2

# Mode bits of an account word; the second only on its way to the margin model.
PORTFOLIO = 1
TAKEOVER = 128
#: Asked for when an account opts in: portfolio mode has a least equity.
OPTING_IN = 64

# Mode bits of a market's terms word.
LISTED = 1
REDUCE_ONLY = 2

# Verb rights of a module.
TRADE = 1
PAY = 2
FUNDING = 4
LOSS = 8
WATERFALL = 16
RESTRICT = 32
EXIT = 64

# Gate kinds.
GATE_NONE = 0
GATE_MARGIN_RULE = 1
GATE_INITIAL = 2

MAX_LEGS = 16
MAX_HALF_WIDTH = 2**16 - 1
#: Flags of a price word: the price is fixed; an outage or a halt ended lately.
FIXED = 1
IN_GRACE = 2


@dataclass(frozen=True)
class Field:
    """`bits` wide, two's complement where `signed`."""

    name: str
    bits: int
    signed: bool = False

    @property
    def lowest(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


@dataclass(frozen=True)
class Word:
    """A uint256 made of fields, most significant first; unused low bits are zero."""

    name: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if sum(field.bits for field in self.fields) > 256:
            raise ValueError(f"word {self.name}: fields exceed 256 bits")

    def pack(self, **values: int) -> int:
        """Pack by field name. Raises ValueError for a missing, unknown or out-of-range field."""
        unknown = set(values) - {field.name for field in self.fields}
        if unknown:
            raise ValueError(f"word {self.name}: no field {sorted(unknown)}")
        word, shift = 0, 256
        for field in self.fields:
            value = values.get(field.name, 0)
            if not field.lowest <= value <= field.highest:
                raise ValueError(
                    f"word {self.name}: {field.name} = {value} is outside "
                    f"[{field.lowest}, {field.highest}]"
                )
            shift -= field.bits
            word |= (value & ((1 << field.bits) - 1)) << shift
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Field values by name."""
        values, shift = {}, 256
        for field in self.fields:
            shift -= field.bits
            value = (word >> shift) & ((1 << field.bits) - 1)
            if field.signed and value > field.highest:
                value -= 1 << field.bits
            values[field.name] = value
        return values


def _word(name: str, *fields: tuple[str, int]) -> Word:
    """Fields as (name, bits); negative bits mean signed."""
    return Word(name, tuple(Field(n, abs(bits), bits < 0) for n, bits in fields))


#: Clearinghouse: one per margin account. cash is WAD.
ACCOUNT = _word("account", ("cash", -112), ("mode", 8), ("collateral", 8), ("markets", 128))
#: Clearinghouse: one per account and market. Shares and quote are WAD.
POSITION = _word("position", ("shares", -112), ("quote", -112), ("epoch", 32))
#: Clearinghouse: one per market. funding: WAD money per unit; rate: WAD money per unit and second.
MARKET = _word(
    "market",
    ("funding", -96),
    ("accrued_at", 32),
    ("rate", -64),
    ("open_interest", 30),
    ("touched_short", 1),
    ("touched_long", 1),
    ("epoch_long", 16),
    ("epoch_short", 16),
)
#: Clearinghouse: absolute shares of both sides in their present epochs.
SHARES = _word("shares", ("long", 128), ("short", 128))
#: Clearinghouse: scale and charge per share of one side in one epoch, both RAY.
SIDE = _word("side", ("scale", 96), ("charge", -160))
#: Clearinghouse: oi_cap in WAD units, half of what the leg word holds, so that an open interest
#: rounded up fits; min_notional WAD money.
TERMS = _word("terms", ("oi_cap", 103), ("min_notional", 96), ("unused", 49), ("mode", 8))
#: Clearinghouse: rights an owner gave an operator; max_size WAD units per order.
OPERATOR = _word("operator", ("until", 40), ("max_size", 88), ("markets", 128))
#: Clearinghouse: limit of the net outflow of a day and cap, both in whole tokens.
TOKEN = _word("token", ("asset", 160), ("decimals", 8), ("outflow", 36), ("cap", 52))
#: ExitQueue: native units and the time from which they may leave.
TICKET = _word("ticket", ("amount", 216), ("ready_at", 40))
#: Clearinghouse: WAD settlement tokens held; sum of cash and quotes; whether losses are deferred.
TOTALS = _word("totals", ("held", 120), ("book", -128), ("impaired", 8))
#: Between Clearinghouse and MarginModel: one leg. Collateral amounts are WAD tokens in `size`.
LEG = _word("leg", ("id", 8), ("open_interest", 104), ("size", -144))
#: MarginModel: rates in parts per million; depth and capacity in thousands of money; reserve in
#: cents; calm volatility as in PRICE; its cap in tenths; volatility factors in thousandths.
RISK = _word(
    "risk",
    ("initial", 20),
    ("maintenance", 20),
    ("depth", 32),
    ("capacity", 32),
    ("reserve", 16),
    ("calm", 24),
    ("volatility_cap", 8),
    ("ramp_start", 32),
    ("factor_from", 16),
    ("factor_to", 16),
    ("factor_start", 32),
)
#: MarginModel: what a market's ramp comes from; read only while it is on.
EARLIER = _word(
    "earlier",
    ("unused", 172),
    ("maintenance", 20),
    ("depth", 32),
    ("calm", 24),
    ("volatility_cap", 8),
)
#: MarginModel: capacity = least (thousands of money) + per_fund (parts per million) * fund.
CAPACITY = _word("capacity", ("unused", 192), ("least", 32), ("per_fund", 32))
#: MarginModel: weights of a collateral token in parts per million, depth in thousands of money.
WEIGHT = _word(
    "weight",
    ("initial_from", 20),
    ("initial_to", 20),
    ("maintenance_from", 20),
    ("maintenance_to", 20),
    ("depth_from", 32),
    ("depth_to", 32),
    ("ramp_start", 32),
)
#: MarginModel: which scenario matrix is in force, where its ramp comes from, and their terms:
#: worst scenarios averaged, factor and floor in parts per million, least equity in whole money.
MATRIX = _word(
    "matrix",
    ("version", 16),
    ("earlier", 16),
    ("ramp_start", 32),
    ("tail", 8),
    ("factor", 24),
    ("gross_floor", 20),
    ("earlier_tail", 8),
    ("earlier_factor", 24),
    ("earlier_gross_floor", 20),
    ("minimum_equity", 32),
)
#: MarginModel.plan: one per market leg. rate and base in parts per million, flat (the factor that
#: does not depend on size) too, reserve in cents, depth in thousands of money, notional WAD.
PLAN = _word(
    "plan",
    ("id", 8),
    ("usable", 8),
    ("reserve", 16),
    ("rate", 20),
    ("base", 20),
    ("flat", 24),
    ("depth", 32),
    ("notional", 128),
)
#: IndexOracle. price WAD; updated_at and refreshed_at unix seconds; ema_ratio = EMA / price and
#: sample_ratio = price of the latest sample / price, in 10**-7; half_width in 10**-5 of the price,
#: 65535 = not usable; volatility: square root of the variance of log returns per second, in 10**-9;
#: flags: FIXED and IN_GRACE; sample_age: seconds from the latest sample to refreshed_at, 16383 for
#: more.
PRICE = _word(
    "price",
    ("price", 80),
    ("updated_at", 32),
    ("ema_ratio", 28),
    ("half_width", 16),
    ("refreshed_at", 32),
    ("volatility", 24),
    ("sample_ratio", 28),
    ("flags", 2),
    ("sample_age", 14),
)
#: Backstop: what the owner set for a bucket (whole money; initial in parts per million), what it
#: was allotted on balance (WAD), and since when its auction runs (1/256 of a second).
BUCKET = _word(
    "bucket",
    ("capital", 34),
    ("max_notional", 34),
    ("loss_budget", 34),
    ("initial", 20),
    ("allotted", 94),
    ("clock", 40),
)

FLOAT_MANTISSA_BITS = 23


def float30_up(value: int) -> int:
    """Smallest 30-bit float (mantissa 23 bits << exponent 7 bits) that is >= value < 2**127."""
    if not 0 <= value < 1 << 127:
        raise ValueError(f"float30: {value} is outside [0, 2**127)")
    exponent = max(0, value.bit_length() - FLOAT_MANTISSA_BITS)
    mantissa = -(-value >> exponent)
    if mantissa >> FLOAT_MANTISSA_BITS:
        mantissa, exponent = mantissa >> 1, exponent + 1
    return mantissa << 7 | exponent


def float30_value(word: int) -> int:
    """The number that a 30-bit float stands for."""
    return (word >> 7) << (word & 127)


def account_id(owner: str | int, sub_account: int = 0) -> int:
    """`owner << 96 | sub_account`."""
    number = int(owner, 16) if isinstance(owner, str) else owner
    if not 0 <= sub_account < 1 << 96:
        raise ValueError(f"sub_account {sub_account} is outside [0, 2**96)")
    return number << 96 | sub_account


def ids_of(bitmap: int) -> list[int]:
    """Positions of the set bits, ascending."""
    found = []
    while bitmap:
        lowest = bitmap & -bitmap
        found.append(lowest.bit_length() - 1)
        bitmap ^= lowest
    return found
