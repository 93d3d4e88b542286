"""Fixtures for packages/controlnet/src/hints: what OpenCV, numpy and Pillow make of the same pixels.

    python tools/reference/hints.py                       # fixtures/hints/*.json
    python tools/reference/hints.py --pictures DATA       # the source pictures too

In an environment of its own, since OpenCV 4.12 wants an older numpy than requirements.txt has:

    pip install opencv-python-headless==4.12.0.88 numpy==2.2.6 pillow==13.0.0

The annotators' arithmetic (controlnet_aux, ControlNet 1.1, T2I-Adapter) is written out here from
what they publish, over OpenCV. DATA is the folder skimage/data of scikit-image's wheel, which ships
the photographs (fixtures/hints/pictures/README.md tells their licences).

4.12.0 is the last OpenCV that draws thick lines as every one before it did. With 4.14.0 and 5.0.0
everything comes out the same to the bit (x86-64 with AVX2), except that those cut thick lines to
the picture before they draw them, which moves the ones that leave it by up to a pixel, and that
they round the last columns of a float32 blur, short of a vector, in another order.
"""

import argparse
import base64
import hashlib
import json
import math
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image, ImageDraw

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "hints"
PICTURES = OUT / "pictures"
VERSIONS = {"opencv": cv2.__version__, "numpy": np.__version__, "pillow": PIL.__version__}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def packed(array: np.ndarray) -> str:
    """Bytes, deflated."""
    return b64(zlib.compress(np.ascontiguousarray(array).tobytes(), 9))


