/* more.ts -- the words of the parts that are loaded later (more.json). */
import more from 'catalogue/more';
import { learn } from './words';

learn(more);
