"""Maps and their comparison, as people meet them; gestures on charts are tests/test_browser.py's."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import app_test

from core.comparison import ComparisonSpec
from core.demo import EXAMPLES, noise
from core.measures import MeasureSpec, StabilitySpec
from core.projection import ProjectionSpec
from core.views import ViewSpec, find
from pages.parts import numbers, work
from pages.parts.picked import Pick
from pages.parts.text import plain
from tests.screens import Person, word


def two_speeds(n: int = 1600) -> bytes:
    """Quiet and loud by turns, each told by its label."""
    rng = np.random.default_rng(0)
    at = np.arange(n)
    loud = at // 160 % 2 == 1
    values = np.sin(at / 3) * np.where(loud, 9, 1) + np.where(loud, 50, 0) + 0.1 * rng.normal(size=n)
    lines = [f"{i},{v:.4f},{'loud' if up else 'quiet'}" for i, v, up in zip(at, values, loud, strict=True)]
    return ("\n".join(["n,load [kN],state", *lines]) + "\n").encode()


def at_map(someone: Person, data: bytes | None = None) -> ViewSpec:
    """The Maps screen with a finished map of raw waveforms."""
    pilot = someone.place.pilot()
    someone.place.data(pilot, data or two_speeds())
    someone.open("maps", pilot=pilot.id).choose("model", "raw")
    [spec] = [one for one in map(wished, someone.place.desk.wishes) if isinstance(one, ViewSpec)][-1:]
    someone.place.work(spec)
    someone.run()
    return spec


def wished(wish: tuple) -> object:
    return wish[-1]


def wishes(someone: Person, kind: type) -> list:
    return [one for one in map(wished, someone.place.desk.wishes) if type(one) is kind]


def test_numbers_come_after_the_map_each_with_a_sentence(anyone):
    spec = at_map(anyone)
    assert anyone.sees("The numbers on this map are being computed …")
    assert MeasureSpec(spec) in wishes(anyone, MeasureSpec)
    anyone.place.work(MeasureSpec(spec))
    anyone.run()
    assert not anyone.sees("The numbers on this map are being computed …")
    labels = [one.label for one in anyone.at.metric]
    for name in [*numbers.NAMES.values()][:4]:
        assert anyone.word(name) in labels
    assert anyone.sees("These numbers can rule a map out; they cannot show that it is true.")


def test_a_quick_map_is_checked_for_steadiness_at_once_and_a_slow_one_when_somebody_asks(someone, monkeypatch):
    spec = at_map(someone)
    someone.place.work(MeasureSpec(spec))
    monkeypatch.setattr(numbers, "QUICK", -1.0)
    someone.run()
    assert wishes(someone, StabilitySpec) == []
    takes = 7 * find(spec.fingerprint(), work.store()).meta["seconds_drawing"]
    someone.press("Check how steady it is (about {n:.0f} s)", n=takes)
    assert wishes(someone, StabilitySpec) == [StabilitySpec(spec)]
    someone.place.work(StabilitySpec(spec))
    someone.run()
    assert someone.word("Steadiness") in [one.label for one in someone.at.metric]


def test_a_map_can_be_coloured_by_all_that_is_known_of_its_stretches(anyone):
    spec = at_map(anyone)
    anyone.place.work(MeasureSpec(spec))
    anyone.run()
    key = f"colour-{spec.fingerprint()[:12]}"
    options = anyone.at.get_by_key(key).options
    assert options[0] == "state"
    for words in ("time", "value of the channel", "groups that the model sees", "neighbours kept on the map"):
        assert anyone.word(words) in options
    for words in options:
        code = dict(zip(options, _codes(anyone, key), strict=True))[words]
        anyone.choose(key, code)
        assert anyone.errors() == []
        assert words in anyone.texts() or code == "channel"


def _codes(someone: Person, key: str) -> list[str]:
    from pages.parts import scene

    every = {
        "state": scene.LABEL,
        someone.word("time"): scene.TIME,
        someone.word("value of the channel"): scene.CHANNEL,
        someone.word("groups that the model sees"): scene.GROUP,
        someone.word("reconstruction error"): scene.LOSS,
        someone.word("distance to the nearest stretch"): scene.NEAREST,
        someone.word("neighbours kept on the map"): scene.KEPT,
        someone.word("steadiness of the place"): scene.STEADY,
    }
    return [every[words] for words in someone.at.get_by_key(key).options]


def test_what_makes_a_pick_different_is_told_in_words(anyone):
    spec = at_map(anyone)
    label = work.windows_of(spec.sources, spec.recipe).label
    loud = np.flatnonzero(label == "loud")
    anyone.at.session_state[f"pick-{spec.fingerprint()[:12]}"] = Pick().taken(loud, "map")
    anyone.run()
    assert anyone.sees("What makes them different")
    assert any("load" in text and "50" in text for text in map(str, (one.value for one in anyone.at.markdown)))
    assert not anyone.sees("Nothing about them differs clearly from the rest.")


def test_a_pick_can_be_zoomed_into_and_out_of_again(someone):
    spec = at_map(someone)
    assert someone.button("Zoom into the pick").disabled
    someone.at.session_state[f"pick-{spec.fingerprint()[:12]}"] = Pick().taken(np.arange(5), "map")
    someone.run()
    for words, possible in (
        ("Zoom into the pick", {"Zoom into the pick": True, "Zoom back": True, "Zoom again": False}),
        ("Zoom back", {"Zoom back": False, "Zoom again": True, "Whole map": False}),
        ("Zoom again", {"Zoom back": True, "Whole map": True}),
        ("Whole map", {"Zoom back": False, "Zoom again": True}),
    ):
        someone.press(words)
        assert {name: not someone.button(name).disabled for name in possible} == possible


def test_a_map_of_more_than_10_000_points_is_taken_along_as_it_is_seen(someone, monkeypatch):
    managers = []
    monkeypatch.setattr(
        app_test, "MediaFileManager", lambda kept: managers.append(MediaFileManager(kept)) or managers[-1]
    )

    def taken_along(form: str) -> bytes:
        """What the button gives; its file is made only then, when the run is over."""
        [button] = [one for one in someone.at.download_button if one.label == form]
        url = managers[-1].execute_deferred(button.proto.deferred_file_id)
        return someone.place.media.get_file(url.rsplit("/", 1)[-1]).content

    at_map(someone, two_speeds(10_100))
    someone.set("length-", 16).set("stride-", 1)
    spec = wishes(someone, ViewSpec)[-1]
    someone.place.work(spec)
    someone.run()
    assert someone.components("scatter")  # WebGL draws it
    svg = taken_along("SVG").decode()
    for words in ("state", "loud", "quiet"):
        assert f">{words}<" in svg
    assert taken_along("PDF").startswith(b"%PDF")
    orange, blue = strongest(taken_along("PNG"))
    assert min(orange, blue) > 200
    label = work.windows_of(spec.sources, spec.recipe).label
    someone.at.session_state[f"pick-{spec.fingerprint()[:12]}"] = Pick().taken(np.flatnonzero(label == "quiet"), "map")
    someone.run()
    orange, blue = strongest(taken_along("PNG"))
    assert orange > 200 > 100 > blue  # the loud ones have faded


def strongest(png: bytes) -> tuple[int, int]:
    """How much redder than blue a pixel of the map is at most, and how much bluer than red; not of the legend."""
    red, _, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[:1400], 2, 0)
    return int((red - blue).max()), int((blue - red).max())


def test_a_map_that_is_still_moving_can_be_found_good_enough(someone):
    at_map(someone)
    someone.choose("method", "tsne")
    [moving] = [one for one in wishes(someone, ViewSpec) if one.projection.method == "tsne"]
    n = len(work.windows_of(moving.sources, moving.recipe))
    work.store().sketch(moving.fingerprint(), 120, np.random.default_rng(0).normal(size=(n, 2)))
    someone.run()
    someone.press("Good enough: keep it as it is now")
    assert "tsne-120" in someone.at.query_params["stop"]
    assert someone.sees("Stopped after {done} of {total} steps: the picture was still moving.", done=120, total=750)
    assert someone.has_button("Keep this map")
    someone.press("Draw it to the end")
    assert "stop" not in someone.at.query_params
    assert wishes(someone, ViewSpec)[-1].projection == ProjectionSpec("tsne")


# --- comparing


def comparing(someone: Person, data: bytes | None = None) -> None:
    """The Compare screen on a map of raw waveforms, worked out."""
    spec = at_map(someone, data)
    someone.follow("Compare with others")
    assert spec.fingerprint() in someone.at.query_params["view"]
    someone.place.work(wishes(someone, ComparisonSpec)[-1])
    someone.run()


def test_without_a_map_there_is_nothing_to_compare(anyone):
    pilot = anyone.place.pilot()
    anyone.open("compare", pilot=pilot.id)
    assert anyone.sees("There is no map to compare yet. Draw one first.")


def test_ways_of_drawing_stand_side_by_side_and_can_be_kept(someone):
    comparing(someone)
    for name in ("PCA", "t-SNE", "UMAP", "PaCMAP"):
        assert someone.sees(plain(name))
    someone.press("Keep these maps, for people to rate")
    assert someone.place.rows("SELECT count(*) FROM view") == [(4,)]
    someone.press("Ask people about them")
    assert someone.has_button("Open the study")


def test_in_noise_the_comparison_says_that_there_is_nothing_to_see(someone):
    comparing(someone, noise("en", 7))
    assert someone.sees(
        "There is nothing to see: for the model, stretches neither stand apart nor lie near their like more than "
        "by chance."
    )


@pytest.mark.parametrize("code", EXAMPLES)
def test_every_example_is_one_press_away_with_what_is_planted_in_it(someone, code):
    pilot = someone.place.pilot()
    someone.open("data", pilot=pilot.id)
    assert someone.sees(EXAMPLES[code].one_line)
    someone.choose(f"use-{code}", True)
    [dataset] = someone.place.datasets(pilot)
    assert dataset.file_name == word("ja", EXAMPLES[code].title) + ".csv"
