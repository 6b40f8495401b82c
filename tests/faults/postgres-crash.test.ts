import { crash } from "../postgres-faults.ts";
import { testPostgresFault } from "./postgres-fault.ts";

testPostgresFault(crash);
