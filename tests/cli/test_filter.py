"""`rheostat filter`, from files to files by way of a real daemon."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.conftest import Command
from cli.samples import ADOBE_RGB, exif, noise, notes_of, pixels_of, save, write
from packages import REPOSITORY
from PIL import Image
from rheostat_client import xmp
from rheostat_client.settings import Settings
from rheostatd.pictures import Picture, read_picture

PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pixels_change_and_the_file_says_how(
    rheostat: Command, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    said = rheostat("filter", "tiny", picture, out, "--set", "noise=30", "--set", "detail=0.6")
    assert "Tiny · noise 30 · detail 0.6" in said
    before, after = pixels_of(picture), pixels_of(out)
    assert after.shape == before.shape
    assert (after != before).any()
    record = rheostat("show", out, "--json").strip()
    settings = Settings.from_json(record)
    assert settings.controls == {"noise": 30, "detail": 0.6}
    assert settings.source == {"file": "picture.png"}
    assert settings.digest == rheostat.json("show", "tiny")["digest"]
    with Image.open(out) as image:
        assert xmp.find(image.info["xmp"]) == record
    assert "noise 30" in rheostat("show", out)


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no text")
def test_a_files_name_that_is_no_text_is_said_all_the_same(
    rheostat: Command, picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    odd = picture.rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    assert "caf\\udce9.png" in rheostat("filter", "tiny", odd, folder / odd.name)
    report = rheostat.json("filter", "tiny", odd, folder / odd.name, "--overwrite")
    assert odd.name in json.dumps(report, ensure_ascii=False)


def test_a_preset_of_the_plug_ins_is_a_beginning(
    rheostat: Command, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHEOSTAT_PRESETS", str(tmp_path))
    (tmp_path / "tiny.json").write_text('{"Grain": {"noise": 7, "detail": 0.5}}')
    words = ("filter", "tiny", picture, tmp_path / "out.png")
    rheostat(*words, "--preset", "Grain", "--set", "detail=0.9")
    settings = Settings.from_json(rheostat("show", tmp_path / "out.png", "--json"))
    assert settings.controls == {"noise": 7, "detail": 0.9}
    assert "no preset 'Sand'" in rheostat.error(*words, "--overwrite", "--preset", "Sand")


def test_a_painted_control_acts_where_the_paint_is(
    rheostat: Command, picture: Path, tmp_path: Path
) -> None:
    before = pixels_of(picture)
    paint = np.zeros((*before.shape[:2], 4), np.uint8)
    paint[..., :3] = 255
    paint[:, : paint.shape[1] // 2, 3] = 255  # white on the left, transparent on the right
    mask = write(tmp_path / "mask.png", paint)
    painted, whole = tmp_path / "painted.png", tmp_path / "whole.png"
    rheostat("filter", "tiny", picture, painted, "--set", "noise=40", "--map", f"noise={mask}")
    rheostat("filter", "tiny", picture, whole, "--set", "noise=40")
    middle, edge = paint.shape[1] // 2, 10  # the tiny network sees 9 pixels
    after, everywhere = pixels_of(painted), pixels_of(whole)
    assert np.array_equal(after[:, middle:], before[:, middle:])
    assert np.abs(after[:, : middle - edge].astype(int) - everywhere[:, : middle - edge]).max() <= 1
    assert (after[:, :middle] != before[:, :middle]).any()
    settings = Settings.from_json(rheostat("show", painted, "--json"))
    assert settings.maps == {"noise": {"file": "mask.png"}}


def test_what_a_control_should_be_is_found_for_each_picture(
    rheostat: Command, tmp_path: Path
) -> None:
    clean = pixels_of(PHOTOGRAPH).astype(float)
    (tmp_path / "in").mkdir()
    for sigma in (10, 30):
        spoilt = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
        write(tmp_path / "in" / f"{sigma}.png", spoilt.clip(0, 255).round().astype(np.uint8))
    done = rheostat.json("filter", "tiny", tmp_path / "in", tmp_path / "out", "--set", "noise=auto")
    for sigma, result in zip((10, 30), done, strict=True):
        assert result["controls"]["noise"] == pytest.approx(sigma, abs=1.5)
        assert result["controls"]["detail"] == 0.3
        record = Settings.from_json(rheostat("show", result["output"], "--json"))
        assert record.controls == result["controls"]


def test_a_jpeg_says_its_quality_itself_and_its_pixels_do_where_it_cannot(
    rheostat: Command, tmp_path: Path
) -> None:
    jpeg, png = tmp_path / "saved.jpg", tmp_path / "saved.png"
    with Image.open(PHOTOGRAPH) as image:
        image.convert("RGB").save(jpeg, quality=37)
    with Image.open(jpeg) as image:
        image.save(png)
    for saved in (jpeg, png):
        said = rheostat(
            "filter", "dejpeg", saved, tmp_path / f"{saved.suffix[1:]}.png", "--set", "quality=auto"
        )
        assert "quality 37" in said


def test_no_estimate_for_what_has_none(rheostat: Command, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    said = rheostat.error("filter", "tiny", picture, out, "--set", "detail=auto")
    assert "no estimate for 'detail'" in said
    assert "It has for: noise." in said
    small = write(tmp_path / "small.png", noise("rgb8", 5, 5))
    assert "by eye" in rheostat.error("filter", "tiny", small, out, "--set", "noise=auto")
    assert not out.exists()


@pytest.mark.parametrize(
    "form",
    ["gray8", "graya8", "rgb8", "rgba8", "gray16", "graya16", "rgb16", "rgba16", "rgb32f"],
)
def test_off_gives_the_very_pixels_and_depth_and_alpha_stay(
    rheostat: Command, tmp_path: Path, form: str
) -> None:
    suffix = ".tif" if form.endswith("f") else ".png"
    pixels = noise(form)
    source = write(tmp_path / f"in{suffix}", pixels)
    rheostat("filter", "tiny", source, tmp_path / f"off{suffix}", "--set", "noise=0")
    np.testing.assert_array_equal(pixels_of(tmp_path / f"off{suffix}"), pixels)
    rheostat("filter", "tiny", source, tmp_path / f"on{suffix}")
    result = pixels_of(tmp_path / f"on{suffix}")
    assert (result.dtype, result.shape) == (pixels.dtype, pixels.shape)
    assert (result != pixels).any()
    if pixels.shape[2] in (2, 4):
        np.testing.assert_array_equal(result[..., -1], pixels[..., -1])


@pytest.mark.parametrize("form", ["gray8", "rgb8", "rgba16", "rgb32f"])
def test_an_upscaler_makes_the_file_larger(rheostat: Command, tmp_path: Path, form: str) -> None:
    suffix = ".tif" if form.endswith("f") else ".png"
    pixels = noise(form, 9, 14)
    source = write(tmp_path / f"in{suffix}", pixels)
    (result,) = rheostat.json("filter", "upscaler", source, tmp_path / f"out{suffix}")
    after = pixels_of(tmp_path / f"out{suffix}")
    assert (result["width"], result["height"]) == (28, 18)
    assert (after.dtype, after.shape) == (pixels.dtype, (18, 28, pixels.shape[2]))


def test_an_upscaler_keeps_the_profile(rheostat: Command, tmp_path: Path) -> None:
    image = Image.fromarray(noise("rgba8", 9, 14))
    source = save(image, tmp_path / "in.png", exif(), icc_profile=ADOBE_RGB)
    rheostat("filter", "upscaler", source, tmp_path / "out.png")
    assert notes_of(tmp_path / "out.png")["icc"] == ADOBE_RGB
    assert pixels_of(tmp_path / "out.png").shape == (18, 28, 4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (13, 1), (9, 11)])
def test_odd_sizes(rheostat: Command, tmp_path: Path, shape: tuple[int, int]) -> None:
    source = write(tmp_path / "in.png", noise("rgb8", *shape))
    rheostat("filter", "tiny", source, tmp_path / "out.png")
    assert pixels_of(tmp_path / "out.png").shape == (*shape, 3)


def test_nothing_to_see_stays_as_it_is(rheostat: Command, tmp_path: Path) -> None:
    pixels = noise("rgba8")
    pixels[..., 3] = 0
    source = write(tmp_path / "in.png", pixels)
    rheostat("filter", "tiny", source, tmp_path / "out.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), pixels)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_wide_gamut_photograph_with_notes(rheostat: Command, tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise("rgb8"))
    source = save(image, tmp_path / f"in{suffix}", exif(orientation=6), icc_profile=ADOBE_RGB)
    (result,) = rheostat.json("filter", "tiny", source, tmp_path / f"out{suffix}")
    assert result["warnings"] == []
    before, after = notes_of(source), notes_of(tmp_path / f"out{suffix}")
    assert {**after, "xmp": before["xmp"]} == before
    rheostat("filter", "tiny", source, tmp_path / "off.png", "--set", "noise=0")
    np.testing.assert_array_equal(pixels_of(tmp_path / "off.png"), pixels_of(source))


def test_a_profile_changes_what_the_network_sees(rheostat: Command, tmp_path: Path) -> None:
    image = Image.fromarray(noise("rgb8"))
    image.save(tmp_path / "srgb.png")
    image.save(tmp_path / "adobe.png", icc_profile=ADOBE_RGB)
    for name in ("srgb", "adobe"):
        rheostat("filter", "tiny", tmp_path / f"{name}.png", tmp_path / f"{name}-out.png")
    plain, wide = (pixels_of(tmp_path / f"{name}-out.png") for name in ("srgb", "adobe"))
    assert (plain != wide).any()


def test_many_pictures_go_into_a_folder(rheostat: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, form in (("a.png", "rgb8"), ("b.tif", "rgb16"), ("c.png", "gray8")):
        write(tmp_path / "in" / name, noise(form))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    rheostat("filter", "tiny", tmp_path / "in", tmp_path / "out")
    assert files(tmp_path / "out") == ["a.png", "b.tif", "c.png"]
    rheostat("filter", "tiny", tmp_path / "in" / "a.png", tmp_path / "in" / "b.tif", tmp_path)
    for name in ("a.png", "b.tif"):
        same = pixels_of(tmp_path / name), pixels_of(tmp_path / "out" / name)
        np.testing.assert_array_equal(*same)


def test_one_bad_picture_of_many(rheostat: Command, tmp_path: Path, picture: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(picture.read_bytes()[:300])
    code, out, err = rheostat.run("filter", "tiny", bad, picture, tmp_path / "out", "--json")
    assert code == 1
    assert "bad.png is damaged" in err
    assert '"code": "bad-picture"' in out
    assert files(tmp_path / "out") == ["picture.png"]


def test_a_fault_of_ours_in_one_picture_stops_no_other_and_leaves_its_trace(
    rheostat: Command, tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> Picture:
        if path == odd:
            raise KeyError("unforeseen")
        return read_picture(path)

    odd = write(tmp_path / "odd.png", noise("rgb8"))
    monkeypatch.setattr("rheostatd.pictures.read_picture", fail)
    code, _, err = rheostat.run("filter", "tiny", odd, picture, tmp_path / "out")
    assert code == 1
    assert "odd.png could not be filtered (KeyError)" in err
    assert "Traceback" in err
    assert files(tmp_path / "out") == ["picture.png"]


def test_an_enlarged_picture_that_its_format_cannot_hold_stops_no_other(
    rheostat: Command, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for name, width in (("a.webp", 8200), ("b.webp", 64)):
        write(tmp_path / "in" / name, noise("rgb8", 8, width))
    said = rheostat.error("filter", "upscaler", tmp_path / "in", tmp_path / "out")
    assert "16383 pixels on a side, the picture has 16400" in said
    assert files(tmp_path / "out") == ["b.webp"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tinny", "IN", "OUT"], "no model 'tinny'. Did you mean tiny?"),
        (["damaged", "IN", "OUT"], "weights.safetensors is not the file"),
        (["forged", "IN", "OUT"], "golden picture deviates"),
        (["tiny", "IN", "OUT", "--set", "nose=1"], "no control 'nose'. Did you mean noise?"),
        (["tiny", "IN", "OUT", "--set", "noise=76"], "is 76; allowed is 0 to 75"),
        (["tiny", "IN", "OUT", "--set", "noise=-1"], "is -1; allowed is 0 to 75"),
        (["tiny", "IN", "OUT", "--set", "noise=nan"], "is nan; allowed is 0 to 75"),
        (["tiny", "IN", "OUT", "--set", "detail=inf"], "is inf; allowed is 0 to 1"),
        (["tiny", "nothing.png", "OUT"], "no file nothing.png"),
        (["tiny", __file__, "OUT"], "is not a picture"),
        (["tiny", "IN", "/nowhere/out.png"], "No such file or directory"),
        (["tiny", "IN", "/dev/null/out.png"], "Not a directory"),
        (["tiny", "IN", "/proc/out.png"], "cannot be written"),
        (["tiny", "IN", "out.gif"], "ends in '.gif'"),
        (["tiny", "IN", "IN"], "exists"),
        (["tiny", "IN", __file__, "/dev/null"], "cannot be made"),
        (["tiny", "IN", "IN", "new"], "Two of the pictures are called picture.png"),
    ],
)
def test_bad_input_is_a_sentence_and_no_file(
    rheostat: Command, picture: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    places = {"IN": str(picture), "OUT": str(tmp_path / "out.png")}
    before = picture.read_bytes()
    assert message in rheostat.error("filter", *(places.get(word, word) for word in words))
    assert files(tmp_path) == ["picture.png"]
    assert picture.read_bytes() == before


@pytest.mark.parametrize("value", ["noise", "noise=", "noise=a lot", "=3"])
def test_a_value_that_is_none_is_a_usage_error(
    rheostat: Command, picture: Path, tmp_path: Path, value: str
) -> None:
    words = ("filter", "tiny", picture, tmp_path / "o.png", "--set", "detail=1", "--set")
    code, _, err = rheostat.run(*words, value)
    assert code == 2
    assert repr(value) in err
    code, _, err = rheostat.run(*words, "detail=0")
    assert code == 2
    assert "detail is set twice" in err
    twice = ("--set", "noise=1", "--set", "noise=auto")
    code, _, err = rheostat.run("filter", "tiny", picture, tmp_path / "out.png", *twice)
    assert (code, "noise is set twice" in err) == (2, True)


def test_nothing_is_replaced_unless_asked(rheostat: Command, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    rheostat("filter", "tiny", picture, out)
    first = out.read_bytes()
    assert "--overwrite" in rheostat.error("filter", "tiny", picture, out, "--set", "noise=9")
    assert out.read_bytes() == first
    rheostat("filter", "tiny", picture, out, "--set", "noise=9", "--overwrite")
    assert out.read_bytes() != first
    again = pixels_of(out)
    rheostat("filter", "tiny", picture, picture, "--set", "noise=9", "--overwrite")
    np.testing.assert_array_equal(pixels_of(picture), again)


def test_lost_depth_is_told_and_done(rheostat: Command, tmp_path: Path) -> None:
    source = write(tmp_path / "in.png", noise("rgb16"))
    (result,) = rheostat.json("filter", "tiny", source, tmp_path / "out.jpg")
    assert "JPEG holds 8 bits" in result["warnings"][0]
    assert pixels_of(tmp_path / "out.jpg").dtype == np.uint8


@contextlib.contextmanager
def rendering(rheostat: Command, tmp_path: Path) -> Any:
    """A render of `slow` that will take a while, seen running in the daemon."""
    source = write(tmp_path / "in.png", noise("rgb8", 900, 900))
    with rheostat.start("filter", "slow", source, tmp_path / "out.png") as process:
        while not (status := rheostat.json("status")).get("jobs", {}).get("running"):
            assert process.poll() is None, process.communicate()
        yield process, status


def test_killed_daemon(rheostat: Command, tmp_path: Path, picture: Path) -> None:
    with rendering(rheostat, tmp_path) as (process, status):
        os.kill(status["pid"], signal.SIGKILL)
        _, err = process.communicate(timeout=3)
    assert process.returncode == 1
    assert err.startswith("error: ")
    assert str(status["pid"]) in err
    assert files(tmp_path) == ["in.png", "picture.png"]
    rheostat("filter", "tiny", picture, tmp_path / "next.png")
    assert rheostat.json("status")["pid"] != status["pid"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_command_stops_its_job(
    rheostat: Command, tmp_path: Path, number: signal.Signals
) -> None:
    with rendering(rheostat, tmp_path) as (process, status):
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert (out, err) == ("", "")
    while rheostat.json("status")["jobs"]["running"]:
        time.sleep(0.05)
    assert files(tmp_path) == ["in.png"]
    assert rheostat.json("status")["pid"] == status["pid"]


def test_progress_is_for_terminals(rheostat: Command, picture: Path, tmp_path: Path) -> None:
    code, _, err = rheostat.run("filter", "tiny", picture, tmp_path / "out.png")
    assert (code, err) == (0, "")


def test_output_that_nobody_reads(rheostat: Command, picture: Path, tmp_path: Path) -> None:
    """A closed pipe, as `| head` leaves it, is no traceback."""
    with rheostat.start("filter", "tiny", picture, tmp_path / "out.png") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert pixels_of(tmp_path / "out.png").shape == pixels_of(picture).shape
