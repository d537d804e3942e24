"""The config as it is written: each table with its keys, their forms and their defaults.

Values stay as they stand in the file, `"36h"` and not 129600.0; `settings` says what they mean. The first example of a
key without a default stands in for it where it is at fault, so that the checks to come have a whole config before them.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from notifier.config import places, units
from notifier.config.forms import (
    Delay,
    Denial,
    Duration,
    EventPattern,
    Expression,
    FilePath,
    HiddenText,
    Name,
    Output,
    Rate,
    SigningText,
    SomeTime,
    SourcePattern,
    Text,
    UrlPattern,
    UrlTemplate,
    User,
    above_zero,
    form,
    items,
    lasting,
    number,
    word,
)
from notifier.core.description import Paging
from notifier.core.encoding_com import OUTPUT
from notifier.core.encoding_com_call import BODIES, BODY_FORMATS
from notifier.core.model import Baseline, Order, Status, TargetStatus
from notifier.core.render import FORMATS

Texts = list[Text]
"""Spelled so, because a source has a key `list`."""


class Table(BaseModel):
    """What all tables have in common: no unknown keys, no silent conversions, no values in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class StoreTable(Table):
    """Where everything is kept, and how long."""

    url: Annotated[str, form(places.STORE, places.database, places.STORE_SPELLED)] | None = None
    keep: SomeTime = "30d"


class EncodingTable(Table):
    """Who may ask `POST /encoding`."""

    user_id: Text = Field(examples=["1"])
    user_key: HiddenText = Field(examples=["stand-in"])


class ServerTable(Table):
    """How the daemon can be reached."""

    socket: Text | None = None
    listen: Annotated[
        str, form(units.ADDRESS, lambda text: text and units.address(text), f"(?:{units.ADDRESS_SPELLED})?")
    ] = ""
    token: HiddenText | None = None
    notify_urls: list[UrlPattern] = []
    notify_secrets: Annotated[list[SigningText], items(0, 10)] = []
    encoding: EncodingTable | None = None


class SendingTable(Table):
    """How an endpoint is sent to: `[delivery]` says it for all, an endpoint for itself."""

    schedule: Annotated[list[Delay], items(1, 50)] = [
        *("0s", "5s", "5m", "30m", "2h"),
        *("5h", "10h", "14h", "20h", "24h"),
    ]
    timeout: Annotated[Duration, lasting("1s", "60s")] = "20s"
    max_in_flight: Annotated[int, number(int, 1, 1000)] = 8
    rate: Rate = "0/s"
    order: Annotated[str, word(tuple(Order))] = "strict"
    allow_http: bool = False
    allow_networks: list[Annotated[str, form(units.NETWORK, units.network, units.NETWORK_SPELLED)]] = []


class DeliveryTable(SendingTable):
    """The defaults of every endpoint, and what they share."""

    in_flight_total: Annotated[int, number(int, 1, 10_000)] = 200


# --- an API that a source describes


class AuthTable(Table):
    """The header that bears the credential."""

    header: Text = Field(examples=["Authorization"])
    value: Text = Field(examples=["Bearer {secret}"])
    secret: HiddenText = Field(examples=["stand-in"])


class ListTable(Table):
    """How a page of uploads is asked for."""

    url: UrlTemplate = Field(examples=["/"])
    items: Expression = "@"
    paging: Annotated[str, word(tuple(Paging))] = "none"
    more: Expression | None = None
    cursor: Expression | None = None


class SingleTable(Table):
    """How one upload is asked for."""

    url: UrlTemplate = Field(examples=["/{id}"])
    item: Expression = "@"
    missing: list[Denial] = [404, 410]


class PartTable(Table):
    """What can be told of an upload and of a target alike."""

    status: Expression = Field(examples=["status"])
    url: Expression | None = None
    reason_code: Expression | None = None
    reason_text: Expression | None = None
    started_at: Expression | None = None
    finished_at: Expression | None = None


class FieldsTable(PartTable):
    """Which expression tells what of an upload."""

    id: Expression = Field(examples=["id"])
    title: Expression | None = None
    progress: Expression | None = None
    time_left: Expression | None = None
    scheduled_at: Expression | None = None
    created_at: Expression | None = None
    updated_at: Expression | None = None


class TargetsTable(PartTable):
    """Where the targets of an upload are, and which expression tells what of one."""

    items: Expression = Field(examples=["@"])
    name: Expression = Field(examples=["name"])
    external_id: Expression | None = None


# --- sources and endpoints


class SourceTable(Table):
    """One account at a provider. Whether there is such a provider, and what it takes, is checked with all the rest."""

    name: Name = Field(examples=["stand-in"])
    provider: Text = Field(examples=["upload_post"])
    api_key: HiddenText | None = None
    user_id: Text | None = None
    user_key: HiddenText | None = None
    base_url: Text | None = None
    discover: bool = True
    baseline: Annotated[str, word(tuple(Baseline))] = "silent"
    uploads: Texts = []
    kinds: Texts | None = None
    budget: Annotated[Rate, AfterValidator(above_zero)] | None = None
    reserve: Annotated[float, number(float, 0, 0.95)] = 0.25
    stalled_after: SomeTime = "2h"
    auth: AuthTable | None = None
    ok: Expression | None = None
    list: ListTable | None = None
    single: SingleTable | None = None
    fields: FieldsTable | None = None
    targets: TargetsTable | None = None
    statuses: dict[str, Annotated[str, word(tuple(Status))]] | None = None
    target_statuses: dict[str, Annotated[str, word(tuple(TargetStatus))]] | None = None

    @property
    def discovers(self) -> bool:
        """Whether uploads are found by themselves: where it is not said, where there is a way to."""
        return self.discover and (self.fields is None or self.list is not None)


class BasicTable(Table):
    """Credentials of the `Basic` kind."""

    user: User = Field(examples=["stand-in"])
    password: HiddenText = Field(examples=["stand-in"])


class EndpointTable(SendingTable):
    """A receiver."""

    name: Name = Field(examples=["stand-in"])
    url: Text = Field(examples=["https://stand-in.example"])
    format: Annotated[str, word(FORMATS)] = "standard"
    secrets: Annotated[list[SigningText], items(1, 10)] = Field(default=[], examples=[["stand-in"]])
    events: list[EventPattern] = ["upload.*"]
    sources: list[SourcePattern] = ["*"]
    statuses: list[Annotated[str, word(tuple(Status))]] = []
    drain: bool = False
    headers: dict[str, str] = Field(default={}, repr=False)  # credentials belong in them
    bearer: HiddenText | None = None
    basic: BasicTable | None = None
    ca_file: FilePath | None = None
    client_cert: FilePath | None = None
    client_key: FilePath | None = None
    body: Annotated[str, word(BODIES)] = BODIES[0]
    body_format: Annotated[str, word(BODY_FORMATS)] = BODY_FORMATS[0]
    output: Output = OUTPUT
    announce_ready: bool = False
    notify_upload: bool = False


def sending(endpoint: EndpointTable, delivery: DeliveryTable) -> DeliveryTable:
    """`[delivery]` as it is for this endpoint."""
    own = endpoint.model_fields_set & delivery.__class__.model_fields.keys()
    return delivery.model_copy(update={key: getattr(endpoint, key) for key in own})


class File(Table):
    """The whole of it, with what it includes."""

    include: list[Text] = []
    store: StoreTable = StoreTable()
    server: ServerTable = ServerTable()
    delivery: DeliveryTable = DeliveryTable()
    sources: list[SourceTable] = []
    endpoints: list[EndpointTable] = []
