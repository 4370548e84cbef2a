// Looks at a page of fercli in a real browser: console, network, filters, keyboard, accessibility, times.
// Usage: node check.mjs PAGE.html FOLDER    (see CONTRIBUTING.md); screenshots go into FOLDER.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page_path, folder] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(folder, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
let failures = 0;
function check(holds, what) {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
  failures += holds ? 0 : 1;
}

const page = await browser.newPage();
const said = [];
const asked = [];
page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => said.push(`error: ${error}`));
page.on("dialog", (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
page.on("request", (request) => asked.push(request.url()));
await page.setViewport({ width: 1280, height: 900 });
await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);

const url = pathToFileURL(resolve(page_path)).href;
const begun = performance.now();
await page.goto(url, { waitUntil: "load", timeout: 120000 });
await page.waitForSelector("#list li", { timeout: 60000 });
await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
console.log(`     opens in ${Math.round(performance.now() - begun)} ms`);

const tiles = () => page.$$eval("#list button[data-row]", (all) => all.length);
const found = () => page.$eval("#found", (each) => each.textContent);
const labels = () => page.$$eval("#list .label", (all) => all.map((each) => each.textContent));
const reset = () => page.click("button[type=reset]").then(() => settled());
const settled = () => page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => setTimeout(done)))));

async function accessible(state) {
  // The policy keeps scripts from being added to the page; the protocol's own world is free.
  await page.evaluate(axe);
  const result = await page.evaluate(async () => {
    const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
    return { passes: passes.length, violations: violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`) };
  });
  check(result.violations.length === 0, `axe finds nothing, ${state} (${result.passes} rules passed) ${result.violations.join("\n     ")}`);
}

async function shoot(name, options = {}) {
  await settled();
  await new Promise((done) => setTimeout(done, 300));
  await page.screenshot({ path: `${folder}/${name}.png`, ...options });
}

// Order and filters
const percents = async () => (await labels()).map((each) => Number(each.match(/(\d+)%/)[1]));
let values = await percents();
check(values.every((each, at) => at === 0 || values[at - 1] <= each), "least certain first");
await page.select("[name=order]", "most");
values = await percents();
check(values.every((each, at) => at === 0 || values[at - 1] >= each), "most certain first");
const all = await found();
for (const name of ["angry", "disgust", "fear", "sad", "surprise", "neutral"]) await page.click(`input[value=${name}]`);
check((await labels()).every((each) => each.startsWith("happy")), `only happy: ${await found()} of ${all}`);
await page.type("[name=least]", "60");
await page.type("[name=most]", "80");
check((await percents()).every((each) => each >= 60 && each <= 80), `from 60% to 80%: ${await found()}`);
await page.type("[name=text]", "no such name");
check((await found()) === "Nothing matches these filters.", "nothing matches");
await reset();
check((await found()) === all, "all again");

const times = await page.evaluate(async () => {
  const form = document.getElementById("filters");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const changes = {
    text: () => { form.elements.text.value = "a"; },
    "most certain first": () => { form.elements.order.value = "most"; },
    "grouped by expression": () => { form.elements.group.value = "expression"; },
    "grouped by folder": () => { form.elements.group.value = "folder"; },
    confidence: () => { form.elements.least.value = "50"; },
    "one expression": () => { form.querySelector("[value=happy]").checked = false; },
  };
  const timed = Object.fromEntries(Object.keys(changes).map((what) => [what, []]));
  for (let time = 0; time < 5; time += 1) {
    for (const [what, act] of Object.entries(changes)) {
      await frame();
      const start = performance.now();
      act();
      form.dispatchEvent(new Event("input"));
      await frame();
      timed[what].push(Math.round(performance.now() - start));
    }
    form.reset();
    await frame();
  }
  return Object.entries(timed);
});
console.log(`     filters, ms to the next frame, five times each: ${times.map(([what, each]) => `${what} ${each.join(" ")}`).join(", ")}`);
await settled();

// Keyboard
await page.focus("#list button[tabindex='0']");
const focused = () => page.evaluate(() => document.activeElement.dataset.row ?? document.activeElement.id);
const first = await focused();
await page.keyboard.press("ArrowRight");
check((await focused()) !== first, "an arrow goes to the next face");
await page.keyboard.press("Home");
check((await focused()) === first, "Home goes back");
await page.keyboard.press("End");
await page.keyboard.press("Home");
await page.keyboard.press("Enter");
check(await page.$eval("#face", (each) => each.open), "Enter opens a face");
await page.keyboard.press("ArrowRight");
check((await page.$eval("#face-place", (each) => each.textContent)).startsWith("2 of"), "an arrow goes to the next one");
await new Promise((done) => setTimeout(done, 500));
check(await page.$eval("#face-photo", (each) => !each.querySelector(".photo") || !each.querySelector(".box").hidden), "the box is on the photo");
check(await page.$eval("#face", (each) => each.scrollWidth <= each.clientWidth), "a face's sheet is not wider than its place");
await accessible("a face open");
await shoot("face-light");
await page.keyboard.press("Escape");
check(!(await page.$eval("#face", (each) => each.open)), "Escape closes it");
check((await focused()) !== first && (await focused()) !== "", "the focus is on the face that was shown");

for (const [name, value] of [["no_face", "photos without a face"], ["error", "photos that could not be read"]]) {
  await page.click(`[name=status][value=${name}]`);
  await settled();
  console.log(`     ${value}: ${await found()}`);
  await shoot(`list-${name}`);
}
await reset();

await accessible("light");
await shoot("light", { fullPage: false });
await page.select("[name=group]", "expression");
await settled();
await page.evaluate(() => document.getElementById("faces").scrollIntoView());
await shoot("grouped");
await accessible("grouped");
await reset();
await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
await page.evaluate(() => scrollTo(0, 0));
await accessible("dark");
await shoot("dark");
await page.evaluate(() => document.getElementById("faces").scrollIntoView());
await shoot("dark-faces");
await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
await page.setViewport({ width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
await settled();
await page.evaluate(() => scrollTo(0, 0));
await accessible("390 pixels");
check(await page.evaluate(() => Math.max(innerWidth, document.documentElement.scrollWidth) <= 390), "nothing is wider than a telephone");
await shoot("phone");
await page.evaluate(() => document.getElementById("faces").scrollIntoView());
await shoot("phone-faces");
await page.evaluate(() => document.getElementById("list").scrollIntoView());
await shoot("phone-list");
await page.click("#list button[data-row]");
await shoot("phone-face");
await page.keyboard.press("Escape");
await page.setViewport({ width: 1280, height: 900 });
await page.pdf({ path: `${folder}/print.pdf`, format: "A4" });

check(said.length === 0, `the console is silent ${said.slice(0, 5).join(" | ")}`);
const strange = asked.filter((each) => !each.startsWith("data:") && !each.startsWith("file:"));
check(strange.length === 0, `nothing is asked of a network ${strange.slice(0, 5).join(" ")}`);
await browser.close();
process.exit(failures ? 1 : 0);
