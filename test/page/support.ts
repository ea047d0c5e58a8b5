import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { unclipCacheFolder } from '../../src/ts/gpu/driver-env.js';
import { readSystemFacts } from '../../src/ts/gpu/driver-hints.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

/** Steps as few as make a picture with something to see on the way. */
export const FEW_STEPS = {
  prior_num_inference_steps: '3',
  num_inference_steps: '4',
  super_res_num_inference_steps: '2',
};

/** Longest wait for anything on a busy machine. */
const PATIENCE_MS = 60_000;

const script = (path: string) => import(new URL(`../../scripts/${path}`, import.meta.url).href);

/** `unclip serve` of the bundled model in a process of its own, and a Chromium that looks at its page. */
export class PageTest {
  readonly folder = mkdtempSync(join(tmpdir(), 'unclip-page-'));
  url = '';
  /** What pages have complained of, and whom they have asked beside the service. */
  readonly troubles: string[] = [];
  #browser: Browser | undefined;
  #server: ChildProcess | undefined;

  static async start(...options: string[]): Promise<PageTest> {
    await (await script('steps/typescript.mjs')).typescript();
    await (await script('steps/page.mjs')).page();
    const { findChromium } = await script('services/chromium.mjs');
    const test = new PageTest();
    await test.serve('0', ...options);
    test.#browser = await chromium.launch(await findChromium(unclipCacheFolder(), readSystemFacts(false).codename));
    return test;
  }

  /** Starts the service. @param port 0: any that is free */
  async serve(port: string, ...options: string[]): Promise<void> {
    const args = ['serve', '--port', port, '--log-level', 'error', ...options];
    const child = spawn(process.execPath, [join(packageRoot(), 'dist/cli/main.js'), ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = child;
    this.url = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const [, address] = /serving bundled at (\S+)\/v1 on /.exec(said) ?? [];
        if (address !== undefined) resolve(address);
      });
      child.once('close', (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
  }

  /** Ends the service at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#server!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
  }

  /**
   * The page in a browser that has never seen it, with few steps already typed.
   * @param awaited label of what is there once the page is
   */
  async open(
    options: BrowserContextOptions = {},
    values: Record<string, string> = FEW_STEPS,
    awaited = 'Prompt',
  ): Promise<Page> {
    const context = await this.#browser!.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      // The browser tells of every refusal by itself.
      if (!message.text().startsWith('Failed to load resource')) this.troubles.push(message.text());
    });
    page.on('pageerror', (error) => this.troubles.push(String(error.stack)));
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(this.url))
        this.troubles.push(`asked ${request.url()}`);
    });
    await page.addInitScript((typed) => {
      localStorage['unclip-form'] ??= JSON.stringify({ values: typed });
    }, values);
    await page.goto(this.url);
    await page.getByRole('textbox', { name: awaited }).waitFor();
    return page;
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The card of the request that was made last. */
export const latestCard = (page: Page): Locator => page.getByRole('article').first();

/** Types a prompt and sends it. */
export async function draw(page: Page, prompt: string, seed = ''): Promise<void> {
  await page.getByLabel('Seed', { exact: true }).fill(seed);
  await page.getByRole('textbox', { name: 'Prompt' }).fill(prompt);
  await page.getByRole('textbox', { name: 'Prompt' }).press('Enter');
}

/** Waits until the last request is done. */
export const drawn = (page: Page): Promise<void> =>
  latestCard(page)
    .getByText(/^(Drawn in|The same)/)
    .waitFor();

/** A picture that the page shows: size and pixels, RGBA. */
export async function pixelsOf(picture: Locator): Promise<{ width: number; height: number; data: number[] }> {
  return picture.evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    const canvas = document.createElement('canvas');
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d')!;
    context.drawImage(image, 0, 0);
    return { width, height, data: [...context.getImageData(0, 0, width, height).data] };
  });
}

/** The finished picture of a card. */
export const pictureOf = (card: Locator): Locator => card.locator('.canvas img:not(.unfinished)');
