import type { EnvelopeFacts } from '../domain/envelope-facts';

const PURPOSE = 'file_link';

/** What signs and checks links; a key ring does. */
export interface LinkSigner {
  sign(text: string, purpose: string): string;
  isSigned(text: string, purpose: string, signature: string): boolean;
}

/** Makes links to stored files under `PUBLIC_URL`, else under the listening address; the same arguments give the same link. */
export function createFileLinker(
  { keyRing, config }: { readonly keyRing: LinkSigner; readonly config: { readonly PUBLIC_URL?: string | undefined; readonly HOST: string; readonly PORT: number } },
): EnvelopeFacts['fileLink'] {
  const base = (config.PUBLIC_URL ?? `http://${config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST}:${config.PORT}`).replace(/\/$/, '');
  return (fileId, until) => {
    const expires = Math.floor(until.getTime() / 1000);
    return `${base}/files/${encodeURIComponent(fileId)}?expires=${expires}&signature=${encodeURIComponent(keyRing.sign(signed(fileId, expires), PURPOSE))}`;
  };
}

/** What a link is worth: `forged` where we never made it so, `expired` from the second after `expires` on. */
export function checkFileLink(
  keyRing: LinkSigner, link: { readonly fileId: string; readonly expires: number; readonly signature: string }, now: Date,
): 'good' | 'forged' | 'expired' {
  if (!keyRing.isSigned(signed(link.fileId, link.expires), PURPOSE, link.signature)) return 'forged';
  return now.getTime() > link.expires * 1000 ? 'expired' : 'good';
}

const signed = (fileId: string, expires: number): string => `${fileId}|${expires}`;
