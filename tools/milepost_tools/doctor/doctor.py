"""Doctor: looks at everything that has to be right before mail goes out, and says what is not.

Facts are asked of AWS and DNS, and judged by pure functions. What cannot be asked is told as not
checked: a permission that is missing, or a service that the machine at the other end does not have,
says nothing about the stack.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from milepost.sending.message import Accepted
from milepost.sending.probes import SIMULATED, probe_name
from milepost.stores.settings import UNTRACKED
from milepost_tools.doctor import dns_rules, sending, stack
from milepost_tools.doctor.finding import Finding, unknown, wrong
from milepost_tools.doctor.ports import CannotAskError
from milepost_tools.doctor.stack import Stack

if TYPE_CHECKING:
    from milepost_tools.doctor.ports import DnsLookup, Probes, StackInspector


PAUSE = 2.0
"""Seconds between two looks for a report."""


@dataclass(frozen=True)
class Doctor:
    """Examines one stack. `probes` makes them once the stack is known."""

    name: str
    premises: "StackInspector"
    records: "DnsLookup"
    probes: Callable[[Stack], "Probes"]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    def examine(self, domain: str, mark: str, patience: float) -> Iterator[Finding]:
        """Look at one thing after the other. `domain` may be empty: that of the stack's sender.

        `mark` tells the test mails of this run; none is sent if `patience`, in seconds, is 0.
        """
        yield from self._asked("clock", self._clock)
        yield from self._asked("stack", self._stack)
        yield from self._asked("account", lambda: sending.check_account(self.premises.account()))
        sender = self._sender
        address = sender if not domain else f"postmaster@{domain}"
        if address:
            yield from self._asked("identity", lambda: self._identity(address))
            yield from self._asked("dmarc", lambda: self._dmarc(address))
        if self._found is None:
            return
        yield from self._asked("reports", self._reports)
        yield from self._asked("subscription", self._subscription)
        yield from self._asked("secrets", self._secrets)
        yield from self._asked("alarms", lambda: stack.check_alarms(self.premises.alarms()))
        yield from self._asked("dead letters", self._dead_letters)
        if patience:
            yield from self._asked("loop", lambda: self._loop(mark, patience))
        else:
            yield unknown("loop", "no test mail was wanted")

    def _asked(self, check: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        try:
            yield from ask()
        except CannotAskError as error:
            yield unknown(check, str(error))

    @cached_property
    def _found(self) -> Stack | None:
        try:
            return self.premises.stack()
        except CannotAskError:
            return None

    @property
    def _sender(self) -> str:
        return self._found.parameters.get("SenderAddress", "") if self._found else ""

    def _output(self, name: str) -> str:
        value = self._found.outputs.get(name, "") if self._found else ""
        if not value:
            raise CannotAskError(f"the stack has no output {name}: deploy template.yaml again")
        return value

    def _clock(self) -> Iterator[Finding]:
        there = self.premises.time()
        yield from stack.check_clock(self.now(), there)

    def _stack(self) -> Iterator[Finding]:
        found = self.premises.stack()
        if found is None:
            remedy = "deploy it, or name it with --stack; AWS_PROFILE and AWS_REGION choose where"
            yield wrong("stack", f"there is none called {self.name} here", remedy)
            return
        yield from stack.check_stack(found.state)
        yield from stack.check_parts(self.premises.parts())

    def _identity(self, sender: str) -> Iterator[Finding]:
        own = self._found.parameters.get("SenderIdentity", "") if self._found else ""
        labels = sender.rpartition("@")[2].split(".")
        parents = [".".join(labels[start:]) for start in range(len(labels) - 1)]
        wanted = dict.fromkeys([*([own] if own else []), sender, *parents])
        found = [each for name in wanted if (each := self.premises.identity(name)) is not None]
        yield from sending.check_identity(sender, found)
        domain = next((identity for identity in found if identity.is_domain), None)
        if domain is not None:
            yield from self._asked("spf", lambda: self._mail_from(domain))
            yield from self._asked("dkim-records", lambda: self._dkim(domain))

    def _mail_from(self, identity: sending.Identity) -> Iterator[Finding]:
        name = identity.mail_from
        texts = self.records.texts(name) if name else ()
        exchangers = self.records.exchangers(name) if name else ()
        yield from dns_rules.check_mail_from(identity, texts, exchangers)

    def _dkim(self, identity: sending.Identity) -> Iterator[Finding]:
        records = {name: self.records.aliases(name) for name in dns_rules.dkim_names(identity)}
        yield from dns_rules.check_dkim_records(identity, records)

    def _dmarc(self, sender: str) -> Iterator[Finding]:
        domain = sender.rpartition("@")[2]
        found = [(name, self.records.texts(name)) for name in dns_rules.dmarc_names(domain)]
        yield from dns_rules.check_dmarc(domain, found)

    def _reports(self) -> Iterator[Finding]:
        name, topic = self._output("ConfigurationSetName"), self._output("FeedbackTopicArn")
        for each in (name, name + UNTRACKED):
            yield from sending.check_reports(each, self.premises.destinations(each), topic)

    def _subscription(self) -> Iterator[Finding]:
        queue = self.premises.queue_arn(self._output("FeedbackQueueUrl"))
        subscribers = self.premises.subscribers(self._output("FeedbackTopicArn"))
        yield from sending.check_subscription(subscribers, queue)

    def _secrets(self) -> Iterator[Finding]:
        path = self._output("SecretsPath")
        yield from stack.check_secrets(self.premises.secrets(path), path.strip("/"))

    def _dead_letters(self) -> Iterator[Finding]:
        outputs = self._found.outputs if self._found else {}
        ending = "DeadLettersUrl"
        waiting = {
            name.removesuffix("Url"): self.premises.waiting(url)
            for name, url in outputs.items()
            if name.endswith(ending)
        }
        yield from stack.check_dead_letters(waiting)

    def _loop(self, mark: str, patience: float) -> Iterator[Finding]:
        """Send a mail to each of SES's simulators, and wait for what comes back to us."""
        if self._found is None:
            return
        probes = self.probes(self._found)
        sent: dict[str, str] = {}
        for mailbox, report in SIMULATED.items():
            answer = probes.send(mailbox, probe_name(mark, mailbox))
            if isinstance(answer, Accepted):
                sent[mailbox] = report
            else:
                said = f"SES does not take the test mail: {answer.reason}"
                yield wrong(f"loop of {mailbox}@", said, "mend what is told above, and try again")
        heard: dict[str, Sequence[str]] = {}
        left = patience
        while sent:
            heard = {each: probes.heard(probe_name(mark, each)) for each in sent}
            if left <= 0 or all(report in heard[mailbox] for mailbox, report in sent.items()):
                break
            self.sleep(PAUSE)
            left -= PAUSE
        yield from stack.check_loop(sent, heard)
