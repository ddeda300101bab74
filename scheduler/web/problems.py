"""What a page says when something goes wrong: a title and a sentence for each status; handlers live with the application."""

from dataclasses import dataclass

from scheduler.errors import N_


@dataclass(frozen=True)
class Sorry:
    """An error for people: English sentences for the catalogue."""

    title: str
    text: str


PROBLEMS: dict[int, Sorry] = {
    400: Sorry(N_("This request cannot be read."), N_("It is incomplete or has expired. Reload the page and try again.")),
    403: Sorry(N_("You may not do this."), N_("Your role does not allow it. An administrator can change that.")),
    404: Sorry(N_("There is nothing here."), N_("It was deleted, never existed, or is not yours to see.")),
    405: Sorry(N_("This address does not work this way."), N_("It was opened in a way it does not support.")),
    413: Sorry(N_("That is too large."), N_("A request may have at most 2 MB.")),
    419: Sorry(N_("This page has expired."), N_("Reload it and send the form again; nothing was changed.")),
    429: Sorry(N_("Too many tries."), N_("Wait a little before you try again.")),
    431: Sorry(N_("That is too large."), N_("The headers of the request are too large.")),
    500: Sorry(N_("Something went wrong on our side."), N_("It has been written to the server's log. Trying again may help.")),
    503: Sorry(N_("Not now, please try again."), N_("The storage cannot be used at the moment. Nothing was saved.")),
    507: Sorry(N_("The disk is full."), N_("Nothing was saved. Free some room on it and try again.")),
}
