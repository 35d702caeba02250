import { createHmac } from 'node:crypto';

/** The inbound text message of the seed "Chakra APIs, inbound events webhook", white space and all. */
export const SAMPLE_MESSAGE = `{
  "object": "whatsapp_business_account",
  "entry": [
    {
      "id": "83784929738012",
      "changes": [
        {
          "value": {
            "messaging_product": "whatsapp",
            "metadata": {
              "display_phone_number": "917259775805",
              "phone_number_id": "694794789348887"
            },
            "contacts": [
              {
                "profile": {
                  "name": "John"
                },
                "wa_id": "919911223344"
              }
            ],
            "messages": [
              {
                "from": "919911223344",
                "id": "wamid.HBgMOTEST3AxMjU4NDMzFQIAEhgUM0VCMDM3RjlEQTNDQTBEMjQ2Q275",
                "timestamp": "1756322278",
                "text": {
                  "body": "Hi, can you please help me out with an issue"
                },
                "type": "text"
              }
            ]
          },
          "field": "messages"
        }
      ]
    }
  ]
}`;

const METADATA = '{"display_phone_number":"917259775805","phone_number_id":"694794789348887"}';

/** A change of a notification, its parts given as JSON texts. */
export const change = (field: string, parts: Readonly<Record<string, string>>): string =>
  `{"field":"${field}","value":{"messaging_product":"whatsapp","metadata":${METADATA}${Object.entries(parts).map(([name, text]) => `,"${name}":${text}`).join('')}}}`;

/** A notification of changes, all in one entry. */
export const notification = (...changes: readonly string[]): string =>
  `{"object":"whatsapp_business_account","entry":[{"id":"83784929738012","changes":[${changes.join(',')}]}]}`;

/** A notification of one text message. */
export const message = (id: string, body = 'Hello'): string => notification(change('messages', {
  contacts: '[{"profile":{"name":"John"},"wa_id":"919911223344"}]',
  messages: `[{"from":"919911223344","id":${JSON.stringify(id)},"timestamp":"1756322278","text":{"body":${JSON.stringify(body)}},"type":"text"}]`,
}));

/** The value of `X-Hub-Signature-256` as Meta makes it. */
export const hubSignature = (body: string | Uint8Array, appSecret: string): string =>
  `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`;
