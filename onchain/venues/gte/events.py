"""The events of GTE's order book, and which of their arguments the adapter reads.

Source: docs/spec/venues.md, Event signatures; the contract's ABI. Two settings have a plain and an indexed variant.
"""

LIMIT_ARGS = (
    "(uint256 amountInBase,uint256 price,uint32 cancelTimestamp,uint8 side,uint96 clientOrderId,uint8 limitOrderType)"
)
FILL_ARGS = "(uint256 amount,uint256 priceLimit,uint8 side,bool amountIsBase,uint8 fillOrderType)"
ORDER = (
    "(uint8 side,uint32 cancelTimestamp,uint256 id,uint256 prevOrderId,uint256 nextOrderId,address owner,"
    "uint256 price,uint256 amount)"
)
AMEND_ARGS = (
    "(uint256 orderId,uint256 amountInBase,uint256 price,uint32 cancelTimestamp,uint8 side,uint8 limitOrderType)"
)
TOTALS = "int256 quoteTokenAmountTraded,int256 baseTokenAmountTraded,uint256 takerFee"
NONCE = "uint256 indexed eventNonce"
TRADED = ("quoteTokenAmountTraded", "baseTokenAmountTraded")

EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        f"LimitOrderSubmitted({NONCE},address indexed owner,uint256 orderId,{LIMIT_ARGS} args)",
        ("eventNonce", "owner", "orderId", "args.amountInBase", "args.price", "args.cancelTimestamp", "args.side",
         "args.limitOrderType"),
    ),
    (
        f"LimitOrderCreated({NONCE},uint256 indexed orderId,uint256 price,uint256 amount,uint8 side)",
        ("eventNonce", "orderId", "price", "amount", "side"),
    ),
    (
        f"LimitOrderProcessed({NONCE},address indexed account,uint256 indexed orderId,uint256 amountPostedInBase,"
        f"{TOTALS})",
        ("eventNonce", "account", "orderId", "amountPostedInBase", *TRADED),
    ),
    (
        f"FillOrderSubmitted({NONCE},address indexed owner,uint256 orderId,{FILL_ARGS} args)",
        ("eventNonce", "owner", "orderId", "args.amount", "args.priceLimit", "args.side", "args.amountIsBase"),
    ),
    (
        f"FillOrderProcessed({NONCE},address indexed account,uint256 indexed orderId,{TOTALS})",
        ("eventNonce", "account", "orderId", *TRADED),
    ),
    (
        f"OrderCanceled({NONCE},uint256 indexed orderId,address indexed owner,uint256 quoteTokenRefunded,"
        "uint256 baseTokenRefunded,uint8 context)",
        ("eventNonce", "orderId", "owner", "quoteTokenRefunded", "baseTokenRefunded", "context"),
    ),
    (f"CancelFailed({NONCE},uint256 orderId,address owner)", ("eventNonce", "orderId")),
    (
        f"OrderAmended({NONCE},{ORDER} preAmend,{AMEND_ARGS} args,int256 quoteTokenDelta,int256 baseTokenDelta)",
        ("eventNonce", "preAmend.side", "preAmend.cancelTimestamp", "preAmend.prevOrderId", "preAmend.nextOrderId",
         "preAmend.owner", "preAmend.price", "preAmend.amount", "args.orderId", "args.amountInBase", "args.price",
         "args.cancelTimestamp", "args.side"),
    ),
    (f"LotSizeInBaseUpdated({NONCE},uint256 indexed lot)", ("eventNonce", "lot")),
    (f"MinLimitOrderAmountInBaseUpdated({NONCE},uint256 indexed least)", ("eventNonce", "least")),
    (f"TickSizeUpdated({NONCE},uint256 indexed tick)", ("eventNonce",)),
    ("TickSizeUpdated(uint256 tick,uint256 nonce)", ("nonce",)),
    (f"MaxLimitOrdersPerTxUpdated({NONCE},uint256 indexed most)", ("eventNonce",)),
    ("MaxLimitOrdersPerTxUpdated(uint8 most,uint256 nonce)", ("nonce",)),
)  # fmt: skip
