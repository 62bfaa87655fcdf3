/** What a worker of Node begins with, where the files are not bundled. */
import { serve } from "./worker-main.ts";

serve({ importModule: (address) => import(address) });
