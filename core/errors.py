"""The one error a user is meant to see. Its two sentences are gettext ids, so a screen can say them in any language."""


def N_(message: str) -> str:
    """Mark a message for the catalogues where it is written; it is translated where it is shown."""
    return message


class UserError(Exception):
    """Something the user can put right: what happened, and what to do about it."""

    def __init__(self, problem: str, remedy: str, **facts: object) -> None:
        super().__init__(f"{problem} {remedy}".format(**facts))
        self.problem, self.remedy, self.facts = problem, remedy, facts

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole: the engine's workers raise these too."""
        return _revived, (type(self), self.problem, self.remedy, self.facts)


def _revived(kind: type[UserError], problem: str, remedy: str, facts: dict[str, object]) -> UserError:
    return kind(problem, remedy, **facts)


BROKE = UserError(
    N_("The calculation failed because of an error in this program."),
    N_("Try another setting. The log of this program says more."),
)
