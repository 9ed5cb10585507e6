// The same cases in every run, so that what fails can be run again and a run says the same twice; PROPERTY_SEED tries others.
import fc from 'fast-check';
import { SEED } from './property-runs.ts';

fc.configureGlobal({ seed: SEED });
