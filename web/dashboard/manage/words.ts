/* manage/words.ts -- the words that only the screens have that change something. */
import '../more';
import more from 'catalogue/manage';
import { learn } from '../words';

learn(more);
export const { settings, settingGroups } = more;
