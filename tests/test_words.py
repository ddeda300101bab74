"""The catalogue is whole: every sentence of the source has its Chinese one, with the same places, compiled as it stands."""

import re

from babel.messages.catalog import Message

from scheduler.translations.collect import CATALOGUE, catalogue, compiled, sentences

PLACE = re.compile(r"%\((\w+)\)[sd]")


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple | list) else (message.string,)


def test_it_holds_every_sentence_of_the_source_and_no_other() -> None:
    source = {ids(message) for message in sentences() if message.id}
    kept = {ids(message) for message in catalogue() if message.id}
    assert source - kept == set() and kept - source == set(), "run: make words"


def test_every_sentence_has_its_chinese_one() -> None:
    assert [message.id for message in catalogue() if message.id and (message.fuzzy or not all(strings(message)))] == []


def test_both_languages_have_the_same_places_to_fill() -> None:
    for message in catalogue():
        if message.id:
            wanted = set(PLACE.findall(ids(message)[-1]))
            for string in strings(message):
                assert set(PLACE.findall(string)) <= wanted | set(PLACE.findall(ids(message)[0])), message.id
                assert wanted - {"num"} <= set(PLACE.findall(string)), message.id


def test_one_word_is_kept_for_one_thing() -> None:
    assert [message.string for message in catalogue() if message.id and "运行" in "".join(strings(message))] == []


def test_what_is_compiled_is_what_is_written() -> None:
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled(catalogue()), "run: make words"
