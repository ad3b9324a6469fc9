"""The settings screen: who is let in and let go, what is shown once, what the computer does and holds; and PINs."""

import re
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from core import encoders
from core.jobs import Crew
from feedback_db import backup, jobs, logins, models, people, raters
from feedback_db import place as feedback_place
from feedback_db.permits import APP, LOCAL
from pages.parts import machine, pins, safety, work
from pages.parts.text import plain
from tests.screens import Person, Place

HANA = "花子"


@pytest.fixture(autouse=True)
def no_backup_yet() -> None:
    """What an app remembers of the backup that it made last."""
    safety._made.clear()


@pytest.fixture
def lead(place: Place, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Hanako, a lead, at the computer of an app for a team."""
    someone = Person(place, "en")
    someone.user = {"login": place.signed_in(HANA, "lead")}
    monkeypatch.setenv("PILOT_TEAM", "1")
    return someone


def test_an_app_for_one_computer_says_so_and_how_others_get_in(anyone):
    anyone.open("settings")
    assert anyone.sees("How much is stored?")
    assert any("manage.py run --team" in text for text in anyone.texts())
    assert not anyone.has_button("Make a link")


def test_settings_are_one_press_away_and_not_where_people_rate(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").open()
    someone.follow("Settings")
    assert someone.sees("Who, where, how?")
    assert someone.word("Settings") not in someone.open("rate", invite=place.invitation(study)).links()


# Who is let in


def invite(lead: Person, name: str, role: str = "manager", email: str = "") -> Person:
    lead.open("settings")
    for field, value in (("name", name), ("role", role), ("email", email)):
        lead.at.get_by_key(f"invite-{field}-0").set_value(value)
    return lead.press("Make a link")


def test_somebody_new_gets_a_link_that_works_once_and_is_shown_until_it_was_passed_on(lead):
    invite(lead, " 田中　太郎 ", "lead", "T.Tanaka@plant.example")
    [address] = [one.value for one in lead.at.code]
    link = urlsplit(address)
    assert (link.path, link.hostname in ("localhost", "127.0.0.1")) == ("/enter", False)  # others are to open it
    assert len(lead.at.get("image")) == 1  # a code for a camera
    assert lead.sees("link not used yet, valid until {at}", at="")
    assert lead.at.text_input[0].value == ""  # for the next one
    [key] = parse_qs(link.query)["key"]
    assert key not in repr(lead.place.rows("SELECT * FROM link"))
    lead.press("I have passed it on")
    assert key not in lead.sent()
    with work.database().session(APP) as db:
        person = people.settle(db, key, "", "hash")
        assert (person.name, person.role, person.email) == ("田中 太郎", "lead", "t.tanaka@plant.example")
        assert people.settle(db, key, "", "other") is None
        assert people.sign_in(db, "田中太郎")[0].id == person.id  # whatever space a keyboard writes


@pytest.mark.parametrize(
    ("name", "email", "said"),
    [
        ("  ", "", "There is no name."),
        ("花子 ", "", "Somebody here has this name or this e-mail address already."),
        ("ＫＥＮ", "", "Somebody here has this name or this e-mail address already."),
        ("Aoi", "KEN@plant.example", "Somebody here has this name or this e-mail address already."),
        ("Aoi", "plant.example", "“{email}” is no e-mail address."),
    ],
)
def test_an_entry_that_cannot_be_made_says_why_and_loses_nothing(lead, name, email, said):
    invite(lead, "Ken", email="ken@plant.example")
    before = lead.place.rows("SELECT id FROM person")
    invite(lead, name, "lead", email)
    assert lead.word(said, email=plain(email)) in lead.errors()[0]
    assert [one.value for one in lead.at.text_input] == [name, email]
    assert lead.place.rows("SELECT id FROM person") == before


def test_everybody_is_shown_with_role_and_whether_they_are_in(lead):
    place = lead.place
    ken = place.signed_in("Ken", "manager")
    with work.database().session(LOCAL) as db:
        logins.end(db, ken)
        people.invite(db, "*Aoi*", "manager")
        people.invite(db, "Late", "lead")
        person = people.everybody(db)[-1]
        db.execute(
            models.Link.__table__.update().where(models.Link.person_id == person.id).values(used_at=models.now())
        )
    rows = [text for text in lead.open("settings").texts() if text]
    stands = {name: rows[rows.index(f"**{plain(name)}**") + 2] for name in ("Ken", "*Aoi*", "Late")}
    assert re.fullmatch(r"last signed in \d{4}/\d\d/\d\d \d\d:\d\d", stands["Ken"])
    assert stands["*Aoi*"].startswith("link not used yet, valid until ")
    assert stands["Late"] == "has never come in, and the link has lapsed"
    assert rows[rows.index("pilot lead", rows.index("Settings")) + 1] == "signed in now"  # Hanako herself


def person_of(lead: Person, name: str) -> str:
    return lead.place.rows(f"SELECT id FROM person WHERE name = '{name}'")[0][0]  # noqa: S608


def use(lead: Person, button: str, name: str) -> Person:
    lead.open("settings").at.button(key=f"{button}-{person_of(lead, name)}").click()
    return lead.run()


def test_a_new_link_makes_the_one_before_void(lead):
    invite(lead, "Ken")
    keys = [parse_qs(urlsplit(lead.at.code[0].value).query)["key"][0]]
    use(lead, "link", "Ken")
    keys.append(parse_qs(urlsplit(lead.at.code[0].value).query)["key"][0])
    with work.database().session(APP) as db:
        assert [people.linked(db, key) is not None for key in keys] == [False, True]


def test_signing_somebody_out_and_changing_a_role_count_at_once(lead):
    ken = lead.place.signed_in("Ken", "manager")

    def of_ken() -> logins.Login | None:
        with work.database().session(APP) as db:
            return logins.get(db, ken)

    use(lead, "role", "Ken")
    assert of_ken().role == "lead"
    use(lead, "out", "Ken")
    assert of_ken() is None


def test_who_is_let_go_is_out_at_once_and_stays_in_the_list_of_those(lead):
    ken = lead.place.signed_in("Ken", "manager")
    use(lead, "go", "Ken")
    with work.database().session(APP) as db:
        assert logins.get(db, ken) is None
        assert people.sign_in(db, "Ken") is None
    assert lead.sees("1 person was let go")
    invite(lead, "Ken")  # the name is free again
    assert lead.errors() == []


@pytest.mark.parametrize("button", ["go", "role"])
def test_the_last_lead_who_can_sign_in_stays(lead, button):
    invite(lead, "New", "lead")  # whose link nobody has used yet
    use(lead, button, HANA)
    assert lead.word("{name} is the only lead who can sign in.", name=HANA) in lead.errors()[0]
    assert lead.place.rows(f"SELECT role, revoked_at FROM person WHERE name = '{HANA}'") == [("lead", None)]  # noqa: S608
    lead.place.signed_in("Ken", "lead")
    use(lead, button, HANA)
    assert lead.place.rows(f"SELECT role = 'lead' AND revoked_at IS NULL FROM person WHERE name = '{HANA}'") == [(0,)]  # noqa: S608


def test_tablets_are_counted_by_study_and_led_to_where_they_are_signed_out(place, monkeypatch):
    asked, study, _kept = place.asked()
    lead = Person(place, "en")
    lead.user = {"login": place.signed_in(HANA, "lead")}
    for _ in range(2):
        place.tablet(study)
    monkeypatch.setenv("PILOT_TEAM", "1")
    lead.open("settings")
    link = lead.links()["2 tablets rate: Q"]
    assert f"pilot={asked.id}" in link.proto.query_string
    lead.place.close(study)
    assert lead.open("settings").sees("No tablet is signed in to rate.")


# What the computer does and holds


def test_what_is_stored_is_counted_and_little_room_is_said(place, monkeypatch):
    _pilot, study, [kept] = place.asked()
    place.rate(study, kept, "r", 4)
    someone = Person(place, "en").open("settings")
    shown = {one.label: one.value for one in someone.at.metric}
    assert (shown["Pilots"], shown["Answers"]) == ("1", "1")
    files = sum(file.stat().st_size for file in (place.folder / "artifacts").rglob("*") if file.is_file())
    assert shown["Files and results"] == f"{files / 1e6:,.1f} MB"
    assert shown["Database (SQLite)"] == f"{(place.folder / 'pilot.db').stat().st_size / 1e6:,.1f} MB"
    assert str(place.folder) not in someone.sent()
    assert [one.value for one in someone.at.warning] == ["There is no backup yet."]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1.5e9))
    warning = someone.run().at.warning[0].value
    assert warning.startswith("Only 1.5 GB are free")


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({"done": 9}, "Nothing is being calculated just now."),
        ({"running": 1, "queued": 2}, "1 calculation is under way. 2 calculations wait for their turn."),
        ({"queued": 1}, "1 calculation waits for its turn."),
    ],
)
def test_what_is_calculated_is_said_in_a_sentence_each(place, counted, said):
    states = [state for state, n in counted.items() for _ in range(n)]
    for i, state in enumerate(states):
        with work.database().session(LOCAL) as db:
            jobs.submit(db, f"{i:064}", "view", {})
            db.execute(update(models.Job).where(models.Job.fingerprint == f"{i:064}").values(state=state))
    assert Person(place, "en").open("settings").sees(said)


def test_a_calculation_that_failed_is_not_hidden(place):
    with work.database().session(LOCAL) as db:
        jobs.submit(db, "f" * 64, "view", {})
        jobs.fail(db, "f" * 64, "P", "R", {})
    assert Person(place, "en").open("settings").sees("1 calculation failed: the screen that asked for it says why")


def test_the_screen_does_not_wait_for_the_engine_and_says_when_nobody_answers(place, monkeypatch):
    answers = [ConnectionError(), Crew(0, 0, 0), Crew(2, 8, 4_000_000_000)]

    def crew() -> SimpleNamespace:
        def result() -> Crew:
            if isinstance(answer, Exception):
                raise answer
            return answer

        answer = answers.pop(0) if answers else Crew(1, 1, 0)
        return SimpleNamespace(done=lambda: True, result=result)

    monkeypatch.setattr(work, "crew", crew)
    someone = Person(place, "en").open("settings")
    assert someone.sees("Asking it …")
    assert someone.run().sees("The computers that calculate (Dask) do not answer.")
    assert someone.run().sees("No worker is there.")
    assert someone.run().sees("2 workers are ready. Memory for calculations: 4.0 GB.")


def test_models_are_said_to_be_here_only_where_they_are(place, tmp_path, monkeypatch):
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / encoders.WEIGHTS).write_bytes(b"0" * 2_000_000)
    monkeypatch.setattr(encoders, "at_hand", lambda name: folder if name == encoders.HUB["small"] else None)
    [table] = [one.value for one in Person(place, "en").open("settings").at.table]
    assert list(table["here"]) == ["on this computer"] * 2 + ["to be fetched"] * 2
    assert list(table["size"])[:2] == [
        f"{(encoders.SHIPPED / encoders.WEIGHTS).stat().st_size / 1e6:,.1f} MB",
        "2.0 MB",
    ]
    assert list(table["licence"]) == ["as this app's", "MIT", "MIT", "MIT"]


# Backup


def test_a_backup_is_made_behind_the_screen_and_its_check_is_told(place):
    place.asked()
    someone = Person(place, "en").open("settings")
    assert someone.sees("There is no backup yet.")
    someone.press("Make a backup now")
    assert not someone.has_button("Make a backup now") or safety._made[0].done()
    safety._made[0].result(timeout=60)
    assert re.search(r"The last backup is of .+, and passed its check\. It holds \d+ entries\.", said(someone.run()))
    [made] = backup.all_in(feedback_place.backups())
    assert backup.opened(made.folder).facts.rows["study"] == 1
    made_at = f"{models.now() - timedelta(days=8):%Y-%m-%dT%H:%M:%S+00:00}"
    manifest = made.folder / backup.MANIFEST
    manifest.write_text(manifest.read_text().replace(made.made_at.isoformat(), made_at))
    assert someone.run().at.warning[0].value.startswith("The last backup is of")  # a week ago: it stands out


def said(someone: Person) -> str:
    return "\n".join(someone.texts())


def test_of_a_backup_beside_a_shared_store_nobody_is_told_that_it_is_everything(place, monkeypatch):
    assert Person(place, "en").open("settings").sees("It is a copy of everything but who is signed in")
    monkeypatch.setenv("PILOT_STORE", "s3://pilot/plant")
    someone = Person(place, "en").open("settings")
    assert someone.sees("It is a copy of the database alone")
    assert not someone.sees("It is a copy of everything")


def test_a_backup_that_fails_says_so_and_names_no_folder(place):
    (place.folder / "backups").write_text("a file stands where the folder should be")
    someone = Person(place, "en").open("settings").press("Make a backup now")
    safety._made[0].exception(timeout=60)
    assert someone.run().errors() != []
    assert someone.sees("There is no new one.")
    assert str(place.folder) not in someone.sent()


# Addresses and PINs


def test_where_people_sign_in_a_lead_at_the_computer_itself_gets_addresses_that_tablets_can_open(place, monkeypatch):
    asked, study, _kept = place.asked()
    alone = Person(place, "en").open("study", pilot=asked.id)
    assert alone.sees("Only this computer can open the app.")
    lead = Person(place, "en")
    lead.user = {"login": place.signed_in(HANA, "lead")}
    monkeypatch.setenv("PILOT_TEAM", "1")
    monkeypatch.setenv("PILOT_ADDRESS", "https://pilot.plant.example")
    lead.open("study", pilot=asked.id)
    assert not lead.sees("Only this computer can open the app.")
    assert lead.at.code[0].value == f"https://pilot.plant.example/rate?invite={place.invitation(study)}&lang=en"
    assert len(lead.at.get("image")) == len(lead.at.code)


@pytest.fixture
def asking(place: Place, monkeypatch: pytest.MonkeyPatch) -> tuple[Person, dict[str, str]]:
    """A lead on the screen of an open study."""
    asked, _study, _kept = place.asked()
    lead = Person(place, "en")
    lead.user = {"login": place.signed_in(HANA, "lead")}
    monkeypatch.setenv("PILOT_TEAM", "1")
    return lead, {"pilot": asked.id}


def test_a_pin_is_told_once_and_only_its_hash_is_kept(asking):
    lead, address = asking
    proposed = lead.open("study", **address).at.text_input[0].value
    assert pins.DIGITS.fullmatch(proposed)
    lead.at.text_input[0].set_value("２４６８")  # as a Japanese keyboard may write it
    lead.press("Ask for this PIN")
    assert lead.sees("shared address: **2468**")
    [(kept,)] = lead.place.rows("SELECT pin FROM invitation")
    assert people.matches(kept, "2468")
    assert "2468" not in "".join(map(repr, lead.place.rows("SELECT detail FROM study_event")))
    lead.press("I have passed it on")
    assert "2468" not in lead.sent()
    assert lead.sees("A PIN is asked for. If it was forgotten, set another one.")


@pytest.mark.parametrize("wrong", ["", "123", "12a4", "１２ ３４"])
def test_what_is_no_pin_is_refused(asking, wrong):
    lead, address = asking
    lead.open("study", **address).at.text_input[0].set_value(wrong)
    lead.press("Ask for this PIN")
    assert lead.word("Write 4 to 6 digits, and nothing else.") in lead.errors()[0]
    assert lead.place.rows("SELECT pin FROM invitation") == [("",)]


def test_people_who_are_invited_one_by_one_can_each_have_a_pin(asking):
    lead, address = asking
    lead.open("study", **address).at.text_area[0].set_value("A\nB")
    lead.at.checkbox[0].set_value(True)
    lead.press("Make the addresses")
    [told] = [text for text in lead.texts() if text.startswith("A: **")]
    pin_of = dict(re.findall(r"(\w): \*\*(\d{4})\*\*", told))
    kept = dict(lead.place.rows("SELECT name, pin FROM invitation WHERE name <> ''"))
    assert {name: people.matches(kept[name], pin) for name, pin in pin_of.items()} == {"A": True, "B": True}
    assert not people.matches(kept["A"], pin_of["B"]) or pin_of["A"] == pin_of["B"]


def test_an_app_without_logins_has_no_pins(place):
    asked, study, _kept = place.asked()
    with work.database().session(LOCAL) as db:
        raters.invite(db, study.id, name="A")
    someone = Person(place, "en").open("study", pilot=asked.id)
    assert not someone.has_button("Ask for this PIN")
    assert list(someone.at.checkbox) == []
