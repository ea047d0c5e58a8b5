import { readFileSync } from 'node:fs';

/** The facts of a Linux system that decide which packages a person has to install. */
export interface SystemFacts {
  /** `ID` and `ID_LIKE` of os-release, lower case. */
  readonly families: readonly string[];
  /** `VERSION_CODENAME` of os-release; empty when it has none. */
  readonly codename: string;
  /** Whether an NVIDIA device node is there. */
  readonly nvidia: boolean;
}

/** The Debian release (12) whose own Mesa is too old for Dawn, so that its backports' one is needed. */
const NEEDS_BACKPORTS = 'bookworm';

/** Parses os-release(5): `KEY=value` lines, values perhaps quoted. */
export function parseOsRelease(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    if (match) fields.set(match[1], match[2] ?? match[3] ?? match[4]);
  }
  return fields;
}

/** Reads this machine's os-release. Empty when it has none. */
export function readSystemFacts(nvidia: boolean): SystemFacts {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Not every system has the file; the general advice is given then.
  }
  const fields = parseOsRelease(text);
  const families = `${fields.get('ID') ?? ''} ${fields.get('ID_LIKE') ?? ''}`.toLowerCase().split(/\s+/);
  return { families: families.filter(Boolean), codename: fields.get('VERSION_CODENAME') ?? '', nvidia };
}

/**
 * What to install by hand so that Dawn finds an adapter, as lines of text: the GPU's own driver first where one is
 * missing, then Mesa's software driver by the names of the system's packages.
 */
export function driverHints({ families, codename, nvidia }: SystemFacts): string[] {
  const hints: string[] = [];
  if (nvidia) {
    hints.push(
      'This machine has an NVIDIA GPU whose Vulkan driver was not found. In a container, start it with the graphics ' +
        'capability (NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics) and install libvulkan1, libegl1, libx11-6 ' +
        'and libxext6; on the machine itself, install the driver with its Vulkan and EGL libraries.',
    );
  }
  const is = (name: string): boolean => families.includes(name);
  if (is('debian') && codename === NEEDS_BACKPORTS) {
    hints.push(
      `Enable ${codename}-backports in the apt sources, then: ` +
        `apt-get update && apt-get install -t ${codename}-backports mesa-vulkan-drivers libvulkan1`,
    );
  } else if (is('debian') || is('ubuntu')) {
    hints.push('Install: apt-get install mesa-vulkan-drivers libvulkan1');
  } else if (is('fedora') || is('rhel')) {
    hints.push('Install: dnf install mesa-vulkan-drivers vulkan-loader');
  } else if (is('arch')) {
    hints.push('Install: pacman -S vulkan-swrast vulkan-icd-loader');
  } else {
    hints.push(
      "Install the Vulkan loader and Mesa's Vulkan drivers, 24 or newer: mesa-vulkan-drivers and libvulkan1 (Debian, " +
        'Ubuntu), mesa-vulkan-drivers and vulkan-loader (Fedora), vulkan-swrast and vulkan-icd-loader (Arch).',
    );
  }
  return hints;
}
