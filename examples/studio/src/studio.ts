import type { RgbaImage } from "@underpaint/web";
import { deviceName, deviceNotes, wantedDevice } from "./engine/device.js";
import type { Wish } from "./engine/engine.js";
import { explain } from "./engine/explain.js";
import { createKeeper } from "./engine/keeper.js";
import { openPicture } from "./files/open.js";
import { receiveFiles } from "./files/receive.js";
import { createLive } from "./painting/live.js";
import { createPainter } from "./painting/painter.js";
import { createDrawingPanel } from "./panels/drawing-panel.js";
import { captionOf, createPicturePanel } from "./panels/picture-panel.js";
import { createVariationsPanel } from "./panels/variations-panel.js";
import { announce } from "./ui/announce.js";
import { createDeviceView } from "./ui/device-view.js";
import { enable, find, onPress } from "./ui/dom.js";
import { createNotice } from "./ui/notice.js";
import { completeWords, offerIdeas } from "./ui/prompt.js";
import { createSettings } from "./ui/settings.js";
import { listenToKeys } from "./ui/shortcuts.js";

/** Pixels each way, of what the embedded model has learnt to paint. */
const pictureSize = { width: 128, height: 128 };

/** Puts the parts of the page together, and opens the model. */
export function startStudio(): void {
  const settings = createSettings(changed);
  const board = createDrawingPanel(({ isEmpty }) => {
    settings.allowDrawing(!isEmpty);
    changed();
  });
  const deviceView = createDeviceView();
  const notice = createNotice(() => keeper.open());

  const keeper = createKeeper(wantedDevice(location.search), {
    onLoading(share) {
      const text = share < 1 ? `Fetching the model: ${Math.floor(100 * share)} %` : "Preparing it";
      picture.view.loading(text, share);
      deviceView.show("loading", "Loading the model…", ["It is fetched once, about 12 MB."]);
    },
    onReady({ device }, warnings) {
      deviceView.show("ready", deviceName(device), deviceNotes(device, warnings));
      picture.view.ready();
      announce("The model is ready.");
    },
    onFailed(error) {
      deviceView.show("failed", "Not working", ["The model could not be opened."]);
      fail(error);
    },
  });
  const stopButton = find("stop", HTMLButtonElement);
  const painter = createPainter(keeper.ready, () => {
    enable(stopButton, painter.busy !== undefined);
  });
  const picture = createPicturePanel(painter, (image) => {
    layUnder(image);
    announce("The picture lies under the drawing. Draw on it, and paint.");
  });
  const variations = createVariationsPanel(painter, (picked) => {
    settings.set({ seed: Number(picked.recipe.seed) });
    picture.show(picked);
  });
  const live = createLive((seen) => paint(seen));

  function changed(): void {
    if (settings.live && keeper.engine && painter.busy !== "series") live.changed();
  }

  /** What the page asks for, now. */
  function wish(): Wish {
    const { prompt, seed, steps, start, strength } = settings.settings;
    const image = start === "drawing" ? board.picture(pictureSize) : undefined;
    return { prompt, seed, steps, ...(image && { start: { image, strength } }) };
  }

  async function paint(onSeen: () => void = () => {}): Promise<void> {
    notice.hide();
    if (painter.busy === "series") variations.end();
    const waiting = keeper.engine ? "Beginning" : "Waiting for the model";
    try {
      if (!(await picture.paint(wish(), waiting, onSeen))) return;
      variations.unpick();
      if (!settings.live && picture.picture) announce(`Painted: ${captionOf(picture.picture)}`);
    } catch (error) {
      fail(error);
    }
  }

  async function paintVariations(): Promise<void> {
    notice.hide();
    if (painter.busy === "one") picture.stopped();
    await variations.paint(wish()).catch(fail);
  }

  function stop(): void {
    const { busy } = painter;
    if (!busy) return;
    painter.stop();
    if (busy === "one") picture.stopped();
    else variations.end();
    announce("Stopped.");
  }

  function fail(error: unknown): void {
    picture.stopped();
    variations.end();
    notice.show(explain(error));
  }

  function layUnder(image: RgbaImage): void {
    board.lay(image);
    settings.set({ start: "drawing" });
  }

  async function open(file: File): Promise<void> {
    notice.hide();
    try {
      const { image, recipe } = await openPicture(file);
      stop();
      if (!recipe) {
        layUnder(image);
        announce("The picture has no recipe. It lies under the drawing.");
        return;
      }
      const { prompt, seed, steps, strength } = recipe;
      settings.set({ prompt, seed: Number(seed), steps, ...(strength && { strength }) });
      const note = recipe.image && "It began from a drawing, which is not in the file.";
      picture.show({ image, recipe }, note);
      announce(`Opened, with its recipe: ${captionOf({ image, recipe })}`);
    } catch (error) {
      notice.show(explain(error));
    }
  }

  const askForFile = receiveFiles((file) => void open(file));
  find("request", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void paint();
  });
  onPress(stopButton, stop);
  onPress(find("vary", HTMLButtonElement), () => void paintVariations());
  listenToKeys({
    paint: () => void paint(),
    stop,
    undo: board.undo,
    redo: board.redo,
    save: picture.save,
    open: askForFile,
  });
  offerIdeas((prompt) => {
    settings.set({ prompt });
    find("prompt", HTMLInputElement).focus();
    changed();
  });
  void completeWords();
  keeper.open();
}
