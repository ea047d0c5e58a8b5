import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draw, drawn, latestCard, PageTest } from './support.js';

let test: PageTest;

beforeAll(async () => {
  test = await PageTest.start();
}, 400_000);
afterAll(() => test?.close());

const ground = (page: Page): Promise<string> =>
  page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
const LIGHT = 'rgb(247, 245, 241)';
const DARK = 'rgb(22, 21, 20)';

describe('the page looks', () => {
  it('as the system does, or as it is told, which it remembers', async () => {
    const page = await test.open({ colorScheme: 'dark' });
    expect(await ground(page)).toBe(DARK);
    await page.getByRole('button', { name: 'Theme: as the system' }).click();
    expect(await ground(page)).toBe(LIGHT);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    expect(await ground(page)).toBe(LIGHT);
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await ground(page)).toBe(DARK);
    await page.getByRole('button', { name: 'Theme: dark' }).click();
    expect(await ground(page)).toBe(LIGHT);
  });

  it('whole at any width', async () => {
    const page = await test.open();
    await page.getByText('Settings').click();
    await draw(page, 'a red ball on the grass');
    await drawn(page);
    const expectWhole = async (): Promise<void> => {
      for (const width of [320, 390, 768, 1024, 1440]) {
        await page.setViewportSize({ width, height: 844 });
        const tooWide = await page.evaluate(() => {
          const within = document.querySelector('dialog[open]') ?? document.documentElement;
          return within.scrollWidth - within.clientWidth;
        });
        expect([width, tooWide]).toEqual([width, 0]);
      }
    };
    await expectWhole();
    await latestCard(page).getByRole('button', { name: 'Show large' }).click();
    await page.getByRole('dialog').getByText('Edit', { exact: true }).waitFor();
    await expectWhole();
    await page.getByRole('dialog').getByText('Edit', { exact: true }).click();
    await page.getByRole('dialog', { name: 'Edit a picture' }).waitFor();
    await expectWhole();
  });

  it('still to those who want no motion', async () => {
    const page = await test.open({ reducedMotion: 'reduce' });
    await draw(page, 'a red ball on the grass');
    await drawn(page);
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((element) => {
          const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
          return animationName !== 'none' || /[1-9]/.test(transitionDuration) || scrollBehavior === 'smooth';
        }).length,
    );
    expect(moving).toBe(0);
  });

  it('the same to a keyboard', async () => {
    const page = await test.open();
    const focused = () =>
      page.evaluate(() => {
        const { ariaLabel, textContent, id } = document.activeElement as HTMLElement;
        return ariaLabel || id || textContent;
      });
    const tabTo = async (name: string): Promise<void> => {
      for (let k = 0; k < 60 && !(await focused())?.startsWith(name); k++) {
        await page.keyboard.press('Tab');
        // Whatever Tab comes to shows it; the page itself it comes to at its end.
        const { shown, what } = await page.evaluate(() => {
          const { outlineStyle, clipPath } = getComputedStyle(document.activeElement!);
          const isPage = document.activeElement === document.body;
          return {
            shown: isPage || (outlineStyle !== 'none' && clipPath === 'none'),
            what: document.activeElement!.outerHTML,
          };
        });
        expect([shown, what]).toEqual([true, what]);
      }
      expect(await focused()).toMatch(new RegExp(`^${name}`));
    };
    await tabTo('prompt');
    await page.keyboard.type('a yellow cone on the beach');
    await tabTo('Settings');
    await page.keyboard.press('Enter');
    await tabTo('field-sampler');
    await tabTo('Draw');
    await page.keyboard.press('Enter');
    await drawn(page);
    await tabTo('Show large');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await tabTo('Edit');
    await page.keyboard.press('Enter');
    await page.keyboard.press('r');
    await tabTo('Mask: what is to be drawn anew');
    await page.keyboard.press('Enter');
    await tabTo('edit-prompt');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Edit: a yellow cone on the beach' }).waitFor();
    await drawn(page);
    expect(test.troubles).toEqual([]);
  });

  it('names everything that can be used', async () => {
    const page = await test.open();
    await draw(page, 'a red ball on the grass');
    await drawn(page);
    await page.getByText('Settings').click();
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, input, select, textarea, progress, img')]
        .filter((element) => element.closest('[aria-hidden]') === null)
        .filter((element) => {
          const labels = 'labels' in element ? [...(element.labels as NodeListOf<HTMLElement>)] : [];
          const alt = element.getAttribute('alt');
          return !(element.ariaLabel || element.textContent?.trim() || labels.length > 0 || alt !== null);
        })
        .map((element) => element.outerHTML),
    );
    expect(nameless).toEqual([]);
  });
});
