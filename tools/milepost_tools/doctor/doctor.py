"""Runs all checks of the doctor in order and reports what is wrong.

It reads data from AWS and DNS and passes them to pure checks. What it cannot read is reported as
unknown: a missing permission, or a service that the endpoint does not offer, says nothing about the
stack.
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
"""Seconds between two reads while it waits for a delivery event."""


@dataclass(frozen=True)
class Doctor:
    """Examines one stack. `probes` builds the probe sender once the stack is known."""

    name: str
    inspector: "StackInspector"
    records: "DnsLookup"
    probes: Callable[[Stack], "Probes"]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    def examine(self, domain: str, mark: str, patience: float) -> Iterator[Finding]:
        """Run one check after the other. If `domain` is empty, it is that of the stack's sender.

        `mark` identifies this run's test e-mails. None is sent if `patience` (seconds) is 0.
        """
        yield from self._run("clock", self._clock)
        yield from self._run("stack", self._stack)
        yield from self._run("account", lambda: sending.check_account(self.inspector.account()))
        sender = self._sender
        address = sender if not domain else f"postmaster@{domain}"
        if address:
            yield from self._run("identity", lambda: self._identity(address))
            yield from self._run("dmarc", lambda: self._dmarc(address))
        if self._found is None:
            return
        yield from self._run("reports", self._reports)
        yield from self._run("subscription", self._subscription)
        yield from self._run("secrets", self._secrets)
        yield from self._run("alarms", lambda: stack.check_alarms(self.inspector.alarms()))
        yield from self._run("dead letters", self._dead_letters)
        if patience:
            yield from self._run("loop", lambda: self._loop(mark, patience))
        else:
            yield unknown("loop", "no test mail was requested")

    def _run(self, check: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        try:
            yield from ask()
        except CannotAskError as error:
            yield unknown(check, str(error))

    @cached_property
    def _found(self) -> Stack | None:
        try:
            return self.inspector.stack()
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
        aws_time = self.inspector.time()
        yield from stack.check_clock(self.now(), aws_time)

    def _stack(self) -> Iterator[Finding]:
        found = self.inspector.stack()
        if found is None:
            remedy = "deploy it, or name it with --stack; AWS_PROFILE and AWS_REGION choose where"
            yield wrong("stack", f"there is none called {self.name} here", remedy)
            return
        yield from stack.check_stack(found.state)
        yield from stack.check_parts(self.inspector.parts())

    def _identity(self, sender: str) -> Iterator[Finding]:
        own = self._found.parameters.get("SenderIdentity", "") if self._found else ""
        labels = sender.rpartition("@")[2].split(".")
        parents = [".".join(labels[start:]) for start in range(len(labels) - 1)]
        names = dict.fromkeys([*([own] if own else []), sender, *parents])
        found = [each for name in names if (each := self.inspector.identity(name)) is not None]
        yield from sending.check_identity(sender, found)
        domain = next((identity for identity in found if identity.is_domain), None)
        if domain is not None:
            yield from self._run("spf", lambda: self._mail_from(domain))
            yield from self._run("dkim-records", lambda: self._dkim(domain))

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
            yield from sending.check_reports(each, self.inspector.destinations(each), topic)

    def _subscription(self) -> Iterator[Finding]:
        queue = self.inspector.queue_arn(self._output("FeedbackQueueUrl"))
        subscribers = self.inspector.subscribers(self._output("FeedbackTopicArn"))
        yield from sending.check_subscription(subscribers, queue)

    def _secrets(self) -> Iterator[Finding]:
        path = self._output("SecretsPath")
        yield from stack.check_secrets(self.inspector.secrets(path), path.strip("/"))

    def _dead_letters(self) -> Iterator[Finding]:
        outputs = self._found.outputs if self._found else {}
        ending = "DeadLettersUrl"
        waiting = {
            name.removesuffix("Url"): self.inspector.waiting(url)
            for name, url in outputs.items()
            if name.endswith(ending)
        }
        yield from stack.check_dead_letters(waiting)

    def _loop(self, mark: str, patience: float) -> Iterator[Finding]:
        """Send an e-mail to each SES simulator address and wait for its delivery event."""
        if self._found is None:
            return
        probes = self.probes(self._found)
        sent: dict[str, str] = {}
        for mailbox, report in SIMULATED.items():
            answer = probes.send(mailbox, probe_name(mark, mailbox))
            if isinstance(answer, Accepted):
                sent[mailbox] = report
            else:
                reason = f"SES refused the test mail: {answer.reason}"
                yield wrong(f"loop of {mailbox}@", reason, "fix the errors above, and try again")
        received: dict[str, Sequence[str]] = {}
        remaining = patience
        while sent:
            received = {each: probes.heard(probe_name(mark, each)) for each in sent}
            if remaining <= 0 or all(
                report in received[mailbox] for mailbox, report in sent.items()
            ):
                break
            self.sleep(PAUSE)
            remaining -= PAUSE
        yield from stack.check_loop(sent, received)
