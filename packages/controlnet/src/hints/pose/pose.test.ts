import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/pose.json" with { type: "json" };
import { difference, none, rgbOf, unpack } from "../fakes/source-picture.js";
import type { Hint } from "../hint.js";
import { cocoJoints, type ScoredPoint, skeletonFromCoco } from "./coco.js";
import {
  type BodyJoint,
  bodyColours,
  bodyJoints,
  bones,
  facePoints,
  handJoints,
  limbs,
} from "./joints.js";
import { hueColour, poseFigure } from "./pose-figure.js";
import { posePresets, presetPose } from "./presets.js";
import type { PosePoint, Skeleton } from "./skeleton.js";

type Points = readonly (readonly number[] | null)[];

/** Points in the reference's order as joints by name; null is a joint that is not known. */
function named(names: readonly string[], points: Points = []): Record<string, PosePoint> {
  const known = points.flatMap((point, i) => (point ? [[names[i]!, point]] : []));
  return Object.fromEntries(known) as Record<string, PosePoint>;
}

function skeletonOf(parts: {
  body?: Points;
  leftHand?: Points;
  rightHand?: Points;
  face?: Points;
}): Skeleton {
  return {
    body: named(bodyJoints, parts.body),
    leftHand: named(handJoints, parts.leftHand),
    rightHand: named(handJoints, parts.rightHand),
    face: named(facePoints, parts.face),
  };
}

const hex = (text: string) => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));

function pixel({ width, data }: Hint, x: number, y: number): number[] {
  return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
}

