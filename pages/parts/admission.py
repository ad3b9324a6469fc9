"""Who comes to the gate: whoever sits at this computer, or in team mode whose login the browser's cookie belongs to."""

from pages.parts.cookies import Scope
from pages.parts.visits import Visitor

OWNER = Visitor("lead")


class Alone:
    """Of an app that only this computer reaches."""

    async def visitor(self, _scope: Scope) -> Visitor:
        return OWNER

    async def invited(self, _scope: Scope, _visitor: Visitor) -> str | None:
        return None