def bits(array: np.ndarray) -> str:
    """A map of 0 and 255, one bit a pixel, the first the highest, deflated."""
    assert set(np.unique(array)) <= {0, 255}
    return packed(np.packbits(array.reshape(-1) == 255))


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def write(name: str, content: dict) -> None:
    path = OUT / name
    path.write_text(json.dumps({"versions": VERSIONS, **content}, indent=1) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def picture(name: str) -> np.ndarray:
    with Image.open(PICTURES / f"{name}.png") as image:
        return np.array(image.convert("RGB"))


def noise(count: int, seed: int) -> np.ndarray:
    """A linear congruential generator that the tests repeat (Numerical Recipes' constants)."""
    out = np.empty(count, np.uint8)
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return out


def crop(image: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    return np.ascontiguousarray(image[y : y + height, x : x + width])


# --- Source pictures ---------------------------------------------------------------------------


def make_pictures(data: Path) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)

    def save(name: str, image: Image.Image) -> None:
        path = PICTURES / f"{name}.png"
        image.save(path, optimize=True)
        print(f"{path.name}: {image.size}, {path.stat().st_size} bytes")

    def photo(name: str, mode: str = "RGB") -> Image.Image:
        with Image.open(data / f"{name}.png") as image:
            return image.convert(mode)

    save("astronaut", photo("astronaut").resize((240, 240), Image.Resampling.LANCZOS))
    save("coffee", photo("coffee").resize((192, 128), Image.Resampling.LANCZOS))
    save("chelsea", photo("chelsea").resize((151, 100), Image.Resampling.LANCZOS))
    save("camera", photo("camera", "L").resize((240, 240), Image.Resampling.LANCZOS))
    save("brick", photo("brick", "L").crop((96, 96, 352, 352)))
    save("sheet", draw_sheet())


def draw_sheet() -> Image.Image:
    """A drawn sheet: a house, a tree and a sun, in lines of several widths, anti-aliased."""
    scale = 4
    image = Image.new("L", (240 * scale, 180 * scale), 255)
    draw = ImageDraw.Draw(image)

    def line(points, width):
        draw.line([(x * scale, y * scale) for x, y in points], fill=0, width=width * scale, joint="curve")

    line([(30, 160), (30, 80), (80, 40), (130, 80), (130, 160), (30, 160)], 3)
    line([(30, 80), (130, 80)], 2)
    line([(65, 160), (65, 115), (95, 115), (95, 160)], 2)
    line([(42, 95), (58, 95), (58, 110), (42, 110), (42, 95)], 1)
    line([(102, 95), (118, 95), (118, 110), (102, 110), (102, 95)], 1)
    line([(185, 160), (185, 110)], 4)
    for radius, width in ((32, 3), (20, 1)):
        box = [(185 - radius) * scale, (80 - radius) * scale, (185 + radius) * scale, (80 + radius) * scale]
        draw.ellipse(box, outline=0, width=width * scale)
    box = [(16 - 10) * scale, (20 - 10) * scale, (16 + 10) * scale, (20 + 10) * scale]
    draw.ellipse(box, outline=60, width=2 * scale)
    line([(5, 165), (235, 165)], 2)
    for x in range(8, 235, 9):
        line([(x, 172), (x + 5, 169)], 1)
    return image.resize((240, 180), Image.Resampling.LANCZOS)


# --- Filters -----------------------------------------------------------------------------------


def hwc3(rgba: np.ndarray) -> np.ndarray:
    """controlnet_aux's flattening of transparency."""
    colour = rgba[..., :3].astype(np.float32)
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    return (colour * alpha + 255.0 * (1.0 - alpha)).clip(0, 255).astype(np.uint8)


def flatten_cases() -> None:
    levels = np.arange(256, dtype=np.uint8)
    alpha, colour = np.meshgrid(levels, levels, indexing="ij")
    flat = hwc3(np.stack([colour, colour, colour, alpha], -1))
    grey = np.array(Image.fromarray(picture("astronaut")).convert("L"))
    write(
        "flatten.json",
        {
            "about": "row alpha, column colour, one byte each; and the grey of astronaut.png",
            "on_white": {"sha256": sha(flat[..., 0]), "alpha_100": b64(flat[100, :, 0].tobytes())},
            "grey_sha256": sha(grey),
        },
    )


def blur_cases() -> None:
    source = picture("astronaut")[..., 0]
    floats, whole = [], []
    for sigma in (0.3, 0.4, 0.5, 1.0, 3.0, 5.0, 6.0):
        # Rows of 16 leave no rest to vectors of any width.
        for x, y, width, height in ((60, 40, 48, 30), (90, 100, 16, 5)):
            out = cv2.GaussianBlur(crop(source, x, y, width, height).astype(np.float32), (0, 0), sigma)
            floats.append({"crop": [x, y, width, height], "sigma": sigma, "exact": True, "values": packed(out)})
    for sigma, area in ((6.0, (61, 41, 37, 20)), (0.5, (61, 41, 37, 20)), (5.0, (7, 9, 1, 40)), (3.0, (7, 9, 40, 1)), (2.0, (9, 9, 1, 1))):
        out = cv2.GaussianBlur(crop(source, *area).astype(np.float32), (0, 0), sigma)
        floats.append({"crop": list(area), "sigma": sigma, "exact": False, "values": packed(out)})
    for sigma in (0.3, 0.5, 0.8, 1.0, 3.0, 5.0, 9.5):
        for area in ((60, 40, 50, 37), (3, 5, 7, 9), (7, 9, 1, 40), (7, 9, 40, 1), (9, 9, 1, 1)):
            out = cv2.GaussianBlur(crop(source, *area), (0, 0), sigma)
            whole.append({"crop": list(area), "sigma": sigma, "values": packed(out)})
    write("blur.json", {"picture": "astronaut", "floats": floats, "bytes": whole})


def resize_cases() -> None:
    cases = []

    def keep(name, source, made, width, height, how, whole=False):
        out = cv2.resize(source, (width, height), interpolation=how)
        names = {cv2.INTER_AREA: "area", cv2.INTER_LANCZOS4: "lanczos4"}
        case = {"name": f"{name} to {width} x {height}, {names[how]}", "source": made, "width": width, "height": height}
        case |= {"filter": names[how], "sha256": sha(out)}
        if whole:
            case["rgb"] = packed(out)
        cases.append(case)

    def noisy(width, height, seed):
        return noise(3 * width * height, seed).reshape(height, width, 3), {"width": width, "height": height, "seed": seed}

    for seed, (old, new) in enumerate(
        (
            ((37, 29), (16, 12)), ((64, 48), (32, 24)), ((96, 60), (32, 20)), ((64, 60), (16, 30)), ((333, 200), (64, 64)),
            ((200, 200), (199, 200)), ((130, 70), (128, 70)), ((70, 70), (1, 1)), ((5, 300), (3, 64)),
            # One side larger: two taps.
            ((100, 60), (90, 64)), ((60, 100), (64, 99)), ((512, 70), (512, 64)), ((63, 65), (64, 64)), ((3, 9), (5, 9)),
        )
    ):
        source, made = noisy(*old, 200 + seed)
        keep(f"noise {old[0]} x {old[1]}", source, made, *new, cv2.INTER_AREA, seed < 3)
    for seed, (old, new) in enumerate(
        (
            ((7, 5), (19, 16)), ((1, 1), (4, 4)), ((2, 3), (64, 64)), ((37, 29), (64, 64)), ((93, 67), (61, 200)),
            ((50, 50), (51, 49)), ((200, 120), (64, 40)), ((64, 64), (128, 128)), ((9, 300), (64, 301)),
            # A weight here tells float32 from double precision.
            ((10, 35), (176, 186)),
        )
    ):
        source, made = noisy(*old, 300 + seed)
        keep(f"noise {old[0]} x {old[1]}", source, made, *new, cv2.INTER_LANCZOS4, seed < 2)

    fits = []
    for width, height, resolution in (
        (240, 240, 512), (640, 480, 512), (512, 700, 512), (700, 512, 512), (513, 512, 512), (300, 200, 256),
        (96, 64, 64), (480, 480, 512), (1000, 333, 128), (544, 544, 512), (864, 512, 512), (70, 400, 64), (64, 64, 64),
    ):
        source = noise(3 * width * height, width + height).reshape(height, width, 3)
        out = fit(source, resolution)
        case = {"width": width, "height": height, "seed": width + height, "resolution": resolution}
        fits.append(case | {"newWidth": out.shape[1], "newHeight": out.shape[0], "sha256": sha(out)})
    write("resize.json", {"cases": cases, "fits": fits})


def fit(image: np.ndarray, resolution: int) -> np.ndarray:
    """controlnet_aux's resize_image."""
    height, width = image.shape[:2]
    k = float(resolution) / min(float(height), float(width))
    height, width = (int(np.round(side * k / 64.0)) * 64 for side in (float(height), float(width)))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LANCZOS4 if k > 1 else cv2.INTER_AREA)


