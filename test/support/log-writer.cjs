// Enters numbered records into a log, as a worker does, and prints each number when its proof is there.
// node log-writer.cjs DIR SIGNER-KEY DATABASE NAME FROM TO
const path = require('node:path');
const dist = path.resolve(__dirname, '../../dist/src/audit/log');
const { enterIntoLog } = require(path.join(dist, 'enter.js'));
const { LogHeads } = require(path.join(dist, 'heads.js'));
const { readNoteSigner } = require(path.join(dist, 'note.js'));

const [dir, key, url, name, from, to] = process.argv.slice(2);
const heads = new LogHeads({ url, maxConnections: 2, heldForMs: 1_000 });
const place = { dir, signer: readNoteSigner(key), heads };

async function main() {
  for (let number = Number(from); number < Number(to); ) {
    const done = await enterIntoLog(place, Buffer.from(`${name} ${number}`)).then(
      () => true,
      (error) => {
        if (error.name !== 'LostLog') throw error;
        return false;
      },
    );
    if (!done) continue;
    process.stdout.write(`${number}\n`);
    number += 1;
  }
  await heads.close();
}

main();
