import { testEngine } from "../../../tests/contracts/engine.ts";
import { openStore } from "../open.ts";

testEngine({
  name: "scratch",
  keeps: false,
  decidesInMemory: true,
  place: () => "",
  open: (_, clock) => openStore("scratch:", { clock }),
});
