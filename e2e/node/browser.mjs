// A browser for tests: JSON lines in, JSON lines out, one Chromium for all of them.
//
//   > {"id":1,"on":"","do":"context","with":{"javaScriptEnabled":false}}     < {"id":1,"ok":"c1"}
//   > {"id":2,"on":"c1","do":"page"}                                         < {"id":2,"ok":"p2"}
//   > {"id":3,"on":"p2","do":"goto","with":{"url":"http://127.0.0.1:8080/"}} < {"id":3,"ok":200}
//
// Commands of one page are sent one after the other by the caller; those of different pages overlap. The program ends, and
// takes Chromium with it, when its standard input ends. The caller is ../browser.go.
import { createInterface } from 'node:readline';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const timeout = 30_000;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', ...process.argv.slice(2)],
});

const things = new Map(); // contexts and pages by name
const problems = new Map(); // page name -> what its console complained about
let made = 0;

function keep(prefix, thing) {
  const name = prefix + ++made;
  things.set(name, thing);
  return name;
}

function keepPage(page) {
  const known = [...things].find(([, thing]) => thing === page);
  if (known) return known[0];
  const name = keep('p', page);
  problems.set(name, []);
  page.on('console', (m) => m.type() === 'error' && problems.get(name).push(m.text()));
  page.on('pageerror', (e) => problems.get(name).push(String(e)));
  return name;
}

const onBrowser = {
  context: async (_, options) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(timeout);
    return keep('c', context);
  },
  version: async () => browser.version(),
};

const onContext = {
  page: async (context) => keepPage(await context.newPage()),
  cookies: (context, { urls }) => context.cookies(urls),
  addCookies: (context, { cookies }) => context.addCookies(cookies),
  clearCookies: (context, filter) => context.clearCookies(filter),
  // fetch is a request with the cookies of the context, outside any page; redirects are not followed.
  fetch: async (context, { url, method, headers, form }) => {
    const answer = await context.request.fetch(url, { method, headers, form, maxRedirects: 0 });
    return { status: answer.status(), headers: answer.headers(), body: await answer.text() };
  },
  close: (context) => context.close(),
};

const onPage = {
  goto: async (page, { url }) => (await page.goto(url))?.status() ?? 0,
  back: async (page) => (await page.goBack())?.status() ?? 0,
  reload: async (page) => (await page.reload())?.status() ?? 0,
  fill: (page, { selector, value }) => page.fill(selector, value),
  select: (page, { selector, value }) => page.selectOption(selector, value).then(() => null),
  click: (page, { selector }) => page.click(selector),
  press: (page, { key }) => page.keyboard.press(key),
  waitForURL: (page, { url }) => page.waitForURL((now) => now.href.startsWith(url)),
  waitFor: (page, { selector }) => page.waitForSelector(selector, { state: 'attached' }).then(() => null),
  url: async (page) => page.url(),
  title: (page) => page.title(),
  text: (page, { selector }) => page.innerText(selector),
  attribute: (page, { selector, name }) => page.getAttribute(selector, name),
  count: (page, { selector }) => page.locator(selector).count(),
  html: (page) => page.content(),
  evaluate: (page, { script }) => page.evaluate(script),
  screenshot: (page, { path }) => page.screenshot({ path, fullPage: true }).then(() => null),
  problems: async (page) => problems.get(keepPage(page)),
  // axe lists what the accessibility checker found, as "impact rule: first place".
  axe: async (page) => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    return violations.map((v) => `${v.impact} ${v.id}: ${v.nodes[0].target.join(' ')} (${v.nodes.length})`);
  },
  close: (page) => page.close(),
};

const commands = { '': onBrowser, c: onContext, p: onPage };

async function obey({ id, on, do: what, with: options }) {
  try {
    const command = commands[on.slice(0, 1)]?.[what];
    if (!command) throw new Error(`no command ${what} on "${on}"`);
    const thing = on === '' ? browser : things.get(on);
    if (!thing) throw new Error(`no such thing: ${on}`);
    const ok = await command(thing, options ?? {});
    if (what === 'close') things.delete(on);
    return { id, ok: ok ?? null };
  } catch (e) {
    return { id, error: String(e.message ?? e) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line)).then((answer) => process.stdout.write(JSON.stringify(answer) + '\n'));
}
await browser.close();
