/** Reference files, as the parity command reads them. */
export {
  type GoldenFile as TestTensors,
  type GoldenTensor as TestTensor,
  readGolden as readSafetensors,
} from '../../src/ts/parity/golden-file.js';
