"""Encrypts and decrypts secrets with keys kept outside the database, and hides secret values; stores nothing itself."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from scheduler.errors import N_, ConfigError

MASK = "********"
SHORTEST = 4  # characters: what is shorter stands in every other line by chance, and stars there would tell where
_DAMAGED = N_("%(path)s is damaged: it holds no key. Bring it back from a backup.")


class Vault:
    """Seals text with the newest key and opens what any key on the ring has sealed; `path` is where the ring is kept."""

    def __init__(self, keys: list[bytes], path: Path | None = None) -> None:
        self._ring = MultiFernet([Fernet(key) for key in keys])
        self._keys, self._path = keys, path

    @property
    def marks(self) -> list[str]:
        """A mark of each key, newest first, by which it is known and from which it cannot be told."""
        return [hashlib.sha256(b"mark of " + key).hexdigest()[:16] for key in self._keys]

    def seal(self, text: str) -> str:
        """`text`, encrypted; safe to store."""
        return self._ring.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed; `ConfigError` when no key of this installation fits."""
        try:
            return self._opened(sealed)
        except InvalidToken as error:
            raise ConfigError.because(N_("A stored secret cannot be opened: the key in instance/keys is not its key.")) from error

    def again(self, sealed: str) -> str:
        """What was sealed, sealed with the newest key."""
        return self.seal(self.open(sealed))

    def _opened(self, sealed: str) -> str:
        try:
            return self._ring.decrypt(sealed.encode()).decode()
        except InvalidToken:
            if self._path is None or self._path.read_bytes().split() == self._keys:
                raise
        self._keys = self._path.read_bytes().split()  # they were rotated meanwhile, by another process
        self._ring = MultiFernet([Fernet(key) for key in self._keys])
        return self._ring.decrypt(sealed.encode()).decode()


def disguises(value: str) -> set[str]:
    """The texts that give a secret away where they are printed: itself, its lines, and itself as URL, JSON and base64 write it.

    What is shorter than `SHORTEST` is hidden only as part of something longer.
    """
    trimmed = value.strip()
    plain = {value, trimmed, *(line.strip() for line in value.splitlines())}
    quoted = (json.dumps(trimmed, ensure_ascii=ascii)[1:-1] for ascii in (True, False))
    written = {quote(trimmed), quote(trimmed, safe=""), quote_plus(trimmed), *quoted}
    return {text for text in (*plain, *written, *_in_base64(trimmed.encode()), *_of_address(trimmed)) if len(text) >= SHORTEST}


def _of_address(text: str) -> Iterator[str]:
    """What gives an address away that is a secret: the password in it, and its path, which servers repeat when they complain."""
    _, is_address, rest = text.partition("://")
    if not is_address:
        return
    place, _, path = rest.partition("/")
    password = place.rpartition("@")[0].partition(":")[2]
    yield from (password, unquote(password))
    yield from (part for part in (f"/{path}", f"/{path}".partition("?")[0]) if len(part) > 2 * SHORTEST)


def hidden(text: str, values: Iterable[str]) -> str:
    """`text` with the mask in place of these secrets."""
    for form in sorted({form for value in values for form in disguises(value)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _in_base64(octets: bytes) -> Iterator[str]:
    """What surely stands in the base64 of any text that holds `octets`: it depends on where in it they begin."""
    if len(octets) < 2 * SHORTEST:
        return  # a few letters of base64 stand anywhere
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + octets).rstrip(b"=")
        first, surplus = (0, 2, 3)[before], (before + len(octets)) % 3
        sure = encoded[first : len(encoded) - bool(surplus)].decode()
        yield sure
        yield sure.translate(str.maketrans("+/", "-_"))


_vault: Vault | None = None


def vault() -> Vault:
    """The vault of this installation; `use` was called when the application was made."""
    if _vault is None:
        raise RuntimeError("no vault is in use")
    return _vault


def use(new: Vault | None) -> None:
    """Seal and open with `new` from now on."""
    global _vault
    _vault = new


def open_vault(folder: Path) -> Vault:
    """The vault whose keys lie in `folder/vault.key`, one a line, newest first; made on the first start (0600)."""
    path = folder / "vault.key"
    try:
        return Vault(_kept(path, Fernet.generate_key()).split(), path)
    except ValueError as error:
        raise ConfigError.because(_DAMAGED, path=str(path)) from error


def add_key(folder: Path) -> Vault:
    """Put a new key in front of the ring; what the others sealed can still be opened."""
    path = folder / "vault.key"
    return _replaced(path, [Fernet.generate_key(), *path.read_bytes().split()])


def drop_old_keys(folder: Path) -> Vault:
    """Forget all keys but the newest: what they sealed cannot be opened any more."""
    path = folder / "vault.key"
    return _replaced(path, path.read_bytes().split()[:1])


def _replaced(path: Path, keys: list[bytes]) -> Vault:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"\n".join(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return Vault(keys, path)


def session_key(folder: Path) -> bytes:
    """256 bits that sign cookies and tokens; made on the first start (0600)."""
    return _random_key(folder / "session.key")


def audit_key(folder: Path) -> bytes:
    """256 bits that seal the audit log, for good; made on the first start (0600)."""
    return _random_key(folder / "audit.key")


def _random_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(_kept(path, secrets.token_hex(32).encode()).decode())
    except ValueError as error:
        raise ConfigError.because(_DAMAGED, path=str(path)) from error
    if len(key) < 32:
        raise ConfigError.because(_DAMAGED, path=str(path))
    return key


def _kept(path: Path, fresh: bytes) -> bytes:
    """The key in `path`, or `fresh` put there. Two processes starting at once agree: one link wins, both read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")  # in containers that share a disk pids are alike
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty key, under which nothing can be opened again
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key is the one
        finally:
            draft.unlink()
    if path.stat().st_mode & 0o077:
        raise ConfigError.because(N_("%(path)s can be read by others: make it 0600."), path=str(path))
    return path.read_bytes().strip()
