/**
 * A checksum of 128 bits that finds damage in many megabytes several times as quickly as a cryptographic digest does. It is no protection against forgery.
 *
 * Four lanes take a word of 32 bits each in turn: multiply, add, rotate, multiply, each of which can be undone. So no change of a single word goes unseen.
 */
const FIRST = 0x9e3779b1;
const SECOND = 0x85ebca77;

/** Bytes of a checksum, and those that all lanes take at once. */
const BYTES = 16;

/** The checksum of some bytes: 16 bytes. */
export function checksumOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.length - (bytes.length % BYTES);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const lanes = Int32Array.of(FIRST + SECOND, SECOND, 0, -FIRST);
  take(lanes, new Int32Array(aligned.buffer, aligned.byteOffset, whole / 4));
  const last = new Uint8Array(BYTES);
  last.set(aligned.subarray(whole));
  take(lanes, new Int32Array(last.buffer));
  take(lanes, Int32Array.of(bytes.length, bytes.length / 2 ** 32, 0, 0));
  // So that each lane is in all words of the result.
  for (let round = 0; round < 3; round++)
    take(lanes, Int32Array.of(...lanes.subarray(1), lanes[0]));
  return new Uint8Array(lanes.buffer);
}

function take(lanes: Int32Array, words: Int32Array): void {
  let [a, b, c, d] = lanes;
  for (let index = 0; index + 3 < words.length; index += 4) {
    a = (a + Math.imul(words[index], SECOND)) | 0;
    a = Math.imul((a << 13) | (a >>> 19), FIRST);
    b = (b + Math.imul(words[index + 1], SECOND)) | 0;
    b = Math.imul((b << 13) | (b >>> 19), FIRST);
    c = (c + Math.imul(words[index + 2], SECOND)) | 0;
    c = Math.imul((c << 13) | (c >>> 19), FIRST);
    d = (d + Math.imul(words[index + 3], SECOND)) | 0;
    d = Math.imul((d << 13) | (d >>> 19), FIRST);
  }
  lanes.set([a, b, c, d]);
}
