import { describe, expect, it } from 'vitest';
import { driverHints, parseOsRelease } from '../../src/ts/gpu/driver-hints.js';

const hints = (families: string[], codename = '', nvidia = false) =>
  driverHints({ families, codename, nvidia }).join('\n');

describe('driverHints', () => {
  it.each([
    [['debian'], 'bookworm', 'apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1'],
    [['debian'], 'trixie', 'Install: apt-get install mesa-vulkan-drivers libvulkan1'],
    [['ubuntu', 'debian'], 'noble', 'Install: apt-get install mesa-vulkan-drivers libvulkan1'],
    [['fedora'], '', 'dnf install mesa-vulkan-drivers vulkan-loader'],
    [['arch'], '', 'pacman -S vulkan-swrast vulkan-icd-loader'],
    [['nixos'], '', '(Fedora)'],
  ])('names the packages of %s %s', (families, codename, text) => {
    expect(hints(families, codename)).toContain(text);
  });

  it('names what an NVIDIA container lacks, first', () => {
    expect(hints(['debian'], 'trixie', true)).toMatch(/^This machine has an NVIDIA GPU.*NVIDIA_DRIVER_CAPABILITIES/);
  });
});

describe('parseOsRelease', () => {
  it('takes quotes off', () => {
    const fields = parseOsRelease('ID=ubuntu\nID_LIKE="debian"\n# comment\nVERSION_CODENAME=\'noble\'\n');
    expect(Object.fromEntries(fields)).toEqual({ ID: 'ubuntu', ID_LIKE: 'debian', VERSION_CODENAME: 'noble' });
  });
});
