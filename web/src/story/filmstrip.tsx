import { useFileUrl } from '../ui/pictures.js';

interface FilmstripProps {
  readonly files: readonly Blob[];
  /** Index of the one that is shown large; it may be none of them. */
  readonly at: number;
  onChoose(at: number): void;
}

/** The unfinished pictures side by side. For hands alone: the time line's slider goes through the same by keys. */
export const Filmstrip = ({ files, at, onChoose }: FilmstripProps) => (
  <ul class="filmstrip" aria-hidden="true">
    {files.map((file, k) => (
      <Frame key={file} file={file} chosen={k === at} onChoose={() => onChoose(k)} />
    ))}
  </ul>
);

interface FrameProps {
  readonly file: Blob;
  readonly chosen: boolean;
  onChoose(): void;
}

const Frame = ({ file, chosen, onChoose }: FrameProps) => (
  <li>
    <button type="button" class={chosen ? 'chosen' : ''} tabIndex={-1} onClick={onChoose}>
      <img src={useFileUrl(file)} alt="" />
    </button>
  </li>
);