# --- Edges and lines ---------------------------------------------------------------------------


def canny_cases() -> None:
    cases = []

    def keep(name, image, made, low=100, high=200, l2=False):
        edges = cv2.Canny(image, low, high, apertureSize=3, L2gradient=l2)
        case = {"name": f"{name}, {low} to {high}{', L2' if l2 else ''}", "source": made}
        cases.append(case | {"low": low, "high": high, "l2": l2, "edges": bits(edges), "count": int((edges == 255).sum())})

    for name in ("astronaut", "coffee", "chelsea", "camera", "brick", "sheet"):
        image = picture(name)
        made = {"picture": name}
        keep(name, image, made)
        keep(name, image, made, 50, 100)
        keep(name, image, made, 100, 200, True)
        fitted = fit(image, 512 if name == "astronaut" else 256)
        keep(f"{name}, fitted", fitted, made | {"fit": 512 if name == "astronaut" else 256})
    image = picture("astronaut")
    for low, high, l2 in ((0, 0, False), (0, 255, False), (20, 30, False), (200, 200, False), (100.5, 200.9, False),
                          (37.3, 90.7, True), (0, 1000, False), (2040, 2040, False), (500, 30000, True)):
        keep("astronaut", image, {"picture": "astronaut"}, low, high, l2)
    for area in ((100, 30, 1, 1), (100, 30, 1, 50), (100, 30, 50, 1), (100, 30, 2, 2), (90, 30, 3, 60), (90, 30, 33, 17), (11, 3, 99, 131)):
        keep(f"crop {area}", crop(image, *area), {"picture": "astronaut", "crop": list(area)}, 40, 80)
    for width, height, seed in ((64, 64, 1), (37, 91, 2), (128, 5, 3)):
        source = noise(3 * width * height, seed).reshape(height, width, 3)
        keep(f"noise {width} x {height}", source, {"width": width, "height": height, "seed": seed}, 600, 900)
        keep(f"noise {width} x {height}", source, {"width": width, "height": height, "seed": seed}, 300, 500, True)
    write("canny.json", {"cases": cases})


def lineart_standard(image: np.ndarray, sigma: float = 6.0, threshold: float = 8) -> np.ndarray:
    x = image.astype(np.float32)
    g = cv2.GaussianBlur(x, (0, 0), sigma)
    intensity = np.min(g - x, axis=2).clip(0, 255)
    strong = intensity[intensity > threshold]
    intensity /= max(16, np.median(strong)) if strong.size else 16
    intensity *= 127
    return intensity.clip(0, 255).astype(np.uint8)


def xdog(image: np.ndarray, threshold: int = 32, width=np.int16) -> np.ndarray:
    """In 8 bits (width=np.uint8) it is what the annotator computes, which turns over at 256."""
    g1 = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.5)
    g2 = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 5.0)
    dog = (255 - np.min(g2 - g1, axis=2)).clip(0, 255).astype(np.uint8)
    difference = (255 - dog).astype(width)
    out = np.zeros(dog.shape, np.uint8)
    out[width(2) * difference > threshold] = 255
    if width is np.int16:
        turned = xdog(image, threshold, np.uint8)
        if threshold == 32:
            assert ((out != turned) == ((difference >= 128) & (difference <= 144))).all()
    return out


