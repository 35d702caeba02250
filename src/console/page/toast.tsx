import { useEffect, useState } from 'preact/hooks';

/** Something that was said. */
export interface Said {
  readonly text: string;
  readonly isBad: boolean;
  readonly at: number;
}

const SHOWN_MS = 6_000;

/** Shows what was said last for some seconds. */
export function Toast({ said }: { readonly said: Said | null }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (!said) return;
    setShown(true);
    const timer = setTimeout(() => setShown(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return <div class="toasts" role="status" aria-live="polite">{said && isShown ? <p class={`toast ${said.isBad ? 'bad' : ''}`}>{said.text}</p> : null}</div>;
}
