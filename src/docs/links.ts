import { posix } from 'node:path';
import { slugOf } from './markdown';
import type { Attachment, Guide } from './sources';

/**
 * How the links of a file become addresses of the site: those of other pages lead to them, those of files that are no pages are
 * left out (null), and all others stay.
 */
export function linkResolver(guides: readonly Guide[], attachments: readonly Attachment[]): (file: string) => (target: string) => string | null {
  return (file) => (target) => {
    if (/^(https?:|mailto:|#|\/)/.test(target)) return target;
    const [path = '', fragment] = target.split('#');
    const linked = posix.join(posix.dirname(file), path);
    const pages = guides.filter((guide) => guide.file === linked);
    const page = (fragment === undefined ? undefined : pages.find((one) => hasSection(one, fragment))) ?? pages[0];
    if (page) return `/docs/${page.slug}${fragment === undefined ? '' : `#${fragment}`}`;
    const attachment = attachments.find((one) => one.file === linked);
    if (attachment) return `/docs/${attachment.slug}`;
    return null;
  };
}

const hasSection = ({ markdown }: Guide, fragment: string): boolean =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].some(([, heading = '']) => slugOf(heading) === fragment);
