import { render } from "preact";
import { App } from "./app.tsx";
import { createLive } from "./data/live.ts";
import { LiveContext } from "./parts/live-context.ts";

const place = document.getElementById("app");
if (place !== null) {
  place.replaceChildren();
  render(
    <LiveContext.Provider value={createLive()}>
      <App />
    </LiveContext.Provider>,
    place,
  );
}
