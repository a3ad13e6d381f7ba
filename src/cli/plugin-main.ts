import { METADATA_COMMAND, pluginMetadata, readPluginCall, watchDocker } from './docker-plugin.js';
import { asTransferError, exitStatus, failureText } from './failure.js';
import { runProcess } from './main.js';
import { viewOf } from './render/view.js';

/** Runs ferry as a plugin of the docker client: `docker ferry ...`. */
export async function pluginMain(): Promise<void> {
  const words = process.argv.slice(2);
  if (words[0] === METADATA_COMMAND) {
    process.stdout.write(pluginMetadata());
    return;
  }
  try {
    const { argv, env } = readPluginCall(words);
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    // Who says `docker ferry load` means Docker, even where Podman is installed too.
    await runProcess('docker ferry', argv, { engine: 'docker', watch: watchDocker });
  } catch (error) {
    const failure = asTransferError(error);
    process.stderr.write(failureText(failure, viewOf(process.stderr, process.env), false));
    process.exitCode = exitStatus(failure);
  }
}
