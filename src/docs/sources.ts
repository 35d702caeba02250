import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A page that is written in Markdown. */
export interface Guide {
  /** What follows `/docs/` in its address: `events`, `families/flow`. */
  readonly slug: string;
  readonly title: string;
  /** A title as the menu has room for it. */
  readonly short: string;
  readonly group: string;
  /** The file it comes from, from the top folder: `docs/events.md`. */
  readonly file: string;
  readonly markdown: string;
}

/** A file that guides link to, served as it is: `deploy/alerts.yml`. */
export interface Attachment {
  readonly slug: string;
  readonly file: string;
  readonly bytes: Buffer;
}

/** A page that is a part of another file: some of its sections. */
interface Excerpt {
  readonly slug: string;
  readonly title: string;
  readonly file: string;
  readonly sections: readonly string[];
}

const EXCERPTS: readonly Excerpt[] = [
  { slug: 'start', title: 'Five-minute start', file: 'README.md', sections: ['Quickstart'] },
  { slug: 'how-it-works', title: 'How it works', file: 'README.md', sections: ['The words', 'How it flows', 'Head start'] },
  { slug: 'settings', title: 'Settings', file: 'README.md', sections: ['Settings', 'Docker Compose'] },
  { slug: 'changes', title: 'Changes', file: 'CHANGELOG.md', sections: [] },
];

/** The menu: its groups, and the pages of each in their order. What is named nowhere stands under the last one. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: ['start', 'how-it-works', 'moving'],
  Sending: ['events', 'event-types', 'rules', 'policies', 'endpoint-auth', 'transformations', 'bulk', 'recovery', 'endpoint-life'],
  Receiving: [
    'verifying', 'receiving', 'families/chakra', 'families/chakra-inbound', 'families/meta', 'families/chative', 'families/spektr', 'families/flow',
  ],
  Operating: ['settings', 'operating', 'kubernetes', 'upgrading', 'observability', 'console', 'stream', 'tracing', 'retention'],
  Reference: ['errors', 'outcomes', 'cli', 'changes'],
};

/** What the menu calls a page whose own title is long. */
const SHORT: Readonly<Record<string, string>> = {
  'endpoint-life': 'When an endpoint dies', verifying: 'Verifying', operating: 'Operating', retention: 'Retention',
  'families/chakra': 'Dialect chakra', 'families/chakra-inbound': 'Dialect chakra-inbound', 'families/meta': 'Dialect meta',
  'families/chative': 'Dialect chative', 'families/spektr': 'Dialect spektr', 'families/flow': 'Dialect flow',
};

/** The folder that holds `docs/`, in the sources as in the image. @throws Error where there is none. */
export function findRoot(from: string = __dirname): string {
  if (existsSync(join(from, 'docs', 'errors.md'))) return from;
  if (dirname(from) === from) throw new Error('This installation has no folder docs/');
  return findRoot(dirname(from));
}

/** All guides, in the order of the menu. */
export function readGuides(root: string): Guide[] {
  const pages = markdownBelow(root, 'docs').map((file): Guide => {
    const markdown = readFileSync(join(root, file), 'utf8');
    const slug = file.slice('docs/'.length, -'.md'.length);
    const title = (/^# (.+)$/m.exec(markdown)?.[1] ?? slug).replaceAll('`', '');
    return { slug, file, markdown, title, short: SHORT[slug] ?? title, group: groupOf(slug) };
  });
  const excerpts = EXCERPTS.filter(({ file }) => existsSync(join(root, file))).map(({ slug, title, file, sections }): Guide => {
    const whole = readFileSync(join(root, file), 'utf8');
    const markdown = sections.length === 0 ? whole : [`# ${title}`, ...sections.map((name) => sectionOf(whole, name, sections.length > 1))].join('\n\n');
    return { slug, title, short: title, file, markdown, group: groupOf(slug) };
  });
  const order = Object.values(GROUPS).flat();
  const place = ({ slug }: Guide): number => (order.includes(slug) ? order.indexOf(slug) : order.length);
  return [...excerpts, ...pages].sort((a, b) => place(a) - place(b) || (a.slug < b.slug ? -1 : 1));
}

/** The names of the menu's groups, in their order. */
export const groupNames = (): readonly string[] => Object.keys(GROUPS);

/** What stands below `docs/deploy`. */
export function readAttachments(root: string): Attachment[] {
  const folder = join(root, 'docs', 'deploy');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const slug = `deploy/${path.slice(folder.length + 1).replaceAll('\\', '/')}`;
    return { slug, file: `docs/${slug}`, bytes: readFileSync(path) };
  });
}

const groupOf = (slug: string): string =>
  Object.entries(GROUPS).find(([, slugs]) => slugs.includes(slug))?.[0] ?? Object.keys(GROUPS).at(-1) ?? '';

function markdownBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}

/** One `##` section of a file, with its heading where it is one of several. */
function sectionOf(markdown: string, name: string, withHeading: boolean): string {
  const sections = markdown.split(/^(?=## )/m);
  const found = sections.find((text) => text.startsWith(`## ${name}\n`)) ?? '';
  return withHeading ? found : found.slice(`## ${name}\n`.length);
}
