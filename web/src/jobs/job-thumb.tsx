import { useFileUrl } from '../ui/pictures.js';
import type { JobPicture } from './job.js';

interface JobThumbProps {
  readonly picture: JobPicture;
  readonly label: string;
  readonly chosen: boolean;
  onChoose(): void;
}

/** One of several pictures of a request. */
export function JobThumb({ picture: { entry, preview }, label, chosen, onChoose }: JobThumbProps) {
  const url = useFileUrl(entry?.picture ?? preview);
  return (
    <li>
      <button type="button" class="thumb" aria-pressed={chosen} aria-label={label} onClick={onChoose}>
        {url && <img src={url} alt="" class={entry ? '' : 'unfinished'} />}
      </button>
    </li>
  );
}
