// Checks what clients send, in messages and by http.

export const MAX_TEXT = 2000;
export const MAX_NAME = 32;

/** What a client sent that is not done; code and message are sent back as they are. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The field as trimmed text of 1 to `max` characters. */
export function text(payload, field, max) {
  const value = payload?.[field];
  if (typeof value !== 'string') throw new Refusal('INVALID_PAYLOAD', `${field} must be a string`);
  const trimmed = value.trim();
  if (trimmed === '') throw new Refusal('INVALID_PAYLOAD', `${field} must not be empty`);
  if (trimmed.length > max) {
    throw new Refusal('INVALID_PAYLOAD', `${field} has more than ${max} characters`);
  }
  return trimmed;
}
