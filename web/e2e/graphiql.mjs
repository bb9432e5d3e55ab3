// Opens the GraphiQL page in headless Chromium and uses it: `npm test`, with the gateway running.
//
//   BASE_URL       where the gateway is; http://127.0.0.1:8000 when unset
//   TOKEN          an access token for the headers pane; none when unset
//   DOCUMENTED     a type whose description must be readable in the docs; Query when unset
//   QUERY          a query that must answer without errors; { __typename } when unset
//   SUBSCRIPTION   a subscription that must send an event; skipped when unset
//   TRIGGER        a mutation that makes that event, sent once the subscription stands
//   CHROMIUM       the browser; /usr/bin/chromium when unset
//   SCREENSHOT     where to write a picture at the end
//
// It fails when anything is asked of another origin, when the page reports an error, or when one of
// the steps does not show what it must.

import assert from 'node:assert/strict';
import { env } from 'node:process';
import { chromium } from 'playwright-core';

const base = new URL(env.BASE_URL ?? 'http://127.0.0.1:8000');
const headers = env.TOKEN ? { authorization: `Bearer ${env.TOKEN}` } : {};
const documented = env.DOCUMENTED ?? 'Query';

// As root there is no sandbox to be had.
const browser = await chromium.launch({ executablePath: env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ baseURL: base.href, viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(15_000);
  const strangers = [];
  const problems = [];
  const local = (url) => url.startsWith('data:') || url.startsWith('blob:') || new URL(url).host === base.host;
  page.on('request', (request) => local(request.url()) || strangers.push(request.url()));
  page.on('websocket', (socket) => local(socket.url()) || strangers.push(socket.url()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));

  const described = await introspect(documented);
  await step('the page loads', async () => {
    await page.goto('/');
    await page.locator('.graphiql-query-editor .CodeMirror').waitFor();
    assert.match(await text('.graphiql-query-editor'), /Welcome to Commons/);
  });
  await step('the docs have descriptions', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.locator('.graphiql-doc-explorer').waitFor();
    await page.locator('.graphiql-doc-explorer-search-input, .graphiql-doc-explorer-search input').first().click();
    await page.keyboard.type(documented);
    await page.getByRole('option', { name: documented, exact: true }).first().click();
    await page.locator('.graphiql-doc-explorer-content', { hasText: firstLine(described) }).waitFor();
  });
  await step('headers can be set', () => fill('.graphiql-editor-tool', JSON.stringify(headers)));
  await step('a query answers', async () => {
    await write(env.QUERY ?? '{ __typename }');
    await run();
    const answer = await response(/"data"/);
    assert.doesNotMatch(answer, /"errors"/);
  });
  if (env.SUBSCRIPTION) {
    await step('a subscription sends events', async () => {
      await write(env.SUBSCRIPTION);
      const event = firstEvent();
      await run();
      if (env.TRIGGER) {
        await trigger(event);
      }
      assert.doesNotMatch(await event, /"errors"/);
      const answer = await response(/"data"/);
      assert.doesNotMatch(answer, /"errors"/);
    });
  }
  await step('nothing left this machine', () => assert.deepEqual(strangers, []));
  await step('the page reported no problem', () => assert.deepEqual(problems, []));
  if (env.SCREENSHOT) {
    await page.screenshot({ path: env.SCREENSHOT });
  }

  async function text(selector) {
    return page.locator(selector).first().innerText();
  }

  async function fill(selector, content) {
    // The editor draws only what is visible: its own interface sees all of the text.
    const editor = page.locator(selector).locator('.CodeMirror').locator('visible=true').first();
    await editor.waitFor();
    await editor.evaluate((element, content) => element.CodeMirror.setValue(content), content);
  }

  async function write(query) {
    await fill('.graphiql-query-editor', query);
    // The page parses with a delay, and runs what it has parsed.
    await page.waitForFunction((query) => {
      const editor = document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror;
      return editor.documentAST?.loc?.source.body === query;
    }, query);
  }

  async function run() {
    await page.getByRole('button', { name: /^Execute query/ }).click();
  }

  async function response(wanted) {
    const handle = await page.waitForFunction(
      (pattern) => {
        const value = document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() ?? '';
        return new RegExp(pattern).test(value) && value;
      },
      wanted.source,
    );
    return handle.jsonValue();
  }

  // The first `next` on the socket that the page opens from now on.
  function firstEvent() {
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('no event came')), 15_000).unref();
      page.once('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => String(payload).includes('"next"') && resolve(String(payload))),
      );
    });
  }

  // When the subscription stands is not told: the mutation is repeated until an event comes.
  async function trigger(event) {
    let waiting = true;
    const stop = () => (waiting = false);
    event.then(stop, stop);
    while (waiting) {
      await ask(env.TRIGGER);
      await Promise.race([event, page.waitForTimeout(500)]);
    }
  }
} finally {
  await browser.close();
}

async function step(name, run) {
  try {
    await run();
    console.log(`ok    ${name}`);
  } catch (error) {
    console.error(`FAIL  ${name}`);
    throw error;
  }
}

async function ask(query) {
  const answer = await fetch(new URL('/graphql', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  const body = await answer.json();
  assert.equal(body.errors, undefined, JSON.stringify(body.errors));
  return body.data;
}

// What the docs must show of a type: its description, else its first field's.
async function introspect(name) {
  const { __type: type } = await ask(`{ __type(name: ${JSON.stringify(name)}) { description fields { description } } }`);
  const described = type?.description ?? type?.fields?.find((field) => field.description)?.description;
  assert.ok(described, `${name} has no description to look for`);
  return described;
}

function firstLine(markdown) {
  return markdown.split('\n')[0].replaceAll('`', '').trim();
}