def soft_scribble(edges: np.ndarray, threshold: float = 127, sigma: float = 3.0) -> np.ndarray:
    """The scribble of controlnet_aux's HED from a map of soft edges."""
    x = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), sigma)
    lines = ([[0, 0, 0], [1, 1, 1], [0, 0, 0]], [[0, 1, 0]] * 3, np.eye(3), np.eye(3)[::-1])
    y = np.zeros_like(x)
    for line in lines:
        np.putmask(y, cv2.dilate(x, kernel=np.array(line, np.uint8)) == x, x)
    z = np.zeros(y.shape, np.uint8)
    z[y > threshold] = 255
    z = cv2.GaussianBlur(z, (0, 0), sigma)
    return np.where(z > 4, 255, 0).astype(np.uint8)


def soft_edges(image: np.ndarray) -> np.ndarray:
    """What stands in for a soft edge detector's map: bold line art."""
    return np.minimum(255, 4 * lineart_standard(image).astype(int)).astype(np.uint8)


def line_cases() -> None:
    standard, dogs, scribbles, sheets = [], [], [], []
    for name in ("astronaut", "coffee", "camera", "sheet", "chelsea"):
        image = picture(name)
        made = {"picture": name}
        standard.append({"source": made, "sigma": 6, "threshold": 8, "lines": packed(lineart_standard(image))})
        dogs.append({"source": made, "threshold": 32, "lines": bits(xdog(image))})
        scribbles.append({"source": made, "threshold": 127, "sigma": 3, "lines": bits(soft_scribble(soft_edges(image)))})
    image = picture("coffee")
    standard.append({"source": {"picture": "coffee"}, "sigma": 2.5, "threshold": 30, "lines": packed(lineart_standard(image, 2.5, 30))})
    standard.append({"source": {"picture": "coffee"}, "sigma": 6, "threshold": 255, "lines": packed(lineart_standard(image, 6, 255))})
    dogs.append({"source": {"picture": "coffee"}, "threshold": 100, "lines": bits(xdog(image, 100))})
    lines = bits(soft_scribble(soft_edges(image), 60, 1.5))
    scribbles.append({"source": {"picture": "coffee"}, "threshold": 60, "sigma": 1.5, "lines": lines})
    for name in ("sheet", "coffee"):
        image = picture(name)
        drawn = np.where(np.min(image, axis=2) < 127, 255, 0).astype(np.uint8)
        sheets.append({"picture": name, "inverted_sha256": sha(255 - image), "scribble": bits(drawn)})
    medians = []
    for count, seed in ((1, 1), (2, 2), (7, 3), (1000, 4), (1001, 5)):
        values = noise(count, seed).astype(np.float32) * np.float32(1.0371)
        strong = values[values > 8]
        medians.append({"count": count, "seed": seed, "median": float(np.median(strong)) if strong.size else None})
    write("lines.json", {"standard": standard, "xdog": dogs, "soft": scribbles, "sheets": sheets, "medians": medians})


# --- Drawing -----------------------------------------------------------------------------------


def raster_cases() -> None:
    """Lines, discs, thick lines and ellipses, each on a canvas of its own colour by number."""
    rng = np.random.default_rng(11)
    cases = []

    def keep(kind, width, height, shapes, draw):
        canvas = np.zeros((height, width, 3), np.uint8)
        for number, shape in enumerate(shapes):
            draw(canvas, shape, (int(number * 37 % 255 + 1), int(number % 256), 200))
        cases.append({"kind": kind, "width": width, "height": height, "shapes": shapes, "rgb": packed(canvas)})

    def points(count, width, height, beyond):
        x = rng.integers(-beyond, width + beyond, (count, 2))
        y = rng.integers(-beyond, height + beyond, (count, 2))
        return np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], -1).tolist()

    def line(canvas, shape, colour):
        cv2.line(canvas, tuple(shape[:2]), tuple(shape[2:]), colour, 1)

    def thick(canvas, shape, colour):
        cv2.line(canvas, tuple(shape[:2]), tuple(shape[2:]), colour, thickness=2)

    def disc(canvas, shape, colour):
        cv2.circle(canvas, tuple(shape[:2]), shape[2], colour, thickness=-1)

    def ellipse(canvas, shape, colour):
        x, y, along, across, angle = shape
        cv2.fillConvexPoly(canvas, cv2.ellipse2Poly((x, y), (along, across), angle, 0, 360, 1), colour)

    flat = [[3, 4, 60, 4], [5, 9, 5, 40], [7, 50, 7, 50], [60, 60, 10, 10], [10, 61, 61, 10]]
    keep("line", 64, 64, flat + points(30, 64, 64, 0), line)
    keep("line", 97, 41, points(60, 97, 41, 300), line)
    keep("thick", 64, 64, flat + points(30, 64, 64, 0), thick)
    keep("thick", 97, 41, points(60, 97, 41, 60), thick)
    keep("thick", 50, 70, points(60, 50, 70, 5000), thick)
    discs = [[int(x), int(y), int(r)] for x, y, r in zip(rng.integers(-9, 90, 60), rng.integers(-9, 60, 60), rng.integers(0, 9, 60))]
    keep("disc", 81, 51, discs, disc)
    for beyond, longest in ((0, 30), (100, 200)):
        shapes = [
            [int(v) for v in (rng.integers(-beyond, 120 + beyond), rng.integers(-beyond, 90 + beyond), rng.integers(0, longest), 4, rng.integers(-180, 181))]
            for _ in range(40)
        ]
        keep("ellipse", 120, 90, shapes, ellipse)
    write("raster.json", {"cases": cases})