describe("poseFigure", () => {
  it.each(fixtures.cases)("equals the annotator in every pixel: $name", (fixture) => {
    const { width, height, rgb, skeletons } = fixture;
    const hint = poseFigure(skeletons.map(skeletonOf), { width, height });
    expect([hint.width, hint.height]).toEqual([width, height]);
    expect(difference(rgbOf(hint), unpack(rgb))).toEqual(none);
  });

  // Facts of the format, from its documentation rather than from our tables.
  it.each<[BodyJoint, number, string]>([
    ["nose", 0, "#ff0000"],
    ["neck", 1, "#ff5500"],
    ["rightShoulder", 2, "#ffaa00"],
    ["rightElbow", 3, "#ffff00"],
    ["rightWrist", 4, "#aaff00"],
    ["leftShoulder", 5, "#55ff00"],
    ["leftElbow", 6, "#00ff00"],
    ["leftWrist", 7, "#00ff55"],
    ["rightHip", 8, "#00ffaa"],
    ["rightKnee", 9, "#00ffff"],
    ["rightAnkle", 10, "#00aaff"],
    ["leftHip", 11, "#0055ff"],
    ["leftKnee", 12, "#0000ff"],
    ["leftAnkle", 13, "#5500ff"],
    ["rightEye", 14, "#aa00ff"],
    ["leftEye", 15, "#ff00ff"],
    ["rightEar", 16, "#ff00aa"],
    ["leftEar", 17, "#ff0055"],
  ])("draws %s, number %i, as a disc of %s with a radius of 4", (joint, number, colour) => {
    expect(bodyJoints[number]).toBe(joint);
    const hint = poseFigure({ body: { [joint]: [0.5, 0.5] } }, { width: 21, height: 21 });
    expect(pixel(hint, 10, 10)).toEqual(hex(colour));
    expect([pixel(hint, 6, 10), pixel(hint, 10, 14)]).toEqual([hex(colour), hex(colour)]);
    expect([pixel(hint, 5, 10), pixel(hint, 10, 15)]).toEqual([hex("#000000"), hex("#000000")]);
  });

  it.each(limbs.map(([from, to], i) => ({ from, to, i })))(
    "draws the limb from $from to $to in 0.6 of colour $i",
    ({ from, to, i }) => {
      const body = { [from]: [0.2, 0.5], [to]: [0.8, 0.5] } as Skeleton["body"];
      const hint = poseFigure({ body: body! }, { width: 100, height: 40 });
      expect(pixel(hint, 50, 20)).toEqual(bodyColours[i]!.map((sample) => (sample * 6) / 10));
      expect([pixel(hint, 50, 16), pixel(hint, 50, 24)].flat().some((s) => s > 0)).toBe(true);
      expect([pixel(hint, 50, 15), pixel(hint, 50, 25)].flat()).toEqual([0, 0, 0, 0, 0, 0]);
    },
  );

  it("joins the joints that the format joins", () => {
    const numbers = limbs.map(
      ([from, to]) => `${bodyJoints.indexOf(from)}-${bodyJoints.indexOf(to)}`,
    );
    expect(numbers.join(" ")).toBe(
      "1-2 1-5 2-3 3-4 5-6 6-7 1-8 8-9 9-10 1-11 11-12 12-13 1-0 0-14 14-16 0-15 15-17",
    );
    expect(bodyJoints).toEqual(fixtures.names.body);
    expect(handJoints).toEqual(fixtures.names.hand);
    expect(bones).toHaveLength(20);
    expect(new Set(facePoints).size).toBe(70);
  });

  it("gives bones the hues that the annotator gives them", () => {
    expect(bones.map((_, i) => hueColour(i / 20))).toEqual(fixtures.hues);
  });

  it("draws the parts that it is asked for", () => {
    const figure: Skeleton = {
      body: { nose: [0.2, 0.5] },
      leftHand: { wrist: [0.5, 0.5] },
      face: { rightPupil: [0.8, 0.5] },
    };
    const lit = (options: object) => {
      const hint = poseFigure(figure, { width: 60, height: 20, ...options });
      return [12, 30, 48].map((x) => pixel(hint, x, 10).some((sample) => sample > 0));
    };
    expect(lit({})).toEqual([true, true, true]);
    expect(lit({ body: false })).toEqual([false, true, true]);
    expect(lit({ hands: false })).toEqual([true, false, true]);
    expect(lit({ face: false })).toEqual([true, true, false]);
  });

  it("says when nothing is drawn", () => {
    const size = { width: 9, height: 9 };
    expect(poseFigure([], size).notices).toEqual([
      "no joint lies in the picture: the hint is black",
    ]);
    expect(poseFigure({ body: { nose: undefined } }, size).notices).toHaveLength(1);
    expect(poseFigure({ body: { nose: [0.5, 0.5] } }, size).notices).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      "an unknown joint",
      { body: { nose: [0, 0], leftElbo: [0.1, 0.2] } },
      /^the figure's body has no joint of that name \(found "leftElbo"\); did you mean leftElbow\?/,
    ],
    [
      "a joint of another part",
      { leftHand: { knee: [0, 0] } },
      /leftHand has no joint of that name \(found "knee"\)/,
    ],
    ["an unknown part", { bodie: {} }, /no part of that name \(found "bodie"\).*mean body\?/],
    ["a part of Object's", { toString: {} }, /no part of that name \(found "toString"\)/],
    ["a list of points", { body: [[0, 0]] }, /the figure's body is no object of joints/],
    ["nothing", null, /the figure is no object of joints/],
    ["a point of three", { body: { nose: [0, 0, 1] } }, /the figure's nose is no point near/],
    ["a NaN", { body: { nose: [0, Number.NaN] } }, /nose is no point near the picture/],
    ["pixels", { body: { nose: [256, 90] } }, /as shares of width and height, -2 to 3/],
    [
      "a misspelt face",
      [{}, { face: { jaw18: [0, 0] } }],
      /figure 1's face.*did you mean jaw1\d?\?/,
    ],
  ])("refuses %s", (_, skeleton, message) => {
    expect(() => poseFigure(skeleton as never, { width: 9, height: 9 })).toThrow(message);
  });

  it("refuses sizes, flags and crowds that are not allowed", () => {
    expect(() => poseFigure({}, { width: 0, height: 9 })).toThrow(/poseFigure's size.*"0 × 9"/);
    expect(() => poseFigure({}, { width: 9, height: 8193 })).toThrow(/1 to 8192/);
    expect(() => poseFigure({}, undefined as never)).toThrow(/options are no object/);
    expect(() => poseFigure({}, { width: 9, height: 9, hands: 1 as never })).toThrow(/hands/);
    const crowd = Array.from({ length: 101 }, () => ({}));
    expect(() => poseFigure(crowd, { width: 9, height: 9 })).toThrow(/found 101.*100 at most/);
  });
});

describe("skeletonFromCoco", () => {
  const points = cocoJoints.map((_, i) => [i / 20, i / 40, 0.9] as const);

  it("gives every joint its own point, by name", () => {
    const { body } = skeletonFromCoco(points);
    for (const [i, joint] of cocoJoints.entries()) {
      expect([joint, body![joint]]).toEqual([joint, [i / 20, i / 40]]);
    }
    expect(Object.keys(body!)).toHaveLength(18);
  });

  it("agrees with the index lists that the annotators use", () => {
    // Their lists name only what moves, counted from 0, the neck added as COCO's 17th.
    const { target, source } = fixtures.coco;
    const coco = [...cocoJoints, "neck"];
    const expected = bodyJoints.map((_, i) => {
      const at = target.indexOf(i);
      return coco[at < 0 ? i : source[at]!];
    });
    expect(expected).toEqual(bodyJoints);
  });

  it("puts the neck between the shoulders, where both are sure", () => {
    const at = (joint: BodyJoint) => cocoJoints.indexOf(joint as never);
    const { body } = skeletonFromCoco(points);
    const [left, right] = [at("leftShoulder"), at("rightShoulder")];
    expect(body!.neck).toEqual([(left + right) / 40, (left + right) / 80]);
    const unsure = points.map((point, i) => (i === left ? [0, 0, 0.3] : point)) as ScoredPoint[];
    const without = skeletonFromCoco(unsure).body!;
    expect([without.neck, without.leftShoulder]).toEqual([undefined, undefined]);
    expect(skeletonFromCoco(unsure, 0.2).body!.neck).toBeDefined();
  });

  it.each<[string, unknown, RegExp]>([
    ["another number of points", points.slice(1), /of another number \(found 16\); allowed: 17/],
    ["no list", "x", /of another number/],
    ["what is no point", points.map(() => [0, 1]), /nose is no key point/],
    ["a NaN", points.map(() => [0, Number.NaN, 1]), /nose is no key point/],
  ])("refuses %s", (_, given, message) => {
    expect(() => skeletonFromCoco(given as never)).toThrow(message);
  });
});

describe("presetPose", () => {
  const bounds = (skeleton: Skeleton) => {
    const points = Object.values(skeleton).flatMap((part) => Object.values<PosePoint>(part));
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
  };

  it.each(posePresets)("fits %s into a picture, its proportions kept", (name) => {
    for (const [width, height] of [
      [512, 512],
      [256, 768],
      [768, 256],
    ] as const) {
      const skeleton = presetPose(name, { width, height, hands: true, face: true });
      const [left, top, right, bottom] = bounds(skeleton);
      expect(Math.min(left, top)).toBeGreaterThanOrEqual(0.049);
      expect(Math.max(right, bottom)).toBeLessThanOrEqual(0.951);
      // As wide for its height as in a square picture.
      const square = bounds(presetPose(name, { width: 64, height: 64, hands: true, face: true }));
      const shape = ((right - left) * width) / ((bottom - top) * height);
      expect(shape).toBeCloseTo((square[2] - square[0]) / (square[3] - square[1]), 9);
      expect(poseFigure(skeleton, { width, height }).notices).toEqual([]);
      expect(Object.keys(skeleton.body!)).toHaveLength(18);
      expect(Object.keys(skeleton.leftHand!)).toHaveLength(21);
      expect(Object.keys(skeleton.face!)).toHaveLength(70);
    }
  });

  it("exchanges left and right by name", () => {
    const size = { width: 400, height: 400 };
    const plain = presetPose("waving", size).body!;
    const mirrored = presetPose("waving", { ...size, mirror: true }).body!;
    expect(plain.rightWrist![1]).toBeLessThan(plain.nose![1]);
    expect(mirrored.leftWrist![1]).toBeLessThan(mirrored.nose![1]);
    expect(mirrored.leftWrist![0]).toBeCloseTo(1 - plain.rightWrist![0], 9);
    expect(mirrored.rightWrist![1]).toBeGreaterThan(mirrored.nose![1]);
  });

  it("has the figure's right on the onlooker's left where it faces them", () => {
    const { body } = presetPose("standing", { width: 64, height: 64 });
    expect(body!.rightShoulder![0]).toBeLessThan(body!.leftShoulder![0]);
  });

  it("refuses unknown poses, naming the nearest", () => {
    expect(() => presetPose("waveing" as never, { width: 9, height: 9 })).toThrow(/mean waving\?/);
    expect(() => presetPose("waving", { width: 9, height: 9, scale: 0 })).toThrow(/0\.01 to 4/);
  });
});
