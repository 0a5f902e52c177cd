import { scrollers } from "./scroll.js";

document.querySelector("#print").addEventListener("click", () => window.print());
scrollers();