BODY = (
    "nose neck rightShoulder rightElbow rightWrist leftShoulder leftElbow leftWrist rightHip rightKnee rightAnkle "
    "leftHip leftKnee leftAnkle rightEye leftEye rightEar leftEar"
).split()
HAND = ["wrist"] + [f"{finger}{i}" for finger in ("thumb", "index", "middle", "ring", "little") for i in (1, 2, 3, 4)]
LIMBS = (
    (2, 3), (2, 6), (3, 4), (4, 5), (6, 7), (7, 8), (2, 9), (9, 10), (10, 11), (2, 12), (12, 13), (13, 14), (2, 1),
    (1, 15), (15, 17), (1, 16), (16, 18),
)
COLOURS = [
    tuple(bytes.fromhex(code))
    for code in (
        "ff0000 ff5500 ffaa00 ffff00 aaff00 55ff00 00ff00 00ff55 00ffaa 00ffff 00aaff 0055ff 0000ff 5500ff aa00ff ff00ff "
        "ff00aa ff0055"
    ).split()
]


def hsv_to_rgb(hue: float) -> np.ndarray:
    """matplotlib's arithmetic at full saturation and value."""
    sector = int(hue * 6.0)
    f = hue * 6.0 - sector
    p, q, t = 0.0, 1.0 - f, 1.0 - (1.0 - f)
    return np.array([(1.0, t, p), (q, 1.0, p), (p, 1.0, t), (p, q, 1.0), (t, p, 1.0), (1.0, p, q)][sector % 6])


def draw_body(canvas, points):
    height, width = canvas.shape[:2]
    for (first, second), colour in zip(LIMBS, COLOURS):
        a, b = points[first - 1], points[second - 1]
        if a is None or b is None:
            continue
        across = np.array([a[0], b[0]]) * float(width)
        down = np.array([a[1], b[1]]) * float(height)
        length = ((down[0] - down[1]) ** 2 + (across[0] - across[1]) ** 2) ** 0.5
        angle = math.degrees(math.atan2(down[0] - down[1], across[0] - across[1]))
        centre = (int(np.mean(across)), int(np.mean(down)))
        polygon = cv2.ellipse2Poly(centre, (int(length / 2), 4), int(angle), 0, 360, 1)
        cv2.fillConvexPoly(canvas, polygon, [int(float(sample) * 0.6) for sample in colour])
    for point, colour in zip(points, COLOURS):
        if point is not None:
            cv2.circle(canvas, (int(point[0] * width), int(point[1] * height)), 4, colour, thickness=-1)


def draw_hand(canvas, points):
    height, width = canvas.shape[:2]
    pixels = [None if p is None else (int(p[0] * width), int(p[1] * height)) for p in points]
    edges = [(0 if i % 4 == 0 else i, i + 1) for i in range(20)]
    for number, (first, second) in enumerate(edges):
        a, b = pixels[first], pixels[second]
        if a is None or b is None or min(*a, *b) <= 0.01:
            continue
        cv2.line(canvas, a, b, hsv_to_rgb(number / 20.0) * 255, thickness=2)
    for pixel in pixels:
        if pixel is not None and min(pixel) > 0.01:
            cv2.circle(canvas, pixel, 4, (0, 0, 255), thickness=-1)


def draw_face(canvas, points):
    height, width = canvas.shape[:2]
    for point in points:
        if point is None:
            continue
        pixel = (int(point[0] * width), int(point[1] * height))
        if min(pixel) > 0.01:
            cv2.circle(canvas, pixel, 3, (255, 255, 255), thickness=-1)


