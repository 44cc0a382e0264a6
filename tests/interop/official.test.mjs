//! The official engine alone over our node: what it does there is what it does on its own network.

import { story } from "./story.mjs";

story("official people among themselves", {
  creator: "official",
  peer: "official",
  caro: "official",
  davon: "official",
  eri: ["official", "official"],
});
