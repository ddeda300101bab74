"""Letters by SMTP, one to each address: how they are written, and the server's own answer; the server is in the settings."""

import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as RULES
from email.utils import format_datetime
from typing import Annotated

from pydantic import AfterValidator
from pydantic import Field as Limits

from scheduler import config as configuration
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.kinds.base import Field
from scheduler.notify.channels.base import SECONDS, Answer, Config, Letter, Way
from scheduler.notify.templates import checked, one_line
from scheduler.validation import Refusal

ADDRESS = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$|^owner$"
Recipient = Annotated[str, Limits(max_length=320, pattern=ADDRESS)]


def _subject(text: str) -> str:
    if one_line(text) != " ".join(text.split()) or "\n" in text or "\r" in text:
        raise Refusal(N_("This must be a single line without control characters."))
    return checked(text)


class EmailConfig(Config):
    """To whom, and in which words."""

    recipients: Annotated[list[Recipient], Limits(min_length=1, max_length=50)]
    subject_template: Annotated[str, Limits(max_length=500), AfterValidator(_subject)] = ""
    body_template: Annotated[str, Limits(max_length=20_000), AfterValidator(checked)] = ""


class Email(Way[EmailConfig]):
    """By the mail server that the settings name."""

    name = "email"
    label = N_("E-mail")
    icon = "mail"
    model = EmailConfig

    def addresses(self, config: EmailConfig) -> tuple[str, ...]:
        """Each recipient, once."""
        return tuple(dict.fromkeys(config.recipients))

    def owners_address(self, username: str, email: str) -> str:
        """Their own."""
        return email

    def send(self, config: EmailConfig, letter: Letter) -> Answer:
        """Speak SMTP; the answer is the last thing the server said."""
        server = settings().notification.email
        if not server.enabled or not server.smtp_host:
            return Answer(False, "notification.email.enabled and notification.email.smtp_host are not set", again=False)
        try:
            with _connected(server) as smtp:
                return _handed_over(smtp, sender(server), written(config, letter, server), letter.address)
        except smtplib.SMTPResponseException as error:
            return Answer(False, _text(error.smtp_error), error.smtp_code, again=error.smtp_code < 500)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return Answer(False, f"{server.smtp_host}:{server.smtp_port}: {error or type(error).__name__}")

    def fields(self) -> list[Field]:
        """Recipients and words."""
        whom = N_("One address per line; “owner” is whoever owns the task.")
        return [
            Field("recipients", N_("Recipients"), "lines", hint=whom, required=True),
            Field("subject_template", N_("Subject"), hint=N_("Empty: one of ours."), default=""),
            Field("body_template", N_("Text"), "code", hint=N_("Empty: one of ours."), default=""),
        ]


def sender(server: configuration.Email) -> str:
    """From whom letters are."""
    return server.from_address or (server.smtp_user if "@" in server.smtp_user else f"scheduler@{socket.gethostname()}")


def written(config: EmailConfig, letter: Letter, server: configuration.Email) -> EmailMessage:
    """The whole message; its id stays the same however often it is tried, so that a copy can be told."""
    message = EmailMessage(policy=RULES)
    message["Subject"] = letter.subject(config.subject_template)
    message["From"] = Address("Scheduler", addr_spec=sender(server))
    message["To"] = letter.address
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.key}@{sender(server).rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body(config.body_template))
    return message


def _connected(server: configuration.Email) -> smtplib.SMTP:
    """A connection that is signed in; a password never goes over a line that others can read, unless that was asked for."""
    way = server.security if server.security != "auto" else "ssl" if server.smtp_port == 465 else "auto"
    context = ssl.create_default_context()
    if not server.verify_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if way == "ssl":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.smtp_host, server.smtp_port, timeout=SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(server.smtp_host, server.smtp_port, timeout=SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        secret = way == "ssl"
        if way == "starttls" or (way == "auto" and smtp.has_extn("starttls")):
            smtp.starttls(context=context)
            smtp.ehlo()
            secret = True
        if server.smtp_user and server.smtp_password:
            if not secret and way != "none":
                raise smtplib.SMTPException("the server offers no STARTTLS, so the password was not sent")
            smtp.login(server.smtp_user, server.smtp_password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _handed_over(smtp: smtplib.SMTP, origin: str, message: EmailMessage, to: str) -> Answer:
    code, said = smtp.mail(origin)
    if code == 250:
        code, said = smtp.rcpt(to)
    if code in (250, 251):
        code, said = smtp.data(message.as_bytes())
    return Answer(code == 250, _text(said), code, again=code < 500)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:500]
