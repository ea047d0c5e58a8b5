// The system's own apt sources, read so that the driver comes from the mirror the machine already trusts and uses.
// Both formats of sources.list(5): one line per source, and deb822 stanzas.

/**
 * @typedef {object} Source one kind of package from some mirrors
 * @property {string[]} uris
 * @property {string[]} suites
 * @property {string[]} components
 * @property {Map<string, string>} options further fields by their deb822 names, such as Signed-By
 */

/** The one-line format's option names differ from deb822's in case, and in these. */
const OPTION_NAMES = new Map([
  ['arch', 'Architectures'],
  ['lang', 'Languages'],
  ['target', 'Targets'],
]);

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}

/** `deb [signed-by=… arch=…] URI SUITE COMPONENT…` @returns {Source[]} */
export function parseOneLine(text) {
  const sources = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (!match) continue;
    const options = new Map();
    for (const option of words(match[1] ?? '')) {
      const at = option.indexOf('=');
      const name = option.slice(0, at).toLowerCase();
      const deb822 = OPTION_NAMES.get(name) ?? name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
      options.set(deb822, option.slice(at + 1).replaceAll(',', ' '));
    }
    sources.push({ uris: [match[2]], suites: [match[3]], components: words(match[4]), options });
  }
  return sources;
}

/** Stanzas of `Field: value` lines with continuation lines; comment lines may stand anywhere. @returns {Source[]} */
export function parseDeb822(text) {
  const sources = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of lines.join('\n').split(/\n[ \t]*\n/)) {
    const fields = new Map();
    let last = '';
    for (const line of stanza.split('\n')) {
      const field = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
      if (field) {
        last = field[1].toLowerCase();
        fields.set(last, { name: field[1], value: field[2] });
      } else if (/^[ \t]+\S/.test(line) && fields.has(last)) {
        // A key embedded in Signed-By keeps its line structure.
        fields.get(last).value += `\n${line}`;
      }
    }
    const take = (name) => {
      const field = fields.get(name);
      fields.delete(name);
      return field ? words(field.value) : [];
    };
    const types = take('types');
    const enabled = take('enabled')[0] ?? 'yes';
    const [uris, suites, components] = [take('uris'), take('suites'), take('components')];
    if (!types.includes('deb') || /^(no|false|0|off)$/i.test(enabled) || uris.length === 0) continue;
    const options = new Map([...fields.values()].map(({ name, value }) => [name, value]));
    sources.push({ uris, suites, components, options });
  }
  return sources;
}

/**
 * The sources to take a driver from: those of the distribution's own release (its suites begin with the codename),
 * and the suite `backports` too, when one is named, on each mirror that carries the release itself.
 * @param {Source[]} sources
 * @param {string} codename
 * @param {string | undefined} backports
 * @returns {Source[]}
 */
export function selectSources(sources, codename, backports) {
  const selected = [];
  for (const source of sources) {
    const uris = source.uris.filter((uri) => !uri.startsWith('cdrom:'));
    const suites = source.suites.filter((suite) => suite === codename || suite.startsWith(`${codename}-`));
    if (uris.length === 0 || suites.length === 0 || !source.components.includes('main')) continue;
    const extra = backports !== undefined && suites.includes(codename) ? [backports] : [];
    selected.push({ ...source, uris, suites: [...new Set([...suites, ...extra])] });
  }
  return selected;
}

/** Writes sources as a deb822 file. @param {Source[]} sources */
export function formatSources(sources) {
  const stanzas = sources.map(({ uris, suites, components, options }) =>
    [
      'Types: deb',
      `URIs: ${uris.join(' ')}`,
      `Suites: ${suites.join(' ')}`,
      `Components: ${components.join(' ')}`,
      ...[...options].map(([name, value]) => `${name}: ${value}`),
      '',
    ].join('\n'),
  );
  return stanzas.join('\n');
}
