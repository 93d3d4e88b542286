"""Fixtures for packages/core/src/image: what Pillow, numpy and diffusers make of the same pixels.

    python tools/reference/images.py

writes fixtures/images/{png,png-text,resize,tensor}.json. PNG files of the kinds that Pillow does
not write (interlaced, 16 bits of colour, 2 and 4 bits of grey) are put together here by the PNG
specification, and every one that Pillow reads whole is checked against Pillow before it is kept.
"""

import base64
import hashlib
import io
import json
import struct
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image, PngImagePlugin

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "images"
VERSIONS = {name: version(name) for name in ("pillow", "numpy", "torch", "diffusers")}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def write(name: str, content: dict) -> None:
    path = OUT / name
    path.write_text(json.dumps({"versions": VERSIONS, **content}, indent=1) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def noise_bytes(count: int, seed: int) -> bytes:
    """A linear congruential generator that the tests repeat (Numerical Recipes' constants)."""
    out = bytearray(count)
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return bytes(out)


# --- PNG ---------------------------------------------------------------------------------------

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(row: np.ndarray, depth: int) -> bytes:
    """A row of samples [pixels, channels], packed as the specification's section 7.2 says."""
    flat = row.reshape(-1)
    if depth == 16:
        return flat.astype(">u2").tobytes()
    if depth == 8:
        return flat.astype(np.uint8).tobytes()
    bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(bits.reshape(-1)).tobytes()


def paeth(a: int, b: int, c: int) -> int:
    p = a + b - c
    distances = (abs(p - a), abs(p - b), abs(p - c))
    return (a, b, c)[distances.index(min(distances))]


def filter_rows(rows: list[bytes], bytes_per_pixel: int, first_filter: int) -> bytes:
    """Filters rows with all five filters in turn."""
    out = bytearray()
    previous = bytes(len(rows[0]))
    for y, row in enumerate(rows):
        kind = (first_filter + y) % 5
        out.append(kind)
        for i, value in enumerate(row):
            a = row[i - bytes_per_pixel] if i >= bytes_per_pixel else 0
            c = previous[i - bytes_per_pixel] if i >= bytes_per_pixel else 0
            b = previous[i]
            out.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) % 256)
        previous = row
    return bytes(out)


