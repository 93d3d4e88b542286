import { checkImage, type RgbaImage } from "@underpaint/core";
import type { PoseBox, PoseModel } from "../hints/by-model/pose-model.js";
import { fitHint } from "../hints/fit-hint.js";
import { flag, invalid } from "../hints/options.js";
import { poseFigure } from "../hints/pose/pose-figure.js";
import type { Skeleton } from "../hints/pose/skeleton.js";
import { checkModel } from "./by-model.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link pose}. */
export interface PoseControlOptions extends ModelControlOptions {
  /** Finds the figures of a picture; needed for pictures alone. */
  readonly by?: PoseModel;
  /** Where the persons of a picture are; the whole picture when left out. */
  readonly boxes?: readonly PoseBox[];
  /** Key points that are not surer than this are left out; 0 to 1, 0.3 when left out. */
  readonly threshold?: number;
  /** Which parts of skeletons are drawn; all when left out. */
  readonly body?: boolean;
  readonly hands?: boolean;
  readonly face?: boolean;
}

const usual = { width: 512, height: 512 };

/**
 * Steers by poses: skeletons ({@link presetPose}, or of one's own), or the figures that a model
 * finds in a picture (`by: await openPoseModel(…)`). Joints are shares of the picture, so that
 * skeletons fit any size.
 *
 * @throws UnderpaintError `invalid-request` for unknown joints, a picture without `by`, and options
 * that are not allowed; `invalid-image` for what is no picture.
 */
export function pose(
  figures: Skeleton | readonly Skeleton[] | RgbaImage,
  options: PoseControlOptions = {},
): DrawnControl {
  const own = ["by", "boxes", "threshold", "body", "hands", "face"];
  checkControlOptions(options, "pose", own);
  const by = checkModel(options.by, "pose", "openPoseModel");
  const isPicture = ArrayBuffer.isView((figures as { data?: unknown } | null)?.data);
  if (isPicture) return byModel(checkImage(figures, "pose's picture"), by, options);
  const { boxes, threshold } = options;
  if (by || boxes || threshold !== undefined) {
    throw invalid({
      what: "pose's by, boxes and threshold are for pictures",
      remedy: "leave them out for skeletons",
    });
  }
  const parts = {
    body: flag(options.body ?? true, "pose's body"),
    hands: flag(options.hands ?? true, "pose's hands"),
    face: flag(options.face ?? true, "pose's face"),
  };
  const skeletons = figures as Skeleton | readonly Skeleton[];
  // What is wrong with them is said now.
  poseFigure(skeletons, { width: 8, height: 8, ...parts });
  return drawnControl(
    {
      name: "pose",
      own: ["openpose"],
      pictures: {},
      options: { figures: skeletons, ...parts },
      size: usual,
      draw: (size) => poseFigure(skeletons, { ...size, ...parts }),
    },
    options,
  );
}

function byModel(
  picture: RgbaImage,
  by: PoseModel | undefined,
  options: PoseControlOptions,
): DrawnControl {
  if (!by) {
    throw invalid({
      what: "pose is given a picture without a model that finds figures in it",
      remedy: "add { by: await openPoseModel({ source, backend }) }, or give skeletons",
    });
  }
  const { boxes, threshold, body, hands, face } = options;
  for (const part of [body, hands, face]) {
    if (part !== undefined) flag(part, "pose's body, hands and face");
  }
  const asked = { ...(boxes && { boxes }), ...(threshold !== undefined && { threshold }) };
  return drawnControl(
    {
      name: "pose",
      own: ["openpose"],
      pictures: { picture },
      options: { ...asked, by: by.kind },
      size: { width: picture.width, height: picture.height },
      async draw(size, view, signal) {
        const fitted = fitHint(view(picture), size);
        const found = await by.skeletons(fitted, { ...asked, ...(signal && { signal }) });
        const hint = poseFigure(found, {
          ...size,
          ...(body !== undefined && { body }),
          ...(hands !== undefined && { hands }),
          ...(face !== undefined && { face }),
        });
        const isEmpty = found.every(({ body: joints = {} }) => Object.keys(joints).length === 0);
        const notes = isEmpty ? ["no joint is sure enough: the hint shows no body"] : [];
        return { ...hint, notices: [...fitted.notices, ...hint.notices, ...notes] };
      },
    },
    options,
  );
}
