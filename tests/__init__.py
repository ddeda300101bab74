"""The suite; importing and collecting it makes little garbage, and looking for that took a tenth of their time."""

import gc

gc.set_threshold(200_000, 20, 50)