def build_png(
    samples: np.ndarray, colour_type: int, depth: int, interlaced: bool, extra: bytes = b"", idats: int = 2
) -> bytes:
    """samples: [height, width, channels] in the depth's own range."""
    height, width, channels = samples.shape
    bytes_per_pixel = max(1, channels * depth // 8)
    if interlaced:
        raw = b""
        for number, (x, y, dx, dy) in enumerate(ADAM7):
            part = samples[y::dy, x::dx]
            if part.size:
                raw += filter_rows([pack_row(row, depth) for row in part], bytes_per_pixel, number)
    else:
        raw = filter_rows([pack_row(row, depth) for row in samples], bytes_per_pixel, 0)
    stream = zlib.compress(raw, 9)
    cuts = [len(stream) * k // idats for k in range(idats + 1)]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + b"".join(chunk(b"IDAT", stream[a:b]) for a, b in zip(cuts, cuts[1:]))
        + chunk(b"IEND", b"")
    )


def to_eight_bits(samples: np.ndarray, depth: int) -> np.ndarray:
    """floor(sample * 255 / (2^depth - 1) + 0.5), the specification's section 12.4, in integers."""
    top = 2**depth - 1
    return ((samples.astype(np.int64) * 255 * 2 + top) // (2 * top)).astype(np.uint8)


def expected_rgba(samples: np.ndarray, colour_type: int, depth: int, palette=None, key=None) -> np.ndarray:
    height, width, channels = samples.shape
    out = np.full((height, width, 4), 255, np.uint8)
    if colour_type == 3:
        table = np.full((2**depth, 4), 255, np.uint8)
        table[: len(palette)] = palette
        return table[samples[..., 0]]
    eight = to_eight_bits(samples, depth)
    if channels < 3:
        out[..., :3] = eight[..., :1]
    else:
        out[..., :3] = eight[..., :3]
    if channels in (2, 4):
        out[..., 3] = eight[..., -1]
    if key is not None:
        out[..., 3] = np.where((samples == np.array(key)).all(-1), 0, 255)
    return out


def check_with_pillow(name: str, png: bytes, expected: np.ndarray, depth: int) -> None:
    with Image.open(io.BytesIO(png)) as image:
        if depth < 16:
            seen = np.array(image.convert("RGBA"))
            # Pillow compares a grey key of 2 or 4 bits with the sample after scaling it to 8.
            channels = 3 if "transparent" in name and depth in (2, 4) else 4
            assert np.array_equal(seen[..., :channels], expected[..., :channels]), name
        elif image.mode == "I;16":
            assert np.array_equal(to_eight_bits(np.array(image), 16), expected[..., 0]), name
        # Pillow keeps the upper byte of 16-bit colour and refuses none of it: nothing to compare.


def png_cases() -> None:
    rng = np.random.default_rng(7)
    cases = []

    def keep(name, samples, colour_type, depth, interlaced, extra=b"", palette=None, key=None, idats=2):
        png = build_png(samples, colour_type, depth, interlaced, extra, idats)
        expected = expected_rgba(samples, colour_type, depth, palette, key)
        check_with_pillow(name, png, expected, depth)
        height, width, _ = samples.shape
        cases.append(
            {"name": name, "png": b64(png), "width": width, "height": height, "rgba": b64(expected.tobytes())}
        )

    def draw(height, width, channels, depth):
        """A ramp with noise, so that every filter has something to predict and to miss."""
        top = 2**depth - 1
        ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * (1 + np.arange(channels))
        noisy = ramp * top // 24 + rng.integers(0, max(2, top // 16), (height, width, channels))
        return noisy % (top + 1)

    for colour_type, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                kind = f"colour type {colour_type}, {depth} bits, {'interlaced' if interlaced else 'plain'}"
                samples = draw(9, 11, CHANNELS[colour_type], depth)
                if colour_type != 3:
                    keep(kind, samples, colour_type, depth, interlaced)
                    continue
                entries = 2**depth
                palette = rng.integers(0, 256, (entries, 4)).astype(np.uint8)
                palette[entries * 2 // 3 :, 3] = 255
                alpha = palette[: entries * 2 // 3, 3].tobytes()
                chunks = chunk(b"PLTE", palette[:, :3].tobytes()) + chunk(b"tRNS", alpha)
                keep(kind, samples, colour_type, depth, interlaced, chunks, palette)

    opaque = rng.integers(0, 256, (6, 4)).astype(np.uint8)
    opaque[:, 3] = 255
    keep(
        "palette of 6 colours without tRNS",
        rng.integers(0, 6, (5, 7, 1)), 3, 4, False, chunk(b"PLTE", opaque[:, :3].tobytes()), opaque,
    )
    for depth in DEPTHS[0]:
        samples = draw(5, 6, 1, depth)
        key = int(samples[2, 3, 0])
        extra = chunk(b"tRNS", struct.pack(">H", key))
        keep(f"grey, {depth} bits, with a transparent colour", samples, 0, depth, False, extra, key=[key])
    for depth in DEPTHS[2]:
        samples = draw(5, 6, 3, depth)
        key = [int(v) for v in samples[1, 4]]
        # A neighbour that equals the key in its upper byte alone must stay opaque.
        samples[1, 5] = key
        samples[1, 5, 2] ^= 1
        extra = chunk(b"tRNS", struct.pack(">HHH", *key))
        keep(f"colour, {depth} bits, with a transparent colour", samples, 2, depth, True, extra, key=key)

    for width, height in ((1, 1), (1, 9), (9, 1), (2, 3), (5, 4)):
        keep(f"interlaced {width} x {height}, 1 bit", draw(height, width, 1, 1), 0, 1, True)
        keep(f"interlaced {width} x {height}, 8 bits of colour", draw(height, width, 3, 8), 2, 8, True)
    ramp = np.arange(0, 65536, 64, dtype=np.int64).reshape(16, 64, 1)
    ramp[:, 1:] -= rng.integers(0, 64, (16, 63, 1))
    keep("grey, 16 bits, every rounding", ramp, 0, 16, False)
    # Few levels, so that the predictors' ties come up.
    keep("grey, 8 bits, ties", rng.integers(0, 6, (30, 24, 1)), 0, 8, False)
    keep("pixel data in 40 chunks", draw(8, 8, 4, 8), 6, 8, False, idats=40)

    for mode, colour in (("RGBA", (200, 10, 30, 90)), ("RGB", (1, 2, 3)), ("L", 77), ("P", 3), ("1", 1)):
        image = Image.new(mode, (40, 30), colour)
        if mode == "P":
            image.putpalette(bytes(range(48)))
        image.paste(0, (5, 6, 20, 22))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        cases.append(
            {
                "name": f"Pillow's own, mode {mode}",
                "png": b64(buffer.getvalue()),
                "width": 40,
                "height": 30,
                "rgba_sha256": hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest(),
            }
        )
    write("png.json", {"cases": cases})


# --- Text in PNG -------------------------------------------------------------------------------


def text_cases() -> None:
    image = Image.new("RGB", (2, 2), (9, 8, 7))
    long = "a very long text, " * 40
    cases = []
    for name, entries in (
        ("Latin-1", [("Title", "caf\u00e9 \u00b1\u0080\u009f", {})]),
        ("two lines", [("parameters", "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler, Seed: 1", {})]),
        ("other scripts", [("parameters", "\u732b and \U0001f34e", {})]),
        ("compressed", [("Comment", long, {"zip": True})]),
        ("compressed, other scripts", [("Comment", long + "\u732b", {"zip": True})]),
        ("empty", [("Comment", "", {})]),
        ("three", [("a", "1", {}), ("b", "\u4e8c", {}), ("c", "3", {"zip": True})]),
    ):
        info = PngImagePlugin.PngInfo()
        for keyword, text, options in entries:
            info.add_text(keyword, text, **options)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=info)
        with Image.open(io.BytesIO(buffer.getvalue())) as seen:
            seen.load()
            assert seen.text == {keyword: text for keyword, text, _ in entries}, name
        cases.append(
            {"name": name, "png": b64(buffer.getvalue()), "text": [[k, t] for k, t, _ in entries]}
        )
    write("png-text.json", {"cases": cases})


# --- Resizing ----------------------------------------------------------------------------------

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


def resize_cases() -> None:
    cases = []

    def keep(name, image, width, height, seed, whole):
        for filter_name, resample in FILTERS.items():
            out = image.resize((width, height), resample).convert("RGBA").tobytes()
            case = {
                "name": f"{name}: {image.width} x {image.height} to {width} x {height}, {filter_name}",
                "source": {"width": image.width, "height": image.height, "mode": image.mode, "seed": seed},
                "width": width,
                "height": height,
                "filter": filter_name,
                "sha256": hashlib.sha256(out).hexdigest(),
            }
            if whole:
                case["rgba"] = b64(out)
            cases.append(case)

    def source(mode, width, height, seed):
        channels = 4 if mode == "RGBA" else 3
        return Image.frombytes(mode, (width, height), noise_bytes(width * height * channels, seed))

    keep("smaller", source("RGB", 37, 29, 1), 16, 12, 1, True)
    keep("smaller, with alpha", source("RGBA", 37, 29, 2), 13, 11, 2, True)
    keep("larger, with alpha", source("RGBA", 7, 5, 3), 19, 16, 3, True)
    keep("one row", source("RGB", 31, 1, 4), 8, 1, 4, True)
    for number, (mode, old, new) in enumerate(
        (
            ("RGB", (640, 480), (512, 512)),
            ("RGB", (333, 500), (64, 64)),
            ("RGB", (64, 64), (512, 256)),
            ("RGBA", (200, 300), (301, 77)),
            ("RGBA", (128, 96), (128, 40)),
            ("RGBA", (96, 128), (41, 128)),
            ("RGB", (1, 1), (9, 4)),
            ("RGB", (500, 3), (1, 1)),
            ("RGB", (17, 2000), (3, 7)),
            ("RGB", (13, 11), (977, 5)),
            ("RGBA", (24, 24), (24, 24)),
            # Pillow 13 goes columns first where the height shrinks by more than twice as many
            # pixels as the width; these two lie on either side.
            ("RGB", (40, 50), (30, 30)),
            ("RGB", (40, 50), (30, 29)),
            ("RGB", (30, 4000), (900, 20)),
        )
    ):
        keep("large", source(mode, *old, 100 + number), *new, 100 + number, False)
    write("resize.json", {"cases": cases})


# --- Tensors -----------------------------------------------------------------------------------


def tensor_cases() -> None:
    processor = VaeImageProcessor(vae_scale_factor=1)
    levels = np.arange(256, dtype=np.uint8)
    grey = Image.fromarray(np.stack([levels.reshape(16, 16)] * 3, -1))
    table = processor.preprocess(grey)[0, 0].reshape(-1).numpy()

    rgb = Image.frombytes("RGB", (5, 3), noise_bytes(45, 11))
    layout = processor.preprocess(rgb).numpy()

    # Where a sample lands between two levels: the tie itself, and its neighbours in float32.
    ties = ((np.arange(255) + 0.5) / 255 * 2 - 1).astype(np.float32)
    rng = np.random.default_rng(3)
    values = np.concatenate(
        [
            ties,
            np.nextafter(ties, np.float32(-9)),
            np.nextafter(ties, np.float32(9)),
            table,
            rng.normal(0, 1, 400).astype(np.float32),
            np.array([-1, 1, 0, -0.0, 1e-30, -7, 7, np.inf, -np.inf], np.float32),
        ]
    )
    values = np.resize(values, 3 * 20 * 25).astype(np.float32).reshape(1, 3, 20, 25)
    # Flipped, so that the second picture differs from the first.
    values = np.concatenate([values, values[:, ::-1].copy()])
    pictures = processor.postprocess(torch.from_numpy(values), output_type="pil")

    alpha, colour = np.meshgrid(levels, levels, indexing="ij")
    straight = np.stack([colour, colour, colour, alpha], -1).astype(np.uint8)
    white = Image.new("RGBA", (256, 256), (255, 255, 255, 255))
    flat = np.array(Image.alpha_composite(white, Image.fromarray(straight)))
    assert (flat[..., 3] == 255).all()
    write(
        "tensor.json",
        {
            "levels": b64(table.astype("<f4").tobytes()),
            "layout": {"width": 5, "height": 3, "seed": 11, "values": b64(layout.astype("<f4").tobytes())},
            "pictures": {
                "dims": list(values.shape),
                "values": b64(zlib.compress(values.astype("<f4").tobytes(), 9)),
                "rgb": [b64(zlib.compress(np.array(picture).tobytes(), 9)) for picture in pictures],
            },
            "on_white": {
                "about": "row alpha, column colour: Pillow's alpha_composite onto white, one byte each",
                "sha256": hashlib.sha256(flat[..., 0].tobytes()).hexdigest(),
                "alpha_100": b64(flat[100, :, 0].tobytes()),
            },
        },
    )


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    png_cases()
    text_cases()
    resize_cases()
    tensor_cases()
