"""What the gate remembers of those who are signed in: how much they asked for lately, and which sessions are theirs."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.entrance.limits import MOST_ADDRESSES, Bucket, Buckets, Pace
from pages.entrance.ways import Role

MB = 1_000_000
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    role: Role
    login_id: str = ""
    person: str = ""  # whose uploads they are; somebody may be signed in more than once


NOBODY = Visitor("nobody")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of everything."""

    requests: Pace  # HTTP, of one login
    messages: Pace  # over its websockets: each is a screen drawn anew
    sockets: Pace  # opened
    open_sockets: int  # a tab each
    strangers: Pace  # requests of one address by those who have not signed in: a site may share one
    uploads: Pace  # bytes, of one person
    in_memory: float  # bytes of uploads of one login that Streamlit holds at once


# Far above what people do, and far below what a program can.
MANY = Allowance(
    requests=Pace(20, 300),
    messages=Pace(20, 200),
    sockets=Pace(1, 30),
    open_sockets=30,
    strangers=Pace(10, 600),
    uploads=Pace(4_000 * MB / DAY, 4_000 * MB),
    in_memory=1_000 * MB,
)
PLENTY = Pace(0, inf)
ONE = Allowance(PLENTY, PLENTY, PLENTY, 1_000, PLENTY, PLENTY, inf)  # on one's own computer


@dataclass(slots=True)
class Visit:
    """Of one login."""

    requests: Bucket
    messages: Bucket
    sockets: Bucket
    open_sockets: int = 0
    sessions: deque[str] = field(default_factory=lambda: deque(maxlen=100))  # ids of Streamlit's, the latest last
    arriving: int = 0  # bytes of uploads under way

    def owns(self, session: str) -> bool:
        return session in self.sessions

    def learn(self, session: str) -> None:
        if self.owns(session):
            self.sessions.remove(session)
        self.sessions.append(session)

    @contextmanager
    def is_open(self) -> Iterator[None]:
        self.open_sockets += 1
        try:
            yield
        finally:
            self.open_sockets -= 1

    @contextmanager
    def receives(self, size: int) -> Iterator[None]:
        self.arriving += size
        try:
            yield
        finally:
            self.arriving -= size


class Visits:
    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.strangers = Buckets(allowance.strangers)
        self._uploads = Buckets(allowance.uploads)
        self._of: OrderedDict[str, Visit] = OrderedDict()

    def of(self, visitor: Visitor) -> Visit:
        a = self.allowance
        visit = self._of.setdefault(visitor.login_id, Visit(Bucket(a.requests), Bucket(a.messages), Bucket(a.sockets)))
        self._of.move_to_end(visitor.login_id)
        if len(self._of) > MOST_ADDRESSES:
            self._of.popitem(last=False)
        return visit

    def wait_to_upload(self, visitor: Visitor, size: int) -> float:
        """Seconds until somebody may upload that many bytes; 0: now, and it counts."""
        visit = self.of(visitor)
        if _held(visit) + visit.arriving + size > self.allowance.in_memory:
            return 60.0  # until files were taken in, or pages closed
        return self._uploads.take(visitor.person, size)


def _held(visit: Visit) -> int:
    """Bytes of uploads in Streamlit's memory."""
    manager = runtime.get_instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        raise TypeError(f"nobody counts the uploads of {type(manager).__name__}")
    files = [manager.file_storage.get(session, {}) for session in visit.sessions]
    return sum(len(one.data) for of_session in files for one in list(of_session.values()))
