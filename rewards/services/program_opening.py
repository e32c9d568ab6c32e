"""Opens a programme from the treasury's page: what can be asked of the chain is asked, not typed."""

from dataclasses import dataclass

from django.db import transaction
from eth_abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from accounts.fields import address_pattern
from accounts.roles import Deed, Person, require
from onchain.calls import calldata, from_hex, view_call
from onchain.distributor_views import read_summary
from onchain.errors import OnchainError
from onchain.rpc import RpcClient
from rewards.calendars import calendar_names
from rewards.errors import ProgramRefusedError
from rewards.models import Program
from rewards.services.programs import program_create

_MOST_DECIMALS = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProgram:
    """What a person says of a new programme. start_block: the block that deployed the distributor, or one before."""

    slug: str
    name: str
    summary: str
    distributor: str
    token: str
    calendar: str
    epoch_days: int
    start_block: int


def program_open(client: RpcClient, *, by: Person, new: NewProgram) -> Program:
    """Register a programme on the chain that the node follows; returns it. It pays nothing before terms are accepted.

    The token's symbol and decimals, and that the distributor is one, are read from the chain. Raises
    NotPermittedError, and ProgramRefusedError, which names the entry that is wrong.
    """
    require(person=by, deed=Deed.OPEN_PROGRAM)
    for field in ("distributor", "token"):
        if not address_pattern.fullmatch(getattr(new, field).lower()):
            raise ProgramRefusedError(
                field=field, reason="An address is 0x and then 40 letters and digits (0 to 9, a to f)."
            )
    if new.calendar not in calendar_names():
        raise ProgramRefusedError(field="calendar", reason="There is no such calendar.")
    if new.slug == "new" or Program.objects.filter(slug=new.slug).exists():
        raise ProgramRefusedError(field="slug", reason="A programme of this name is there already; choose another one.")
    chain_id = _chain_id(client)
    _check_distributor(client, new.distributor.lower(), chain_id)
    symbol, decimals = _token(client, new.token.lower())
    with transaction.atomic():
        program = program_create(
            slug=new.slug,
            name=new.name,
            summary=new.summary,
            chain_id=chain_id,
            distributor=new.distributor,
            token=new.token,
            token_symbol=symbol,
            token_decimals=decimals,
            calendar=new.calendar,
            start_block=new.start_block,
        )
        program.epoch_days = new.epoch_days
        program.save(update_fields=["epoch_days"])
    return program


def _chain_id(client: RpcClient) -> int:
    try:
        return int(client.call(method="eth_chainId", params=[]), 16)
    except OnchainError as error:
        raise ProgramRefusedError(field="", reason=f"The chain could not be asked: {error}") from error


def _check_distributor(client: RpcClient, address: str, chain_id: int) -> None:
    if Program.objects.filter(chain_id=chain_id, distributor=address).exists():
        raise ProgramRefusedError(field="distributor", reason="This contract pays for another programme already.")
    try:
        read_summary(client=client, distributor=address)
    except (OnchainError, DecodingError, ValueError) as error:
        reason = "There is no rewards distributor at this address on the chain that we follow."
        raise ProgramRefusedError(field="distributor", reason=reason) from error


def _token(client: RpcClient, address: str) -> tuple[str, int]:
    try:
        calls = [view_call(address, calldata(name), "latest") for name in ("symbol()", "decimals()")]
        symbol_raw, decimals_raw = client.batch(calls=calls)
        symbol, decimals = abi_decode(["string"], from_hex(symbol_raw))[0], int(decimals_raw, 16)
    except (OnchainError, DecodingError, ValueError, OverflowError) as error:
        reason = "There is no token with a symbol and decimals at this address on the chain that we follow."
        raise ProgramRefusedError(field="token", reason=reason) from error
    if not 1 <= len(symbol) <= 16 or not symbol.isprintable() or decimals > _MOST_DECIMALS:
        raise ProgramRefusedError(field="token", reason="The token's symbol or decimals are nothing that we can show.")
    return symbol, decimals
