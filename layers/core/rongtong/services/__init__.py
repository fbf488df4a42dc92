"""Use cases, one module each, and the ports that they need from outside.

``from rongtong.services import discounts`` reads a use case when something of it is first used: a function serves many
routes, and its first request needs one of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if not TYPE_CHECKING:
    from rongtong.late import late

    __getattr__ = late(__name__, {file.stem for file in Path(__file__).parent.glob("*.py*")})
