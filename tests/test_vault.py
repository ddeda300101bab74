"""Keys on the disk and what they seal: private, agreed upon, replaceable, never silently empty."""

import os
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from scheduler import vault
from scheduler.errors import ConfigError
from scheduler.vault import Vault


def test_it_opens_what_it_sealed(tmp_path: Path) -> None:
    kept = vault.open_vault(tmp_path / "keys")
    sealed = kept.seal("höchst geheim 密")
    assert "geheim" not in sealed
    assert vault.open_vault(tmp_path / "keys").open(sealed) == "höchst geheim 密"


def test_it_makes_keys_only_the_owner_can_read(tmp_path: Path) -> None:
    os.umask(os.umask(0o022))
    vault.open_vault(tmp_path / "keys")
    vault.session_key(tmp_path / "keys")
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "keys").iterdir()} == {"0o600"}
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_it_refuses_a_key_others_can_read(tmp_path: Path, mode: int) -> None:
    vault.open_vault(tmp_path)
    (tmp_path / "vault.key").chmod(mode)
    with pytest.raises(ConfigError, match="0600"):
        vault.open_vault(tmp_path)


def test_two_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    found: set[bytes] = set()
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.add(vault.session_key(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {vault.session_key(tmp_path)}
    assert [path.name for path in tmp_path.iterdir()] == ["session.key"]


def test_it_opens_with_an_old_key_and_seals_with_the_newest() -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    sealed = Vault([old]).seal("kept")
    ring = Vault([new, old])
    assert ring.open(sealed) == "kept"
    assert Vault([new]).open(ring.seal("fresh")) == "fresh"


def test_it_says_so_when_no_key_fits() -> None:
    sealed = Vault([Fernet.generate_key()]).seal("lost")
    with pytest.raises(ConfigError, match="cannot be opened"):
        Vault([Fernet.generate_key()]).open(sealed)


@pytest.mark.parametrize("damage", ["", "\n", "not a key", "zz" * 32, "ab"])
@pytest.mark.parametrize("name", ["vault.key", "session.key"])
def test_it_never_starts_with_a_damaged_key(tmp_path: Path, name: str, damage: str) -> None:
    (tmp_path / name).write_text(damage)
    (tmp_path / name).chmod(0o600)
    with pytest.raises(ConfigError, match="damaged"):
        vault.open_vault(tmp_path) if name == "vault.key" else vault.session_key(tmp_path)
