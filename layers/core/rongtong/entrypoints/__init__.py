"""Where requests and tasks come in: settings, the composition root, HTTP and task wrappers.

``from rongtong.entrypoints import models`` reads the models of bodies and queries when one is first used. With them
comes pydantic, a third of a function's cold start, and most first requests have neither body nor query.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:
    from rongtong.late import late

    __getattr__ = late(
        __name__,
        {
            "bill_models",
            "complaint_models",
            "confirmation_models",
            "duty_models",
            "institution_models",
            "models",
            "personal_models",
            "queries",
            "supervision_models",
            "webhook_models",
        },
    )
