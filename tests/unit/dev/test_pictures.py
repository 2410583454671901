"""The demo's pictures are pictures, light, and there is one for each of its rewards."""

from dev.demo import names
from dev.demo.pictures import PICTURES, png
from services.points.rewards.domain import photo_type


def test_every_reward_of_the_demo_has_a_light_picture_of_its_own() -> None:
    drawn = {name: png(shapes) for name, shapes in PICTURES.items()}
    assert set(drawn) == {name for name, _, _ in names.REWARDS}
    assert len(set(drawn.values())) == len(drawn)
    for content in drawn.values():
        assert photo_type(content) == "image/png"
        assert len(content) < 4096
