"""Which version of a thing a change was made against: its number in the body, or its ETag in `If-Match`."""

from flask import Response, request

from scheduler.errors import N_, Invalid

MOST = 2**31 - 1


def matched() -> int | None:
    """The version `If-Match` names; None when it says nothing."""
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    number = given.removeprefix("W/").strip('"')
    if not number.isascii() or not number.isdecimal() or len(number) > len(str(MOST)):
        raise Invalid.because(
            N_("“%(value)s” is not a version: send the ETag of what you change."), field="If-Match", value=given[:60]
        )
    return int(number)


def tagged(response: Response, version: int) -> Response:
    """The answer with the version as its ETag."""
    response.set_etag(str(version))
    return response
