"""What the parts of one endpoint stand on, made once and handed on as one."""

from __future__ import annotations

import attrs

from sip.config import EndpointConfig
from sip.context import Context
from sip.core.dialogs import Dialogs
from sip.core.routing import Cores
from sip.core.uac import Requests
from sip.core.uas import Answers
from sip.entropy import Entropy
from sip.transactions.transactions import Transactions
from sip.transport.transport import Transport


@attrs.frozen(kw_only=True, eq=False)
class Stack:
    """The layers of RFC 3261 section 5 below the usages of dialogs: sessions and subscriptions are built on it."""

    context: Context
    transport: Transport
    transactions: Transactions
    cores: Cores
    dialogs: Dialogs
    requests: Requests  #: the user agent client
    answers: Answers  #: the user agent server

    @classmethod
    def build(cls, config: EndpointConfig, entropy: Entropy) -> Stack:
        """Make the layers of one endpoint, each on those before it."""
        context = Context(config, entropy)
        transport = Transport(context)
        transactions = Transactions(context, transport)
        cores, dialogs = Cores(context), Dialogs(context)
        return cls(
            context=context,
            transport=transport,
            transactions=transactions,
            cores=cores,
            dialogs=dialogs,
            requests=Requests(context, transport, transactions, cores, dialogs),
            answers=Answers(context, transactions),
        )
