// The roles as a page names them: the API's own names are values, the same in every language.

import { t } from './texts.js';

/** @param {Api.Role} role */
export function roleName(role) {
  return { User: t('role.user'), Teacher: t('role.teacher'), Admin: t('role.admin') }[role];
}
