import type { EnvelopeFacts, FileOfWorkspace } from '../domain/envelope-facts';

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
  return (file, until) => {
    const expires = Math.floor(until.getTime() / 1000);
    const signature = encodeURIComponent(keyRing.sign(signed(file, expires), PURPOSE));
    return `${base}/files/${encodeURIComponent(file.fileId)}?expires=${expires}&signature=${signature}`;
  };
}

/** What a link is worth: `forged` where we never made it so, `expired` from the second after `expires` on. */
export function checkFileLink(
  keyRing: LinkSigner, link: FileOfWorkspace & { readonly expires: number; readonly signature: string }, now: Date,
): 'good' | 'forged' | 'expired' {
  if (!keyRing.isSigned(signed(link, link.expires), PURPOSE, link.signature)) return 'forged';
  return now.getTime() > link.expires * 1000 ? 'expired' : 'good';
}

const signed = ({ workspaceId, fileId }: FileOfWorkspace, expires: number): string => `${workspaceId}|${fileId}|${expires}`;
