// What `test/lab/line up RATE DELAY` puts before the far sshd where the kernel cannot delay packets: passes TCP
// connections on to loopback, every byte DELAY milliseconds later, each way.
//
//   node line-delay.mjs ADDRESS DELAY PORT...
//
// What is under way is acknowledged by this program: it shows the windows of SSH, not those of TCP.
import { connect, createServer } from 'node:net';

const [address, delay, ...ports] = process.argv.slice(2);
const MOST = 32 * 2 ** 20; // bytes under way in one direction

/** Hands on what `from` says, its end and its failure, after the delay. */
function later(from, to) {
  let underWay = 0;
  const after = (what) => setTimeout(what, Number(delay));
  from.on('data', (bytes) => {
    underWay += bytes.length;
    if (underWay > MOST) from.pause();
    after(() => {
      to.write(bytes, () => {
        underWay -= bytes.length;
        if (underWay < MOST) from.resume();
      });
    });
  });
  from.on('end', () => after(() => to.end()));
  from.on('error', () => undefined).on('close', () => after(() => to.destroySoon()));
}

for (const port of ports.map(Number)) {
  createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    later(near, far);
    later(far, near);
  }).listen(port, address);
}
