import { type ApiDocument, type Content, operationsOf, type Parameter, type PlacedOperation, type Schema } from './api-document';
import { curlOf, textOf } from './curl';
import { type Html, html, type Part } from './html';
import type { Heading } from './markdown';
import { prose, SCHEMAS, schemaView, typeOf } from './schema-view';

/** A page of the API's description. */
export interface ReferencePage {
  readonly href: string;
  readonly title: string;
  readonly headings: readonly Heading[];
  readonly body: Html;
}

/** The pages of the API: what holds for all calls, those of each tag, and the schemas that have names. */
export function referencePages(document: ApiDocument): ReferencePage[] {
  return [overview(document), ...document.tags.map(({ name }) => tagPage(document, name)), schemaPage(document)];
}

const hrefOf = (tag: string): string => `/docs/api/${tag}`;
const titleOf = (tag: string): string => tag[0]?.toUpperCase() + tag.slice(1);

function overview(document: ApiDocument): ReferencePage {
  const body = html`<h1>API</h1>
<p>JSON over HTTP. Each call needs a key, <code>Authorization: Bearer …</code>, but for those that say otherwise. The same is told to machines by
<a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1), and every request and answer that is shown here is one that a test makes.</p>
<h2 id="what-holds-for-all-calls">What holds for all calls</h2>
<ul>
<li><strong>Errors</strong> are <code>application/problem+json</code>; decide by <code>code</code>. Each has its line on the page of <a href="/docs/errors">errors</a>.</li>
<li><strong>Roles</strong>: <code>admin</code> may do what <code>write</code> may, and that what <code>read</code> may. <code>publish</code> may only POST objects and events. <code>root</code> is the root key alone.</li>
<li><strong>Idempotency-Key</strong> on a POST: the same request with the same key is done once in 24 hours, and answered again with <code>Idempotent-Replayed: true</code>.</li>
<li><strong>Lists</strong> take <code>limit</code> and <code>cursor</code>, newest first, and answer <code>{"data": […], "nextCursor": …}</code>.</li>
<li><strong>Times</strong> are ISO 8601 in UTC with milliseconds. <strong>Ids</strong> tell what they name, and sort by time.</li>
</ul>
<h2 id="calls">Calls</h2>
${document.tags.map(({ name }) => html`<h3 id="${name}"><a href="${hrefOf(name)}">${titleOf(name)}</a></h3>
<ul class="calls">${operationsOf(document, name).map((one) => html`<li><a href="${hrefOf(name)}#${one.operationId}">${signature(one)}</a> <span>${one.summary}</span></li>`)}</ul>`)}`;
  return { href: '/docs/api', title: 'API', headings: [], body };
}

function tagPage(document: ApiDocument, tag: string): ReferencePage {
  const operations = operationsOf(document, tag);
  return {
    href: hrefOf(tag),
    title: titleOf(tag),
    headings: operations.map(({ operationId, method, path }) => ({ id: operationId, text: `${method} ${path}`, level: 2 })),
    body: html`<h1>${titleOf(tag)}</h1>${operations.map((one) => operationView(one, document))}`,
  };
}

function schemaPage(document: ApiDocument): ReferencePage {
  const schemas = Object.entries(document.components.schemas);
  const sent = JSON.stringify(Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ requestBody }) => requestBody ?? null)));
  return {
    href: '/docs/api/schemas',
    title: 'Schemas',
    headings: schemas.map(([name]) => ({ id: name, text: name, level: 2 })),
    body: html`<h1>Schemas</h1>${schemas.map(([name, schema]) => html`<section class="schema"><h2 id="${name}">${name}</h2>${schemaView(schema, !sent.includes(`"${SCHEMAS}${name}"`))}</section>`)}`,
  };
}

const signature = ({ method, path }: PlacedOperation): Html =>
  html`<span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code>`;

function operationView(one: PlacedOperation, document: ApiDocument): Html {
  const role = one['x-role'];
  const answers = Object.entries(one.responses).filter(([status, { content }]) => Number(status) < 400 || !content?.['application/problem+json']);
  const problems = Object.keys(one.responses).filter((status) => !answers.some(([answered]) => answered === status));
  return html`<section class="operation" aria-labelledby="${one.operationId}">
<h2 id="${one.operationId}">${signature(one)}</h2>
<p>${prose(one.summary)}.</p>
${one.description === undefined ? null : html`<p>${prose(one.description)}</p>`}
<p class="who">${role === undefined ? 'Needs no key.' : html`Needs a key with the role <code>${role}</code>.`}</p>
${parametersView(one.parameters ?? [])}
${one.requestBody === undefined ? null : html`<h3>Body</h3>${Object.values(one.requestBody.content).map(({ schema }) => schema && opened(schema, document, false))}`}
<h3>Example</h3>
${codeBlock(curlOf(one), 'sh')}
${answers.map(([status, { description, content }]) => html`<h3>Answer ${status} <small>${description}</small></h3>${contentView(content, document)}`)}
<p class="problems">Problems: ${problems.map((status, index) => [index > 0 ? ', ' : '', html`<a href="/docs/errors" title="${one.responses[status]?.description ?? ''}">${status}</a>`])}</p>
</section>`;
}

function parametersView(parameters: readonly Parameter[]): Part {
  // What every call takes is told once, on the first page.
  const own = parameters.filter(({ name }) => name !== 'Idempotency-Key' && name !== 'Posthorn-Workspace');
  if (own.length === 0) return null;
  return html`<h3>Parameters</h3><ul class="fields">${own.map((one) => {
    const about = one.description ?? one.schema.description;
    return html`<li><code>${one.name}</code> <span class="type">${one.in}, ${typeOf(one.schema)}</span>${
      one.required ? html` <span class="required">required</span>` : null}${about === undefined ? null : html`<span class="about">${prose(about)}</span>`}</li>`;
  })}</ul>`;
}

function contentView(content: Content | undefined, document: ApiDocument): Part {
  return Object.values(content ?? {}).map(({ schema, example }) => [
    example === undefined ? null : codeBlock(textOf(example), 'json'),
    schema === undefined ? null : html`<details class="shape"><summary>Fields</summary>${opened(schema, document, true)}</details>`,
  ]);
}

/** The fields of a schema; of one that has a name, that too. */
function opened(schema: Schema, { components }: ApiDocument, isAnswer: boolean): Part {
  const target = schema.$ref === undefined ? undefined : components.schemas[schema.$ref.slice(SCHEMAS.length)];
  return target === undefined ? schemaView(schema, isAnswer) : html`<p class="type">${typeOf(schema)}</p>${schemaView(target, isAnswer)}`;
}

const codeBlock = (text: string, language: string): Html => html`<pre tabindex="0"><code class="language-${language}">${text}</code></pre>`;