def pose_cases() -> None:
    rng = np.random.default_rng(5)
    cases = []

    def scatter(count, low, high, missing):
        points = rng.uniform(low, high, (count, 2)).round(4).tolist()
        return [None if rng.random() < missing else point for point in points]

    def hand(missing):
        centre = rng.uniform(0, 1, 2)
        points = (centre + rng.normal(0, 0.06, (21, 2))).round(4).tolist()
        return [None if rng.random() < missing else point for point in points]

    upright = [
        [0.5, 0.13], [0.5, 0.22], [0.4, 0.225], [0.36, 0.38], [0.35, 0.52], [0.6, 0.225], [0.64, 0.38], [0.65, 0.52],
        [0.44, 0.52], [0.43, 0.73], [0.42, 0.93], [0.56, 0.52], [0.57, 0.73], [0.58, 0.93], [0.48, 0.11], [0.52, 0.11],
        [0.45, 0.12], [0.55, 0.12],
    ]
    figures = [
        ("one figure", 192, 192, [{"body": upright}]),
        ("a missing arm", 160, 256, [{"body": [None if i in (3, 4) else p for i, p in enumerate(upright)]}]),
        ("hands", 224, 224, [{"body": upright, "leftHand": hand(0), "rightHand": hand(0.2)}]),
        ("face", 200, 120, [{"face": scatter(70, 0.1, 0.9, 0.1)}]),
        ("all of two figures", 256, 192, [
            {"body": scatter(18, 0, 1, 0.1), "leftHand": hand(0), "rightHand": hand(0), "face": scatter(70, 0.3, 0.6, 0)},
            {"body": scatter(18, 0, 1, 0.1), "leftHand": hand(0.1), "face": scatter(70, 0.6, 0.9, 0.2)},
        ]),
        ("beyond the picture", 120, 100, [{"body": scatter(18, -1, 2, 0), "leftHand": scatter(21, -0.4, 1.4, 0), "face": scatter(70, -0.2, 1.2, 0)}]),
        ("every joint on one pixel", 40, 40, [{"body": [[0.5, 0.5]] * 18, "leftHand": [[0.25, 0.25]] * 21}]),
    ]
    figures += [(f"scattered {i}", 97 + 13 * i, 150 - 11 * i, [{"body": scatter(18, -0.2, 1.2, 0.05), "rightHand": hand(0)}]) for i in range(6)]
    for name, width, height, skeletons in figures:
        canvas = np.zeros((height, width, 3), np.uint8)
        for skeleton in skeletons:
            draw_body(canvas, skeleton.get("body", [None] * 18))
            draw_hand(canvas, skeleton.get("leftHand", [None] * 21))
            draw_hand(canvas, skeleton.get("rightHand", [None] * 21))
            draw_face(canvas, skeleton.get("face", [None] * 70))
        cases.append({"name": name, "width": width, "height": height, "skeletons": skeletons, "rgb": packed(canvas)})
    hues = []
    for number in range(20):
        dot = np.zeros((1, 1, 3), np.uint8)
        cv2.line(dot, (0, 0), (0, 0), hsv_to_rgb(number / 20.0) * 255, thickness=1)
        hues.append(dot[0, 0].tolist())
    names = {"body": BODY, "hand": HAND}
    coco = {"target": [1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17], "source": [17, 6, 8, 10, 7, 9, 12, 14, 16, 13, 15, 2, 1, 4, 3]}
    write("pose.json", {"names": names, "hues": hues, "coco": coco, "cases": cases})


# --- Perspective -------------------------------------------------------------------------------


def clipped(x1, y1, x2, y2, right, bottom):
    """The part of a segment within 0 to right and 0 to bottom, or None; by halves and inequalities."""
    dx, dy = x2 - x1, y2 - y1
    low, high = 0.0, 1.0
    for start, delta, limit in ((x1, dx, right), (y1, dy, bottom)):
        if delta == 0:
            if not 0 <= start <= limit:
                return None
            continue
        ends = sorted(((0 - start) / delta, (limit - start) / delta))
        low, high = max(low, ends[0]), min(high, ends[1])
    if low > high:
        return None
    return x1 + low * dx, y1 + low * dy, x1 + high * dx, y1 + high * dy


