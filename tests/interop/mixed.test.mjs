//! Conclave and the official engine in the same conversations, each once as the one who creates them.

import { story } from "./story.mjs";

story("Conclave creates, the official engine joins", {
  creator: "ours",
  peer: "official",
  caro: "ours",
  davon: "official",
  eri: ["ours", "official"],
});

story("the official engine creates, Conclave joins", {
  creator: "official",
  peer: "ours",
  caro: "ours",
  davon: "official",
  eri: ["official", "ours"],
});
