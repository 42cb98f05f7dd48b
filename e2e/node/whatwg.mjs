// Reads a JSON array of addresses and writes how a browser reads each as a Location of https://auth.example.com/: the parts of
// the WHATWG URL Standard, or null where there is no address in it.
import { readFileSync } from 'node:fs';

const base = 'https://auth.example.com/';
const read = (address) => {
  try {
    const u = new URL(address, base);
    return { href: u.href, protocol: u.protocol, host: u.host, user: u.username + u.password };
  } catch {
    return null;
  }
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(read)));