def perspective_grid(width, height, horizon, points, density, draw_horizon=True):
    canvas = np.zeros((height, width), np.uint8)

    def segment(*ends):
        inside = clipped(*ends, width - 1, height - 1)
        if inside is not None:
            x1, y1, x2, y2 = (math.floor(v + 0.5) for v in inside)
            cv2.line(canvas, (x1, y1), (x2, y2), 255, 1)

    horizon = horizon * height
    if draw_horizon:
        segment(0, horizon, width, horizon)
    for point in points:
        x, y = point["x"] * width, point["y"] * height if "y" in point else horizon
        corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], float) - (x, y)
        inside = 0 <= x <= width and 0 <= y <= height
        start, end = 0.0, 2 * math.pi
        if not inside:
            middle = math.atan2(height / 2 - y, width / 2 - x)
            turns = np.arctan2(corners[:, 1], corners[:, 0]) - middle
            turns = (turns + math.pi) % (2 * math.pi) - math.pi
            start, end = middle + turns.min(), middle + turns.max()
        step = (end - start) / density
        for i in range(density):
            angle = start + (i + (0 if inside else 0.5)) * step
            gap = min(math.pi, step * (i & -i if i else density))
            near = 4 / (2 * math.sin(gap / 2))
            far = 2 * (abs(x) + abs(y) + width + height)
            c, s = math.cos(angle), math.sin(angle)
            segment(x + near * c, y + near * s, x + far * c, y + far * s)
    if len(points) == 1:
        for edge in (0, height):
            line = 1
            while True:
                y, following = (horizon + (edge - horizon) / (1 + 8 * k / density) for k in (line, line + 1))
                if abs(y - following) < 4:
                    break
                segment(0, y, width, y)
                line += 1
    return canvas


def perspective_cases() -> None:
    cases = []
    for width, height, horizon, points, density in (
        (256, 192, 0.4, [{"x": 0.5}], 24),
        (192, 192, 0.5, [{"x": -0.7}, {"x": 1.9}], 24),
        (200, 300, 0.3, [{"x": -1.2}, {"x": 2.4}, {"x": 0.5, "y": 4}], 16),
        (256, 128, -0.5, [{"x": 0.2}], 10),
        (128, 128, 1.5, [{"x": 900.5}, {"x": -999.25}], 31),
        (101, 77, 0.61, [{"x": 0, "y": 0}, {"x": 1, "y": 1}], 40),
        (160, 120, 0.5, [{"x": 0.31, "y": 0.77}], 256),
    ):
        canvas = perspective_grid(width, height, horizon, points, density)
        case = {"width": width, "height": height, "horizon": horizon, "vanishingPoints": points, "density": density}
        cases.append(case | {"lines": bits(canvas)})
    write("perspective.json", {"cases": cases})


# --- Straight lines ----------------------------------------------------------------------------


def segment_cases() -> None:
    """A drawing whose edges are known, and what OpenCV's LSD finds in photographs."""
    rng = np.random.default_rng(3)
    scale = 8
    canvas = np.full((200, 260), 90.0)
    truth = []
    for corners, level in (
        ([(20, 20), (120, 35), (110, 120), (15, 105)], 180), ([(140, 15), (245, 15), (245, 60), (140, 60)], 30),
        ([(150, 90), (240, 75), (200, 180)], 220), ([(25, 140), (100, 140), (100, 185), (25, 185)], 140),
    ):
        mask = np.zeros((200 * scale, 260 * scale), np.uint8)
        # In units of 1/256 pixel; a pixel's centre is a whole number.
        at = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in corners]
        cv2.fillPoly(mask, [np.array([[round(v * 256) for v in point] for point in at])], 255, shift=8)
        cover = cv2.resize(mask, (260, 200), interpolation=cv2.INTER_AREA) / 255.0
        canvas = canvas * (1 - cover) + level * cover
        truth += [[*a, *b] for a, b in zip(corners, corners[1:] + corners[:1])]
    drawing = np.clip(canvas + rng.normal(0, 3, canvas.shape), 0, 255).round().astype(np.uint8)
    Image.fromarray(drawing).save(PICTURES / "polygons.png", optimize=True)
    photos = []
    detector = cv2.createLineSegmentDetector()
    for name in ("brick", "camera", "astronaut"):
        grey = np.array(Image.fromarray(picture(name)).convert("L"))
        found = detector.detect(grey)[0].reshape(-1, 4)
        lengths = np.hypot(found[:, 0] - found[:, 2], found[:, 1] - found[:, 3])
        long = found[lengths >= 20]
        photos.append({"picture": name, "segments": long.astype(float).round(2).tolist()})
    write("segments.json", {"drawing": {"picture": "polygons", "segments": truth}, "photos": photos})


# --- Palette and depth -------------------------------------------------------------------------


