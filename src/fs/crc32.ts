/** The checksum of zip archives, and of logs. */

let table: Uint32Array | undefined;

/** The CRC-32 of bytes. @param before that of the bytes before them, where they are not the first */
export function crc32(bytes: Uint8Array, before = 0): number {
  if (table === undefined) {
    table = new Uint32Array(256);
    for (let index = 0; index < 256; index++) {
      let value = index;
      for (let bit = 0; bit < 8; bit++)
        value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
      table[index] = value;
    }
  }
  let crc = ~before;
  for (let index = 0; index < bytes.length; index++)
    crc = table[(crc ^ bytes[index]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
