// The table of ops that people read, from the records that everything else reads.

const bound = ({ relL2, maxAbs }) => `${relL2} / ${maxAbs}`;

/** A variant by name; those on 8-bit weights are marked, as they alone run calls that have them. */
const variantName = ({ name, weights }) => (weights === undefined ? `\`${name}\`` : `\`${name}\` (${weights} weights)`);

/**
 * @param {readonly import('../../src/ts/ops/types.js').OpRecord[]} ops
 * @returns {string} Markdown
 */
export function opsTable(ops) {
  const rows = ops.map(({ name, summary, variants, tolerance }) => {
    const cells = [`\`${name}\``, summary.replace(/\.$/, ''), variants.map(variantName).join(', ')];
    return `| ${[...cells, bound(tolerance.f32), bound(tolerance.f16)].join(' | ')} |`;
  });
  return `# Ops

Written by \`node scripts/ops-table.mjs\` from the records in \`src/ts/ops\`; a test keeps it up to date.

*Variants* stand in order of preference: the first whose predicate accepts the call and the adapter runs, unless one is forced by
name or a measurement chose another (\`unclip tune\`). *Bounds* are relative L2 and largest absolute error against fp64 on inputs
of unit variance, for f32 and f16 storage; sums are f32 in both.

| op | computes | variants | f32 bound | f16 bound |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