def picture_palette(image: np.ndarray, pixels: int = 512 * 512) -> tuple[np.ndarray, np.ndarray]:
    """T2I-Adapter's get_cond_color; also the small grid."""
    height, width = image.shape[:2]
    k = (pixels / (height * width)) ** 0.5
    height, width = (int(np.round(side * k / 64)) * 64 for side in (height, width))
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LANCZOS4)
    grid = cv2.resize(image, (width // 64, height // 64), interpolation=cv2.INTER_CUBIC)
    return grid, cv2.resize(grid, (width, height), interpolation=cv2.INTER_NEAREST)


# B. Ottosson, A perceptual color space for image processing, 2020.
TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]])
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]])


def to_oklab(rgb: np.ndarray) -> np.ndarray:
    share = rgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return TO_LAB @ np.cbrt(TO_LMS @ linear)


def from_oklab(lab: np.ndarray) -> np.ndarray:
    linear = np.linalg.inv(TO_LMS) @ (np.linalg.inv(TO_LAB) @ lab) ** 3
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)


def warmth_cases() -> list[dict]:
    cases = []
    for colour in ("808080", "7a5230", "3366aa", "55aa77", "cc4466", "202833", "d8c9b0", "ffffff", "000000", "0000ff", "ffff00"):
        before = np.array(list(bytes.fromhex(colour)), float)
        for amount in (1.0, 0.5, -0.5, -1.0):
            lab = to_oklab(before)
            hue = math.radians(60)
            lab[1:] += 0.08 * amount * np.array([math.cos(hue), math.sin(hue)])
            rgb = from_oklab(lab)
            shown = bool((rgb >= 0).all() and (rgb <= 255).all())
            cases.append({"colour": f"#{colour}", "amount": amount, "oklab": lab.round(6).tolist(), "rgb": rgb.round(3).tolist() if shown else None})
    return cases


def palette_cases() -> None:
    cases = []
    for name in ("astronaut", "coffee", "chelsea", "camera"):
        for pixels in (512 * 512, 256 * 256):
            grid, hint = picture_palette(picture(name), pixels)
            cases.append({"source": {"picture": name}, "pixels": pixels, "columns": grid.shape[1], "rows": grid.shape[0], "grid": b64(grid.tobytes()), "sha256": sha(hint)})
    for seed, (width, height) in enumerate(((300, 500), (512, 512), (1000, 200), (65, 64), (640, 448))):
        source = noise(3 * width * height, 40 + seed).reshape(height, width, 3)
        grid, hint = picture_palette(source)
        made = {"width": width, "height": height, "seed": 40 + seed}
        cases.append({"source": made, "pixels": 512 * 512, "columns": grid.shape[1], "rows": grid.shape[0], "grid": b64(grid.tobytes()), "sha256": sha(hint)})
    enlarged = []
    for columns, rows, width, height in ((3, 2, 200, 130), (7, 5, 512, 333), (8, 8, 512, 512), (1, 1, 64, 100)):
        grid = noise(3 * columns * rows, columns).reshape(rows, columns, 3)
        out = cv2.resize(grid, (width, height), interpolation=cv2.INTER_NEAREST)
        enlarged.append({"columns": columns, "rows": rows, "width": width, "height": height, "sha256": sha(out)})
    write("palette.json", {"cases": cases, "enlarged": enlarged, "warmth": warmth_cases()})


def depth_cases() -> None:
    """MiDaS' min-max in float32, and the same of pictures."""
    cases = []
    source = noise(35 * 20, 9).astype(np.float32).reshape(20, 35)
    for name, values in (("disparity", source * np.float32(13.37) - 5), ("distance", source / 7 + np.float32(0.31)), ("small", source * np.float32(1e-5))):
        near_high = values - values.min()
        near_high = (near_high / near_high.max() * 255.0).clip(0, 255).astype(np.uint8)
        near_low = values.max() - values
        near_low = (near_low / near_low.max() * 255.0).clip(0, 255).astype(np.uint8)
        cases.append({"name": name, "width": 35, "height": 20, "values": packed(values.astype("<f4")), "high": packed(near_high), "low": packed(near_low)})
    grey = np.array(Image.fromarray(picture("coffee")).convert("L"))
    narrow = (grey // 3 + 40).astype(np.uint8)
    shifted = (narrow - narrow.min()).astype(np.float32)
    stretched = (shifted / shifted.max() * 255.0).clip(0, 255).astype(np.uint8)
    write("depth.json", {"cases": cases, "picture": {"about": "coffee's grey // 3 + 40, stretched", "sha256": sha(stretched)}})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    if arguments.pictures:
        make_pictures(arguments.pictures)
    for make in (
        flatten_cases, blur_cases, resize_cases, canny_cases, line_cases, raster_cases, pose_cases, perspective_cases,
        segment_cases, palette_cases, depth_cases,
    ):
        make()
