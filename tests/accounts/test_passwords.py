"""Hashing, verifying and refusing passwords."""

from time import perf_counter

import pytest
from argon2 import PasswordHasher

from scheduler.accounts import passwords
from scheduler.errors import Invalid


def test_it_verifies_what_it_hashed_and_nothing_else() -> None:
    kept = passwords.hashed("correct horse")
    assert passwords.verified(kept, "correct horse")
    assert not passwords.verified(kept, "correct horsf")


def test_it_hashes_with_the_chosen_parameters_and_never_twice_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(**passwords.PARAMETERS))  # the suite's own are cheap
    kept = passwords.hashed("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and kept != passwords.hashed("correct horse")


def test_it_wants_hashes_of_other_parameters_made_anew() -> None:
    assert not passwords.outdated(passwords.hashed("correct horse"))
    assert passwords.outdated("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43)


def test_it_takes_nothing_for_a_password_of_nobody() -> None:
    assert not passwords.verified(None, "correct horse")
    assert not passwords.verified("not a hash", "correct horse")


@pytest.mark.parametrize("password", ["密码是一匹正确的马", "\ud800 lone surrogate", "nul \0 inside", " spaces "])
def test_it_takes_any_text(password: str) -> None:
    assert passwords.verified(passwords.hashed(password), password)


def test_it_takes_as_long_for_nobody_as_for_somebody() -> None:
    kept = passwords.hashed("correct horse")

    def fastest(password_hash: str | None) -> float:
        times = []
        for _ in range(5):
            start = perf_counter()
            passwords.verified(password_hash, "wrong horse")
            times.append(perf_counter() - start)
        return min(times)

    assert abs(fastest(kept) - fastest(None)) < 0.02


BAD = ["", "short", "x" * 201, "password123", "PASSWORD123", "1234567890", "aaaaaaaaaaaa", "Ada-Lovelace"]


@pytest.mark.parametrize("password", BAD)
def test_it_refuses_what_is_short_long_common_or_the_name(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password, "ada-lovelace")
    assert refused.value.problems[0].field == "password"


@pytest.mark.parametrize("password", ["0192837465", "a fairly long sentence", "x y z " * 33])
def test_it_accepts_what_is_not(password: str) -> None:
    passwords.check(password, "ada")
    assert passwords.verified(passwords.hashed(password), password)


def test_it_makes_passwords_that_pass_its_own_rule() -> None:
    made = {passwords.fresh() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        passwords.check(password, "admin")
