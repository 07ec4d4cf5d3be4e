import base64
import io

import numpy as np
import pytest
from PIL import Image as Picture

from openigrt.report.pictures import (
    BONE,
    NO_DATA_GRAY,
    SOFT_TISSUE,
    Window,
    ct_window,
    difference_picture,
    difference_scale,
    gray_map,
    gray_picture,
    overlay_picture,
    own_window,
    without_shading,
)


def decoded(uri: str) -> np.ndarray:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Picture.open(io.BytesIO(base64.b64decode(body))), dtype=float)


def halves(left: float, right: float) -> np.ndarray:
    values = np.full((32, 64), left, dtype=np.float32)
    values[:, 32:] = right
    return values


def test_a_window_maps_its_limits_to_black_and_white_and_keeps_what_is_missing() -> None:
    shown = Window("w", -100.0, 300.0).shown(np.array([-500.0, -100.0, 100.0, 300.0, 900.0, np.nan], np.float32))
    assert shown[:5] == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert np.isnan(shown[5])


def test_the_gray_map_undoes_a_linear_scale_and_beyond() -> None:
    rng = np.random.default_rng(1)
    plan = rng.uniform(-100.0, 800.0, 5000).astype(np.float32)
    found = gray_map(plan, 0.5 * plan + 300.0)
    assert found is not None
    probes = np.array([-500.0, 0.0, 400.0, 1500.0], np.float32)
    assert found(0.5 * probes + np.float32(300.0)) == pytest.approx(probes, abs=5.0)
    assert np.isnan(found(np.array([np.nan], np.float32))).all()


@pytest.mark.parametrize("daily", [np.full(5000, 7.0), np.full(5000, np.nan)])
def test_a_constant_or_missing_daily_image_has_no_gray_map(daily: np.ndarray) -> None:
    assert gray_map(np.linspace(-100.0, 800.0, 5000).astype(np.float32), daily.astype(np.float32)) is None


def test_slow_shading_goes_and_edges_stay() -> None:
    down, right = np.meshgrid(np.arange(240.0), np.arange(260.0), indexing="ij")
    plan = np.where((right > 120) & (right < 150), 400.0, 0.0).astype(np.float32)
    moved = np.roll(plan, 8, axis=1)
    shading = 200.0 * np.exp(-((down - 120.0) ** 2 + (right - 130.0) ** 2) / (2 * 70.0**2))
    clean = without_shading((moved + shading).astype(np.float32), plan, 1.0)
    assert np.abs(clean - moved).mean() < 0.4 * shading.mean()
    edge = (clean - plan)[100:140, 121:128].mean()
    assert edge < -250.0


def test_shading_keeps_missing_data_missing_and_small_pictures_whole() -> None:
    values = np.full((3, 5), 10.0, np.float32)
    values[1, 1] = np.nan
    clean = without_shading(values, np.zeros((3, 5), np.float32), 1.0)
    assert clean.shape == (3, 5)
    assert np.isnan(clean[1, 1])
    assert np.isfinite(clean).sum() == 14


def test_bone_gets_the_bone_window() -> None:
    soft = np.full(1000, 40.0, np.float32)
    assert ct_window(soft, "soft tissue") is SOFT_TISSUE
    assert ct_window(soft, "bone") is BONE
    assert ct_window(np.concatenate([soft, np.full(400, 600.0, np.float32)]), "patient") is BONE


def test_other_images_get_a_window_of_their_own() -> None:
    window = own_window(np.linspace(0.0, 1000.0, 1001).astype(np.float32))
    assert (window.low, window.high) == pytest.approx((10.0, 995.0))
    assert own_window(np.full(4, np.nan, np.float32)).high == 1.0


def test_the_scale_of_differences_is_round_and_holds_nearly_all() -> None:
    assert difference_scale(np.linspace(-280.0, 280.0, 999).astype(np.float32)) == 300.0
    assert difference_scale(np.full(9, np.nan, np.float32)) == 100.0
    assert difference_scale(np.full(9, 5000.0, np.float32)) == 1000.0


def test_gray_and_missing_data() -> None:
    gray = decoded(gray_picture(halves(1.0, np.nan)))
    assert gray[16, 8] == pytest.approx(255.0, abs=3.0)
    assert gray[16, 56] == pytest.approx(NO_DATA_GRAY, abs=3.0)


def test_brighter_is_orange_darker_is_blue_and_the_same_is_dark() -> None:
    colored = decoded(difference_picture(halves(300.0, -300.0), 300.0))
    brighter, darker = colored[16, 8], colored[16, 56]
    assert brighter[0] > 200.0 > brighter[2]
    assert darker[2] > 200.0 > darker[0]
    assert decoded(difference_picture(halves(0.0, 0.0), 300.0)).max() < 40.0


def test_agreement_is_gray_and_the_pair_of_colors_adds_up_to_it() -> None:
    one, none = halves(0.6, 0.6), halves(0.0, 0.0)
    agree = decoded(overlay_picture(one, one))[16, 16]
    assert np.ptp(agree) < 4.0
    plan_only, daily_only = decoded(overlay_picture(one, none))[16, 16], decoded(overlay_picture(none, one))[16, 16]
    assert plan_only[0] > plan_only[2]
    assert daily_only[2] > daily_only[0]
    assert plan_only + daily_only == pytest.approx(agree, abs=6.0)


def test_where_only_one_image_was_seen_it_is_gray() -> None:
    colored = decoded(overlay_picture(halves(0.5, 0.5), halves(0.5, np.nan)))
    assert np.ptp(colored[16, 56]) < 4.0
